"""How large what has to be installed is."""

import json
import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

from bench.places import HERE, PYTHON, REPO
from bench.table import Row, Section

MIB = 1 << 20
LARGEST = 6
PACKAGES = HERE / "node/node_modules"
PYTHON_SDKS = ("xiezhen", "fal-client", "replicate", "openai", "dashscope")
NODE_SDKS = ("xiezhen", "@fal-ai/client", "replicate", "openai")


def measure() -> Section:
    rows = [
        file("C", "stripped .so", newest(HERE / "c/installed/lib", "*.so.*")),
        file("Python", "wheel", newest(REPO / "bindings-python/dist", "*.whl")),
        file("Node", "addon", newest(PACKAGES / "xiezhen", "*.node")),
    ]
    rows += installed("Python", {name: python_size(name) for name in PYTHON_SDKS})
    rows += installed("Node", {name: node_size(name) for name in NODE_SDKS})
    return Section("Sizes", "What is installed counts with everything it depends on, without compiled Python.", rows)


def installed(face: str, found: dict[str, float]) -> list[Row]:
    (_, ours), *peers = found.items()
    return [Row(face, "installed", [ours], "MiB", name, [theirs]) for name, theirs in peers]


def file(face: str, what: str, path: Path) -> Row:
    return Row(face, f"the {what}", [path.stat().st_size / MIB], "MiB", limit=LARGEST)


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda file: file.stat().st_mtime)


def normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def python_size(name: str) -> float:
    """A distribution and what it needs, without extras."""
    folder = next(Path(PYTHON).parent.parent.glob("lib/python*/site-packages"))
    all_of = {normal(found.name): found for found in distributions(path=[str(folder)])}
    needed: set[str] = set()
    left = [normal(name)]
    while left:
        one = left.pop()
        if one in all_of and one not in needed:
            needed.add(one)
            left += requirements(all_of[one])
    return sum(map(bytes_of, (all_of[one] for one in needed))) / MIB


def requirements(found: Distribution) -> list[str]:
    plain = [line for line in found.requires or () if "extra ==" not in line]
    return [normal(match[0]) for line in plain if (match := re.match(r"[\w.-]+", line))]


def bytes_of(found: Distribution) -> int:
    paths = (Path(str(found.locate_file(file))) for file in found.files or () if "__pycache__" not in str(file))
    return sum(path.stat().st_size for path in paths if path.is_file())


def node_size(name: str) -> float:
    needed: set[Path] = set()
    left = [PACKAGES / name]
    while left:
        folder = left.pop()
        if folder in needed:
            continue
        needed.add(folder)
        told = json.loads((folder / "package.json").read_text())
        left += [place for depends in told.get("dependencies", {}) if (place := resolve(folder, depends))]
    return sum(own_size(folder) for folder in needed) / MIB


def resolve(folder: Path, name: str) -> Path | None:
    """Where a package finds another: in its own folder, or in one above."""
    places = [folder / "node_modules" / name, PACKAGES / name]
    return next((place for place in places if place.is_dir()), None)


def own_size(folder: Path) -> int:
    nested = folder / "node_modules"
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and nested not in file.parents)
