"""Takes the paths of this machine out of a wheel's bill of materials, in place: neutral_sbom.py WHEEL.

maturin names each package of the workspace by where it lies, and has no option for it.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def neutral(text: bytes) -> bytes:
    return text.replace(REPOSITORY.as_uri().encode(), b"file:///xiezhen")


def record(line: str, changed: dict[str, bytes]) -> str:
    """A file's line in RECORD: its name, digest and size."""
    name = line.partition(",")[0]
    if name not in changed:
        return line
    digest = base64.urlsafe_b64encode(hashlib.sha256(changed[name]).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(changed[name])}"


def main() -> int:
    wheel = Path(sys.argv[1])
    with zipfile.ZipFile(wheel) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    changed = {entry.filename: neutral(content) for entry, content in entries if "/sboms/" in entry.filename}
    with zipfile.ZipFile(wheel, "w") as archive:
        for entry, content in entries:
            text = changed.get(entry.filename, content)
            if entry.filename.endswith(".dist-info/RECORD"):
                text = "".join(f"{record(line, changed)}\n" for line in content.decode().splitlines()).encode()
            archive.writestr(entry, text, compresslevel=9)
    return 0 if changed else 1


if __name__ == "__main__":
    sys.exit(main())
