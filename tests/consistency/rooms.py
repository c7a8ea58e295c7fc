"""Fails if modules import each other in a ring: Rust's over `use crate::…`, `self::…`, `super::…` and paths, TypeScript's over
`from './…'`, Python's over `import` and `from … import`, those for types only included."""
import ast
import os
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


def rust(module, text, _source):
    text = re.sub(r"//.*|#\[cfg\(test\)\]\nmod \w+ \{[\s\S]*", "", text)
    for tree in re.findall(r"\buse ((?:crate|self|super)::[^;]+);|\b(crate(?:::\w+)+)", text):
        for first, *path in paths(tree[0] or tree[1]):
            yield {"crate": (), "self": module, "super": module[:-1]}[first] + tuple(path)


def typescript(module, text, _source):
    for path in re.findall(r"\b(?:from|import|require\()\s*'(\.[^']*)'", text):
        yield tuple(os.path.normpath("/".join((*module[:-1], path))).split("/"))


def python(module, text, source):
    package = module[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (tuple(name.name.split("."))[1:] for name in node.names if name.name.startswith(source.name + "."))
        elif isinstance(node, ast.ImportFrom):
            base = tuple(filter(None, (node.module or "").split(".")))
            if node.level or base[:1] == (source.name,):
                base = package[: len(package) + 1 - node.level] + base if node.level else base[1:]
                yield from (base + (name.name,) for name in node.names)


LANGUAGES = {"rs": rust, "ts": typescript, "py": python}
# Each is the room around its neighbours: what it takes from them and they from it is no ring.
OUTER = {"rs": "mod", "ts": "", "py": "__init__"}


def imports(source):
    files = {ending: [*source.rglob(f"*.{ending}")] for ending in LANGUAGES}
    ending = max(files, key=lambda ending: len(files[ending]))
    modules = {}
    for file in files[ending]:
        module = file.relative_to(source).with_suffix("").parts
        if ending != "rs" or module[0] not in ("bin", "lib", "main", "internals", "tests") and module[-1] != "tests":
            modules[module[:-1] if module[-1] == OUTER[ending] else module] = file
    for module, file in modules.items():
        at = (*module, "") if file.stem == "__init__" else module
        named = LANGUAGES[ending](at, file.read_text(), source)
        used = {next((path[:n] for n in range(len(path), 0, -1) if path[:n] in modules), ()) for path in named}
        # What a module takes from its own ancestors is no ring: they are one room.
        yield module, {other for other in used if other and other != module[: len(other)]}


for source in sys.argv[1:]:
    try:
        TopologicalSorter(dict(imports(Path(source)))).prepare()
    except CycleError as ring:
        sys.exit(f"{source}: modules import each other: {' -> '.join('::'.join(m) for m in ring.args[1][::-1])}")
