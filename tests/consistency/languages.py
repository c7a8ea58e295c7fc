"""What each language has: codes, options, calls and words, read from `.pyi`, the Python source, the Node declarations, the C
and C++ headers and the Rust source. `check.py` compares them.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from values import READERS

ROOT = Path(__file__).resolve().parents[2]
TABLE = json.loads((Path(__file__).parent / "table.json").read_text())
# Where each set of words is, under the name that it has in each language.
WORDS = {"state": "TaskState", "kind": "TaskKind", "stage": "Stage", "event": "Event"}


def read(path: str) -> str:
    return (ROOT / path).read_text()


def found(pattern: str, text: str, flags: int = 0) -> str:
    match = re.search(pattern, text, flags)
    return match[1] if match else ""


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name).removeprefix("_")


def classes(path: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(read(path)).body if isinstance(node, ast.ClassDef)}


def plain(name: str) -> str:
    """Without the unit that Node and C put behind times."""
    return name.removesuffix("_ms")


class Rust:
    name = "rust"

    def __init__(self) -> None:
        sources = [ROOT / "core/src/client.rs", *sorted((ROOT / "core/src/client").glob("*.rs"))]
        self.client = "".join(path.read_text() for path in sources)
        self.options_source = read("core/src/options.rs")

    def codes(self) -> dict[str, list[object]]:
        rows = re.findall(r'^    \w+: "(\w+)", "(\w+)", (\d+), \d+, \w+;', read("core/src/error/kind.rs"), re.M)
        return {code: [kind, int(number)] for code, kind, number in rows}

    def options(self) -> set[str]:
        body = found(r"pub struct ClientBuilder \{(.*?)\n\}", self.options_source, re.S)
        return set(re.findall(r"^    (\w+):", body, re.M))

    def defaults(self) -> dict[str, str]:
        pairs = re.findall(r"self\.(\w+)\.unwrap_or\((.+)\),$", self.options_source, re.M)
        return {name: value for name, value in pairs if name in TABLE["options"]}

    def parameters(self, call: str) -> set[str]:
        """Its own, and those of the options that it takes."""
        listed = found(rf"pub (?:async )?fn {call}(?:<.*?>)?\((.*?)\)(?:\n| ->| \{{)", self.client, re.S)
        names = dict(re.findall(r"(?:^|[\s(,])(?:mut )?(\w+): (\w*)", listed))
        options = {kind for kind in names.values() if kind.endswith("Options") or kind == "OptionChanges"}
        return {name for name, kind in names.items() if kind not in options}.union(*map(self.fields, options))

    def fields(self, options: str) -> set[str]:
        """What options can be set to: their fields, but for those hidden from users."""
        source = self.client + read("core/src/job/options.rs") + read("core/src/options/changes.rs")
        body = re.sub(r"#\[doc\(hidden\)\]\s+pub \w+", "", found(rf"pub struct {options} \{{(.*?)\n\}}", source, re.S))
        return set(re.findall(r"^    (?:pub )?(\w+):", body, re.M))

    def functions(self) -> dict[str, set[str]]:
        listed = found(r"pub async fn check_photos<.*?>\((.*?)\) ->", read("core/src/photo/report.rs"))
        parts = found(r"pub fn from_parts\((.*?)\) ->", read("core/src/job.rs"), re.S)
        return {"check_photos": set(re.findall(r"(\w+): ", listed)), "Job": set(re.findall(r"(\w+): ", parts))}

    def methods(self) -> set[str]:
        """Those of the table: what else is public is there for the other languages."""
        return set(re.findall(r"pub (?:async )?fn (\w+)", self.client)) & set(TABLE["calls"])

    def words(self, name: str) -> set[str]:
        if name == "event":
            return set(READERS["rust"]()[1])
        body = found(rf"\n {{12}}{WORDS[name]} \{{(.*?)\n {{12}}\}}", read("core/src/task.rs") + read("core/src/job.rs"), re.S)
        return set(re.findall(r'^ {16}\w+ "(\w+)",', body, re.M))

    def error(self) -> set[str]:
        return set(re.findall(r"pub fn (\w+)\(&self\)", read("core/src/error.rs")))


class Python:
    name, constructor, check_photos = "python", "__new__", "check_photos"
    path = "bindings-python/python/xiezhen/_xiezhen.pyi"
    # Where each class of the client's is.
    client = {path: "Client"}

    def __init__(self) -> None:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = [classes(path)[name].body for path, name in self.client.items()]
        self.arguments = {node.name: node.args for body in bodies for node in body if isinstance(node, kinds)}

    def names(self, method: str) -> set[str]:
        arguments = self.arguments.get(method, ast.arguments([], [], None, [], [], None, []))
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
        arguments = self.arguments[self.constructor]
        values = [*arguments.defaults, *arguments.kw_defaults]
        own = {ast.unparse(value) for value in values if value} - {"None", "False"}
        return {"a default of its own": value for value in own} or dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        return self.names(call)

    def functions(self) -> dict[str, set[str]]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        paths = {Python.path, *self.client}
        stubs = {node.name: node for path in paths for node in ast.parse(read(path)).body if isinstance(node, kinds)}
        made = next(node for node in stubs["Job"].body if isinstance(node, ast.FunctionDef) and node.name == "__new__")
        named = {"check_photos": stubs.get(self.check_photos), "Job": made}
        every = {name: [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs] for name, node in named.items() if node}
        return {name: {one.arg for one in listed} - {"cls"} for name, listed in every.items()}

    def methods(self) -> set[str]:
        return {name for name in self.arguments if not name.startswith("_")}

    def words(self, name: str) -> set[str]:
        if name == "event":
            return set(READERS["python"]()[1])
        body = classes("bindings-python/python/xiezhen/_enums.py")[WORDS[name]].body
        named = [node for node in body if isinstance(node, ast.Assign) and not ast.unparse(node.targets[0]).startswith("_")]
        return {ast.literal_eval(node.value) for node in named}

    def error(self) -> set[str]:
        body = classes("bindings-python/python/xiezhen/errors.py")["XiezhenError"].body
        fields = {ast.unparse(node.target) for node in body if isinstance(node, ast.AnnAssign)}
        return fields | {ast.unparse(node.targets[0]) for node in body if isinstance(node, ast.Assign)}


class Async(Python):
    name, constructor, check_photos = "async", "__init__", "check_photos_async"
    client = {
        "bindings-python/python/xiezhen/_calls.py": "Calls",
        "bindings-python/python/xiezhen/_async.py": "AsyncClient",
    }


class Node:
    name = "node"

    def __init__(self) -> None:
        self.client, self.native = read("bindings-node/lib/client.ts"), read("bindings-node/native.d.ts")

    def interface(self, name: str) -> set[str]:
        pattern = rf"export interface {name}(?:<.*?>)?(?: extends ([\w, ]+))? \{{(.*?)\n\}}"
        members: set[str] = set()
        for source in (self.client, *map(read, (f"bindings-node/lib/{name}.ts" for name in ("call", "callOptions", "job", "step"))), self.native):
            match = re.search(pattern, source, re.S)
            if match:
                members |= set(re.findall(r"^  (\w+)\??:", match[2], re.M))
                for parent in (match[1] or "").split(", "):
                    members |= self.interface(parent) if parent else set()
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
        listed = found(rf"^  (?:async )?{camel}(?:<.*?>)?\((.*)\): ", self.client, re.M)
        names = set(re.findall(r"(?:^|, )(\w+)\??: ", listed))
        for options, without in re.findall(r"options\??: (?:Omit<)?(\w+)(?:<\w+>)?(?:, '(\w+)'>)?", listed):
            names |= self.interface(options) - {without}
        return {plain(snake(name)) for name in names - {"options", "signal"}}

    def methods(self) -> set[str]:
        body = found(r"\nexport class Client \{(.*?)\n\}", self.client, re.S)
        return {snake(name) for name in re.findall(r"^  (?:async )?(\w+)(?:<.*?>)?\(.*\{$", body, re.M)} - {"constructor"}

    def functions(self) -> dict[str, set[str]]:
        listed = found(r"export function checkPhotos\((.*)\): ", read("bindings-node/lib/report.ts"))
        taken = set(re.findall(r"(\w+)\??: ", listed)) - {"options"}
        return {"check_photos": taken, "Job": {snake(name) for name in self.interface("JobOptions")}}

    def words(self, name: str) -> set[str]:
        if name == "event":
            return set(re.findall(r"\{ type: '(\w+)'", found(r"type RawEvent =(.*?)\n\n", self.native, re.S)))
        return set(re.findall(r"'(\w+)'", found(rf"type {WORDS[name]} = (.*)", self.native)))

    def error(self) -> set[str]:
        # The message is Error's own.
        listed = re.findall(r"^  declare readonly (\w+)", read("bindings-node/lib/error.ts"), re.M)
        return {plain(snake(name)) for name in listed} | {"message"}


def begun(named: set[str]) -> set[str]:
    """The calls, each of which can also be begun on a queue, but for those that return at once."""
    calls = {name for name in named if not name.startswith("begin_")}
    wanted = {f"begin_{name}" for name in calls - {"close", "notify", "run_events", "with_options"}}
    return calls | {name for name in named - calls if name not in wanted} | {f"no {name}" for name in wanted - named}


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
        # Headers are added one by one.
        return self.setters("client") | ({"headers"} if "xiezhen_client_options_add_header(" in self.header else set())

    def defaults(self) -> dict[str, str]:
        return dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        """Its own, and those of its options that the call is documented to know."""
        name = "client_close" if call == "close" else call
        listed = found(rf"\bxiezhen_{name}\(([^;]*)\);", self.header)
        names = set(re.findall(r"(\w+)(?:,|$)", listed))
        kind = {"run": "run", "advance": "run", "run_many": "run_many"}.get(call, "call")
        known = self.setters(kind) if "options" in names else set()
        outs = set(re.findall(r"\*\*(\w+)|uint64_t \*(\w+)", listed))
        names -= {name for pair in outs for name in pair}
        names -= {"options", "client", "user_data", "error", "img_count", "task_count", "job_count", "keys"}
        if call == "with_options":
            return names - {"changed", "copy", "other"} | (self.setters("client") | {"headers"} & self.options()) & set(TABLE["calls"][call])
        # One options type serves many calls: what belongs to other calls is refused when it is used.
        return names | (known & set(TABLE["calls"][call]))

    def methods(self) -> set[str]:
        named = re.findall(r"\bxiezhen_(?:client_)?(\w+)\(const xiezhen_client \*client", self.header)
        # notify_hint is notify of another type.
        named = set(named) - {"notify_hint"}
        return begun({"begin_wait_task" if name == "begin_wait" else name for name in named})

    def functions(self) -> dict[str, set[str]]:
        listed = found(r"\bxiezhen_check_photos\((.*?)\);", self.header, re.S)
        taken = set(re.findall(r"(\w+)(?:,|$)", listed)) - {"photo_count", "reports", "error"}
        given = re.findall(r"xiezhen_job_options_(?:set_(\w+)|add_(uploaded|photo|style))\(", self.header)
        return {"check_photos": taken, "Job": {one or many.removesuffix("ed") + ("ed" if many == "uploaded" else "s") for one, many in given}}

    def words(self, name: str) -> set[str]:
        called = {"event": "eventtype"}.get(name, name)
        body = found(rf"enum xiezhen_{called}\b(.*?)\}};", self.header, re.S)
        return {word.lower() for word in re.findall(rf"XIEZHEN_{name.upper()}_(\w+) =", body)}

    def error(self) -> set[str]:
        names = {plain(name) for name in re.findall(r"\bxiezhen_error_(\w+)\(", self.header)} - {"free"}
        # A list is a count and one at a time.
        return names - {"problem_count", "problem"} | ({"problems"} if "problem_count" in names else set())


class Cpp:
    """The header on top of the C header: what it only hands on, it calls by an alias."""

    name = "cpp"

    def __init__(self) -> None:
        self.c = C()
        whole = read("bindings-c/include/xiezhen.hpp")
        self.header = re.sub(r"//[^\n]*", "", whole)
        # In comments too: what users read there has to exist.
        known = set(re.findall(r"\bXIEZHEN_\w+", self.c.header))
        self.unknown = sorted(set(re.findall(r"\bXIEZHEN_[A-Z_]+\b", whole)) - known - {"XIEZHEN_HPP"})

    def block(self, kind: str, name: str) -> str:
        return found(rf"\n{kind} {name}(?: : public [\w:]+)? \{{(.*?)\n\}};", self.header, re.S)

    def is_alias(self, name: str, of: str) -> bool:
        return bool(re.search(rf"^using {name} = xiezhen_{of};", self.header, re.M))

    def codes(self) -> dict[str, list[object]]:
        return self.c.codes() if self.is_alias("Status", "status") else {}

    def members(self, options: str) -> set[str]:
        return set(re.findall(r"(\w+)(?:\{\}| = [^;]+);", self.block("struct", options)))

    def options(self) -> set[str]:
        return self.members("ClientOptions")

    def defaults(self) -> dict[str, str]:
        """None: what is not set is not handed on."""
        own = re.findall(r"std::optional<[^;]*> (\w+)(?:\{[^}]| = )", self.block("struct", "ClientOptions"))
        return {"a default of its own": name for name in own} or dict(Rust().defaults())

    def parameters(self, call: str) -> set[str]:
        """Its own, in any overload, and those of its options that the call is documented to know."""
        client = self.block("class", "Client")
        listed = ",".join(re.findall(rf"^  (?! )[\w:<>, ]+ {call}\((.*?)\) const", client, re.M | re.S))
        known = set().union(*(self.members(options) for options in re.findall(r"const (\w+Options) &", listed)))
        names = set(re.findall(r"(\w+)(?: = [^,]+)?(?:,|$)", listed)) - {"options"}
        return names | (known & set(TABLE["calls"][call]))

    def methods(self) -> set[str]:
        public = self.block("class", "Client").partition("\nprivate:")[0]
        named = set(re.findall(r"^  (?! )[\w:<>, ]+ (\w+)\((?:[^;{]|\{\})*\) const", public, re.M)) - {"get"}
        return begun({"begin_wait_task" if name == "begin_wait" else name for name in named})

    def functions(self) -> dict[str, set[str]]:
        listed = found(r"> check_photos\((.*?)\) \{", self.header)
        made = re.findall(r"^  (?:static )?Job(?: with_\w+)?\((const std::vector.*?|std::string_view user_id.*?)\) \{", self.block("class", "Job"), re.M)
        named = lambda texts: set(re.findall(r"(?:&|string_view )(\w+)", texts))  # noqa: E731
        return {"check_photos": named(listed), "Job": named(",".join(made))}

    def words(self, name: str) -> set[str]:
        alias, of = {"event": ("EventType", "eventtype")}.get(name, (name.capitalize(), name))
        return self.c.words(name) if self.is_alias(alias, of) else set()

    def error(self) -> set[str]:
        public = self.block("class", "Error").partition("\nprivate:")[0]
        return set(re.findall(r"(\w+)\(\) const noexcept", public))
