"""One version everywhere: Cargo.toml holds it, and the packages, the C header and the changelog follow.

versions.py [--release]: before a release, the top of CHANGELOG.md must also have a date.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def text(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def found(path: str, pattern: str) -> str:
    match = re.search(pattern, text(path), re.MULTILINE)
    return match.group(1) if match else "none"


def main() -> int:
    version = found("Cargo.toml", r'^\[workspace\.package\]\nversion = "([^"]+)"')
    package = json.loads(text("bindings-node/package.json"))
    lock = json.loads(text("bindings-node/package-lock.json"))
    seen = {
        "Cargo.toml, the dependency on core": found("Cargo.toml", r'^xiezhen = \{ path = "core", version = "([^"]+)"'),
        "bindings-node/package.json": package["version"],
        "bindings-node/package-lock.json": lock["version"],
        "bindings-c/include/xiezhen.h": found("bindings-c/include/xiezhen.h", r'^#define XIEZHEN_VERSION "([^"]+)"'),
        "bindings-c/packaging/vcpkg/vcpkg.json": json.loads(text("bindings-c/packaging/vcpkg/vcpkg.json"))["version"],
        "CHANGELOG.md": found("CHANGELOG.md", r"^## \[([^\]]+)\]"),
    }
    for page in ("docs/en/index.md", "docs/zh/index.md", "bindings-c/README.md"):
        for archive, other in re.findall(r"(xiezhen(?:-command)?-(\d[\d.]*)-linux)", text(page)):
            seen[f"{page}, {archive}"] = other
    for name, wanted in package.get("optionalDependencies", {}).items():
        seen[f"bindings-node/package.json, {name}"] = wanted
    problems = [f"{place} says {other}, Cargo.toml {version}" for place, other in seen.items() if other != version]
    if "--release" in sys.argv[1:] and found("CHANGELOG.md", r"^## \[[^\]]+\] - (\S+)") == "unreleased":
        problems.append("CHANGELOG.md: the top has no date yet")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
