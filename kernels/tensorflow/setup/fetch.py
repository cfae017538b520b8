"""Fetches the wheels of a hash-pinned requirements file with pip's own finder and session.

Proxies, mirrors, certificates and credentials are pip's: the same configuration files and variables count. Unlike
`pip download`, an interrupted download goes on where it stopped. Written for the pip that python-env.mjs pins.
Prints one JSON object a line: {"file", "index", "count", "bytes", "total"}, at last {"files": [...]}.

    python fetch.py FOLDER REQUIREMENTS [--platform=… --python-version=… (as for pip download)]
"""

import hashlib
import json
import os
import sys
import time

from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands import create_command
from pip._internal.network.utils import response_chunks
from pip._internal.req import parse_requirements
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._vendor.requests.exceptions import RequestException
from pip._vendor.urllib3.exceptions import HTTPError

CHUNK = 1 << 20
ATTEMPTS = 6


def report(**values):
    print(json.dumps(values), flush=True)


def hash_of(path):
    digest = hashlib.sha256()
    if os.path.exists(path):
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest


def fetch_rest(session, url, part, show):
    """Appends what is missing to `part` (a server that cannot resume starts it again) and returns its SHA-256."""
    digest = hash_of(part)
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with session.get(url, headers=headers, stream=True) as response:
        if response.status_code == 416:  # nothing is missing
            return digest.hexdigest()
        response.raise_for_status()
        if response.status_code != 206:
            have, digest = 0, hashlib.sha256()
        total = have + int(response.headers.get("Content-Length", 0))
        with open(part, "ab" if have else "wb") as file:
            for chunk in response_chunks(response, CHUNK):
                file.write(chunk)
                digest.update(chunk)
                have += len(chunk)
                show(have, total)
    if have < total:
        raise ConnectionError(f"connection reset after {have} of {total} bytes")
    return digest.hexdigest()


def fetch(session, link, path, allowed, show):
    """A few attempts, each from where the last one stopped; a file with another hash is thrown away."""
    part = f"{path}.incomplete"
    for attempt in range(ATTEMPTS):
        try:
            digest = fetch_rest(session, link.url_without_fragment, part, show)
            break
        except (RequestException, HTTPError, ConnectionError) as error:
            if attempt == ATTEMPTS - 1:
                raise
            print(f"attempt {attempt + 1} stopped: {error}", file=sys.stderr, flush=True)
            time.sleep(2**attempt)
    if digest not in allowed:
        os.remove(part)
        sys.exit(f"{link.filename} has sha256 {digest}, expected {' or '.join(allowed)}")
    os.replace(part, path)


def fetch_requirements(folder, requirements, session, finder):
    parsed = parse_requirements(requirements, session=session, finder=finder)
    wanted = [install_req_from_parsed_requirement(line) for line in parsed]
    wanted = [requirement for requirement in wanted if requirement.match_markers()]
    files = []
    for index, requirement in enumerate(wanted):
        hashes = requirement.hashes(trust_internet=False)
        best = finder.find_best_candidate(requirement.name, requirement.specifier, hashes).best_candidate
        if best is None:
            sys.exit(f"No matching distribution found for {requirement.req}")
        path = os.path.join(folder, best.link.filename)

        def show(done, total, name=best.link.filename, index=index):
            report(file=name, index=index, count=len(wanted), bytes=done, total=total)

        allowed = requirement.hash_options.get("sha256", [])
        if hash_of(path).hexdigest() not in allowed:
            fetch(session, best.link, path, allowed, show)
        files.append(path)
    report(files=files)


def main(folder, requirements, *target):
    command = create_command("download")
    options, _ = command.parse_args(["--only-binary=:all:", "--no-cache-dir", *target])
    with command.main_context():
        session = command.get_default_session(options)
        target_python = make_target_python(options)
        finder = command._build_package_finder(options, session, target_python=target_python)
        os.makedirs(folder, exist_ok=True)
        fetch_requirements(folder, requirements, session, finder)


if __name__ == "__main__":
    main(*sys.argv[1:])
