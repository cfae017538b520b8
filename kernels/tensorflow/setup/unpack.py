"""Unpacks parts of wheels; zipfile checks the size and the CRC of each member.

Prints one JSON object a line: {"bytes", "total"}.

    python unpack.py --prefix=PREFIX... FOLDER WHEEL...
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
import zipfile


class Counted:
    """Where members are written to; reports the bytes at most five times a second."""

    def __init__(self, total):
        self.done, self.total, self.shown, self.file = 0, total, 0.0, None

    def write(self, data):
        self.file.write(data)
        self.done += len(data)
        if time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            print(json.dumps({"bytes": self.done, "total": self.total}), flush=True)


def path_in(folder, name):
    """Where a member goes; one that would lie outside the folder is refused."""
    path = os.path.normpath(os.path.join(folder, name))
    if not path.startswith(folder + os.sep):
        sys.exit(f"error: {name} lies outside the folder")
    return path


def main(folder, wheels, prefixes):
    with contextlib.ExitStack() as stack:
        archives = [stack.enter_context(zipfile.ZipFile(wheel)) for wheel in wheels]
        members = [
            (archive, member)
            for archive in archives
            for member in archive.infolist()
            if member.filename.startswith(prefixes) and not member.is_dir()
        ]
        target = Counted(sum(member.file_size for _, member in members))
        for archive, member in members:
            path = path_in(os.path.realpath(folder), member.filename)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, "wb") as target.file:
                shutil.copyfileobj(source, target, 1 << 20)
            # zipfile keeps no permissions; CUDA's ptxas is a program.
            os.chmod(path, (member.external_attr >> 16) & 0o777 | 0o644)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", action="append", default=[])
    parser.add_argument("folder")
    parser.add_argument("wheels", nargs="+")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.wheels, tuple(arguments.prefix))
