"""Names, parameters, defaults and error codes of the faces, compared with one table (`table.json`).

Read from `.pyi`, the async Python source, the Node declarations, the C header and the Rust source. Every deviation has
to be in the table's list of differences, with its reason; a difference that is no longer there fails as well.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = json.loads((Path(__file__).parent / "table.json").read_text())
# How a time is called in each face: with its unit, where the type has none.
TIMES = {"timeout", "connect_timeout"}


def read(path: str) -> str:
    return (ROOT / path).read_text()


def found(pattern: str, text: str, flags: int = 0) -> str:
    match = re.search(pattern, text, flags)
    return match[1] if match else ""


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def plain(name: str) -> str:
    """Without the unit that Node and C put behind times."""
    return name.removesuffix("_ms")


class Rust:
    name = "rust"

    def __init__(self) -> None:
        self.client, self.options_source = read("core/src/client.rs"), read("core/src/options.rs")

    def codes(self) -> dict[str, list[object]]:
        rows = re.findall(r'^    \w+: "(\w+)", "(\w+)", (\d+), \d+, \w+;', read("core/src/error.rs"), re.M)
        return {code: [kind, int(number)] for code, kind, number in rows}

    def options(self) -> set[str]:
        body = found(r"pub struct ClientBuilder \{(.*?)\n\}", self.options_source, re.S)
        return set(re.findall(r"^    (\w+):", body, re.M))

    def defaults(self) -> dict[str, str]:
        pairs = re.findall(r"self\.(\w+)\.unwrap_or\((.+)\),$", self.options_source, re.M)
        return {name: value for name, value in pairs if name in TABLE["options"]}

    def parameters(self, call: str) -> set[str]:
        listed = found(rf"pub (?:async )?fn {call}\((.*?)\)(?: ->| \{{)", self.client, re.S)
        return set(re.findall(r"(?:^|[\s(,])(\w+): ", listed))


class Python:
    name, path, client, constructor = "python", "bindings-python/python/xiezhen/_xiezhen.pyi", "Client", "__new__"

    def __init__(self) -> None:
        classes = [node for node in ast.parse(read(self.path)).body if isinstance(node, ast.ClassDef)]
        body = next(node for node in classes if node.name == self.client).body
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        self.methods = {node.name: node.args for node in body if isinstance(node, kinds)}

    def names(self, method: str) -> set[str]:
        arguments = self.methods[method]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return {argument.arg for argument in every} - {"self", "cls"}

    def codes(self) -> dict[str, list[object]]:
        rows = re.findall(r'^class (\w+)\(.*?\):.*?^    code = "(\w+)"', read("bindings-python/python/xiezhen/errors.py"), re.M | re.S)
        numbers = {code: number for code, (_, number) in TABLE["codes"].items()}
        return {code: [kind, numbers.get(code)] for kind, code in rows if kind != "XiezhenError"}

    def options(self) -> set[str]:
        return self.names(self.constructor)

    def defaults(self) -> dict[str, str]:
        """None: the core decides; False for what is off."""
        arguments = self.methods[self.constructor]
        values = [*arguments.defaults, *arguments.kw_defaults]
        own = {ast.unparse(value) for value in values if value} - {"None", "False"}
        return {"a default of its own": value for value in own} or dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        return self.names(call)


class Async(Python):
    name, path, client, constructor = "async", "bindings-python/python/xiezhen/_async.py", "AsyncClient", "__init__"


class Node:
    name = "node"

    def __init__(self) -> None:
        self.client, self.native = read("bindings-node/lib/client.ts"), read("bindings-node/native.d.ts")

    def interface(self, name: str) -> set[str]:
        pattern = rf"export interface {name}(?: extends ([\w, ]+))? \{{(.*?)\n\}}"
        members: set[str] = set()
        for source in (self.client, self.native):
            match = re.search(pattern, source, re.S)
            if match:
                members |= set(re.findall(r"^  (\w+)\??:", match[2], re.M))
                for parent in (match[1] or "").split(", "):
                    members |= self.interface(parent) if parent and parent != "CallOptions" else set()
                break
        return members

    def codes(self) -> dict[str, list[object]]:
        union = found(r"type ErrorCode =((?:\s*\| '\w+')+)", read("bindings-node/lib/error.ts"))
        listed = re.findall(r"'(\w+)'", union)
        return {code: TABLE["codes"].get(code, ["?", 0]) for code in listed}

    def options(self) -> set[str]:
        body = found(r"export interface ClientOptions \{(.*?)\n\}", self.native, re.S)
        return {plain(snake(name)) for name in re.findall(r"^  (\w+)\??:", body, re.M)}

    def defaults(self) -> dict[str, str]:
        return dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), call)
        listed = found(rf"^  (?:async )?{camel}\((.*)\): ", self.client, re.M)
        names = set(re.findall(r"(?:^|, )(\w+)\??: ", listed))
        for options in re.findall(r"options\??: (\w+)", listed):
            names |= self.interface(options)
        return {plain(snake(name)) for name in names - {"options", "signal"}}


class C:
    name = "c"

    def __init__(self) -> None:
        self.header = re.sub(r"/\*.*?\*/", "", read("bindings-c/include/xiezhen.h"), flags=re.S)

    def codes(self) -> dict[str, list[object]]:
        body = found(r"enum xiezhen_status\b(.*?)\};", self.header, re.S)
        rows = re.findall(r"XIEZHEN_(\w+) = (\d+)", body)
        classes = {code: kind for code, (kind, _) in TABLE["codes"].items()}
        return {code.lower(): [classes.get(code.lower()), int(number)] for code, number in rows if code != "OK"}

    def setters(self, options: str) -> set[str]:
        return {plain(name) for name in re.findall(rf"xiezhen_{options}_options_set_(\w+)\(", self.header)}

    def options(self) -> set[str]:
        return self.setters("client")

    def defaults(self) -> dict[str, str]:
        return dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        """Its own, and those of its options that the call is documented to know."""
        name = "client_close" if call == "close" else call
        listed = found(rf"\bxiezhen_{name}\(([^;]*)\);", self.header)
        names = set(re.findall(r"(\w+)(?:,|$)", listed))
        known = self.setters("run" if call in ("run", "advance") else "call") if "options" in names else set()
        outs = set(re.findall(r"\*\*(\w+)|uint64_t \*(\w+)", listed))
        names -= {name for pair in outs for name in pair}
        names -= {"options", "client", "user_data", "error", "img_count", "task_count"}
        # One options type serves many calls: what belongs to other calls is refused when it is used.
        return names | (known & set(TABLE["calls"][call]))


def compare(face: str, where: str, got: set[str], wanted: set[str]) -> list[str]:
    justified = [row for row in TABLE["differences"] if (row["face"], row["where"]) == (face, where)]
    missing = {name for row in justified for name in row.get("missing", [])}
    added = {name for row in justified for name in row.get("added", [])}
    problems = []
    for what, names in (("lacks", wanted - got - missing), ("has, and the table hasn't,", got - wanted - added)):
        problems += [f"{face}: {where} {what} {name}" for name in sorted(names)]
    stale = (missing & got) | (added - got)
    return problems + [f"{face}: {where}: the difference about {name} is gone" for name in sorted(stale)]


def main() -> int:
    problems, compared = [], 0
    for face in (Rust(), Python(), Async(), Node(), C()):
        codes = face.codes()
        problems += compare(face.name, "codes", set(codes), set(TABLE["codes"]))
        problems += [f"{face.name}: {code} is {row}" for code, row in codes.items() if row != TABLE["codes"].get(code)]
        problems += compare(face.name, "options", face.options(), set(TABLE["options"]))
        wanted = {name: value for name, value in TABLE["options"].items() if value is not None}
        if face.defaults() != wanted:
            problems.append(f"{face.name}: the defaults are {face.defaults()}")
        for call, parameters in TABLE["calls"].items():
            problems += compare(face.name, f"call {call}", face.parameters(call), set(parameters))
            compared += 1 + len(parameters)
        compared += len(codes) + len(TABLE["options"])
    print(*problems, sep="\n")
    print(f"{compared} names compared in 5 faces, {len(TABLE['differences'])} justified differences, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
