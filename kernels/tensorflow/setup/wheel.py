"""Fetches a wheel with pip's own finder and session, and unpacks parts of it.

Proxies, mirrors, certificates and credentials are pip's: the same configuration files and variables count.
Unlike `pip download`, an interrupted download goes on where it stopped. Written for the pinned pip (python-env.mjs).
Prints one JSON object a line: {"bytes": done, "total": of}.

    python wheel.py fetch NAME VERSION SHA256 PLATFORM FILE
    python wheel.py unpack FILE FOLDER PREFIX...
"""

import hashlib
import json
import os
import shutil
import sys
import time
import zipfile

CHUNK = 1 << 20
ATTEMPTS = 6


def report(done, total):
    print(json.dumps({"bytes": done, "total": total}), flush=True)


def find_wheel(name, version, sha256, platform):
    """pip's session and the URL of the one wheel that is pinned."""
    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands import create_command
    from pip._internal.utils.hashes import Hashes
    from pip._vendor.packaging.specifiers import SpecifierSet

    command = create_command("download")
    options, _ = command.parse_args(
        ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", f"--platform={platform}"]
    )
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session, target_python=make_target_python(options))
    best = finder.find_best_candidate(name, SpecifierSet(f"=={version}"), Hashes({"sha256": [sha256]}))
    if best.best_candidate is None:
        sys.exit(f"No matching distribution found for {name}=={version} (from versions: none)")
    return session, best.best_candidate.link.url_without_fragment


def hash_of(path):
    digest = hashlib.sha256()
    if os.path.exists(path):
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest


def fetch_rest(session, url, part, digest):
    """Appends what is missing to `part`; a server that cannot resume starts the file again."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with session.get(url, headers=headers, stream=True) as response:
        if response.status_code == 416:  # nothing is missing
            return digest
        response.raise_for_status()
        if response.status_code != 206:
            have, digest = 0, hashlib.sha256()
        total = have + int(response.headers.get("Content-Length", 0))
        shown = 0.0
        with open(part, "ab" if have else "wb") as file:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                digest.update(chunk)
                have += len(chunk)
                if time.monotonic() - shown > 0.2:
                    shown = time.monotonic()
                    report(have, total)
        if have < total:
            raise ConnectionError(f"connection reset after {have} of {total} bytes")
    return digest


def fetch(name, version, sha256, platform, target):
    from pip._vendor.requests.exceptions import RequestException
    from pip._vendor.urllib3.exceptions import HTTPError

    part = f"{target}.incomplete"
    session, url = find_wheel(name, version, sha256, platform)
    for attempt in range(ATTEMPTS):
        try:
            digest = fetch_rest(session, url, part, hash_of(part))
            break
        except (RequestException, HTTPError, ConnectionError) as error:
            if attempt == ATTEMPTS - 1:
                raise
            print(f"attempt {attempt + 1} stopped: {error}", file=sys.stderr, flush=True)
            time.sleep(2**attempt)
    if digest.hexdigest() != sha256:
        os.remove(part)
        sys.exit(f"{os.path.basename(target)}: sha256 {digest.hexdigest()}, expected {sha256}")
    os.replace(part, target)


def unpack(wheel, folder, *prefixes):
    """Members under the prefixes; zipfile checks each one's size and CRC."""
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.infolist() if m.filename.startswith(prefixes) and not m.is_dir()]
        total = sum(m.file_size for m in members)
        done = 0
        for member in members:
            path = os.path.normpath(os.path.join(folder, member.filename))
            if not path.startswith(os.path.normpath(folder) + os.sep):
                sys.exit(f"{member.filename}: error, outside the folder")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file, CHUNK)
            done += member.file_size
            report(done, total)


if __name__ == "__main__":
    {"fetch": fetch, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
