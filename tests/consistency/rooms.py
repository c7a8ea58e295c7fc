"""Fails if modules of a crate import each other in a ring: over `use crate::…`, `self::…` and `super::…`, and paths."""
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


def paths(tree, prefix=()):
    """Every path that a use tree such as `a::{b, c::D}` names."""
    head, brace, rest = tree.partition("{")
    prefix += tuple(part.strip() for part in head.strip().rstrip(":").split("::") if part.strip())
    if not brace:
        return [prefix]
    parts = re.split(r",(?![^{}]*(?:\{[^{}]*\}[^{}]*)*\})", rest[: rest.rindex("}")])
    return [path for part in parts if part.strip() for path in paths(part, prefix)]


def imports(source):
    modules = {}
    for file in source.rglob("*.rs"):
        module = file.relative_to(source).with_suffix("").parts
        if module[0] not in ("bin", "lib", "main", "internals", "tests") and module[-1] != "tests":
            modules[module[:-1] if module[-1] == "mod" else module] = file
    for module, file in modules.items():
        text = re.sub(r"//.*|#\[cfg\(test\)\]\nmod \w+ \{[\s\S]*", "", file.read_text())
        used = set()
        for tree in re.findall(r"\buse ((?:crate|self|super)::[^;]+);|\b(crate(?:::\w+)+)", text):
            for first, *path in paths(tree[0] or tree[1]):
                path = {"crate": (), "self": module, "super": module[:-1]}[first] + tuple(path)
                used.add(next((path[:n] for n in range(len(path), 0, -1) if path[:n] in modules), ()))
        # What a module takes from its own ancestors is no ring: they are one room.
        yield module, {other for other in used if other and other != module[: len(other)]}


for crate in sys.argv[1:]:
    try:
        TopologicalSorter(dict(imports(Path(crate)))).prepare()
    except CycleError as ring:
        sys.exit(f"{crate}: modules import each other: {' -> '.join('::'.join(m) for m in ring.args[1][::-1])}")
