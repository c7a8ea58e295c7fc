"""Refuses a wheel that is not to be shipped: wheel_gate.py WHEEL, in the environment that has auditwheel.

It must run where its name says, on glibc 2.17 and CPython 3.10, be at most 4.2 MiB, and say what it is built from and
under which licences.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MOST_BYTES = int(4.2 * 1024 * 1024)
# More than for the addon and the C library: it is packed.
MOST_BYTES_UNPACKED = 9 * 1024 * 1024
BESIDE = ("licenses/LICENSE-APACHE", "licenses/LICENSE-MIT", "licenses/THIRD-PARTY.md", "sboms/")


def problems(wheel: Path, unpacked: Path) -> list[str]:
    found = []
    if (size := wheel.stat().st_size) > MOST_BYTES:
        found.append(f"is {size} bytes, and may be {MOST_BYTES}")
    if "-cp310-abi3-" not in wheel.name:
        found.append("is for one CPython only")
    shown = subprocess.run(["auditwheel", "show", wheel], check=True, capture_output=True, text=True).stdout
    # Where it says another platform than the name does, the wheel needs more than it admits.
    seen = re.findall(r'platform tag:\s*"([^"]+)"', shown)
    if not seen or seen[0] not in wheel.name:
        found.append(f"auditwheel says: {shown}")
    (info,) = unpacked.glob("*.dist-info")
    files = [str(path.relative_to(info)) for path in info.rglob("*") if path.is_file()]
    found += [f"has no {name}" for name in BESIDE if not any(file.startswith(name) for file in files)]
    paths = [
        str(path) for path in unpacked.rglob("*") if path.is_file() and str(REPOSITORY).encode() in path.read_bytes()
    ]
    return found + [f"{path} names a path of this machine" for path in paths]


def main() -> int:
    wheel = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        (library,) = Path(folder).glob("xiezhen/*.so")
        subprocess.run([REPOSITORY / ".ci" / "dist-gate", library, str(MOST_BYTES_UNPACKED)], check=True)
        found = problems(wheel, Path(folder))
    print(*(f"{wheel.name}: {problem}" for problem in found), sep="\n", file=sys.stderr)
    print(f"{wheel.name}: {wheel.stat().st_size} bytes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
