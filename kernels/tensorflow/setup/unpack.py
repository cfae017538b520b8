"""Unpacks parts of a wheel; zipfile checks the size and the CRC of each member.

Prints one JSON object a line: {"bytes", "total"}.

    python unpack.py WHEEL FOLDER PREFIX...
"""

import json
import os
import shutil
import sys
import time
import zipfile


class Counted:
    """A file that reports what is written to it, at most five times a second."""

    def __init__(self, total):
        self.done, self.total, self.shown, self.file = 0, total, 0.0, None

    def write(self, data):
        self.file.write(data)
        self.done += len(data)
        if time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            print(json.dumps({"bytes": self.done, "total": self.total}), flush=True)


def main(wheel, folder, *prefixes):
    root = os.path.realpath(folder)
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.infolist() if m.filename.startswith(prefixes) and not m.is_dir()]
        target = Counted(sum(m.file_size for m in members))
        for member in members:
            path = os.path.normpath(os.path.join(root, member.filename))
            if not path.startswith(root + os.sep):
                sys.exit(f"error: {member.filename} lies outside the wheel's own folder")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, "wb") as target.file:
                shutil.copyfileobj(source, target, 1 << 20)


if __name__ == "__main__":
    main(*sys.argv[1:])
