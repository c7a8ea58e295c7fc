"""What the values of each language are made of, and what its documents say of defaults; compared by `check.py`.

A language's field is what its users read: a field of Rust, a `__match_args__` of Python, a member of a Node interface or of a
C++ struct, an accessor of C (where a list is a count and one at a time).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Fields = dict[str, set[str]]


def read(path: str) -> str:
    return (ROOT / path).read_text()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.S)
    return match[1] if match else ""


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name).removeprefix("_")


def rust() -> tuple[Fields, Fields]:
    sources = "".join(read(f"core/src/{name}.rs") for name in ("options", "callback", "callback/hint"))
    values = {
        name: set(re.findall(r"^    pub (\w+):", found(rf"pub struct {name} \{{(.*?)\n\}}", sources), re.M))
        for name in ("PollSchedule", "Hint", "Received")
    }
    # What the bindings make their own of, too.
    tables = "".join(read(f"core/src/{name}.rs") for name in ("task", "job", "photo/report"))
    for name in ("Task", "Style", "Created", "Portrait", "JobPhoto", "PhotoReport"):
        listed = found(rf"\n {{12}}{name} \{{(.*?)\n {{12}}\}}", tables)
        values[name] = set(re.findall(r"^ {16}(?:pub )?(\w+): ", listed, re.M))
    blocks = {"Job": ("job", "job/photos"), "Hint": ("callback/hint",), "Callbacks": ("callback", "callback/receiver")}
    for name, rooms in blocks.items():
        bodies = "".join(found(rf"\nimpl {name} \{{(.*?)\n\}}", read(f"core/src/{room}.rs")) for room in rooms)
        named = re.findall(r"((?:^    #\[doc\(hidden\)\]\n)?)^    pub (?:async )?fn (\w+)", bodies, re.M)
        values[name] = values.get(name, set()) | {one for hidden, one in named if not hidden}
    listed = re.findall(r'^ {12}\w+ "(\w+)"(?: \{(.*?)^ {12}\})?', read("core/src/event.rs"), re.M | re.S)
    return values, {name: set(re.findall(r"^ {16}(\w+): ", fields, re.M)) for name, fields in listed}


def python() -> tuple[Fields, Fields]:
    stubs = ast.parse(read("bindings-python/python/xiezhen/_xiezhen.pyi")).body
    values, events = {}, {}
    for one in (node for node in stubs if isinstance(node, ast.ClassDef)):
        for node in one.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__match_args__":
                event = any("typing.Literal" in ast.unparse(other) for other in one.body if isinstance(other, ast.AnnAssign))
                (events if event else values)[snake(one.name) if event else one.name] = set(ast.literal_eval(node.value))
        if one.name in ("Job", "Hint", "Received", "CallbackAddresses"):
            values[one.name] = functions(one)
    adapters = ast.parse(read("bindings-python/python/xiezhen/callbacks.py")).body
    addresses = values.pop("CallbackAddresses")
    classes = (node for node in adapters if isinstance(node, ast.ClassDef) and node.name == "Callbacks")
    values["Callbacks"] = addresses.union(*map(functions, classes))
    return values, events


def functions(one: ast.ClassDef) -> set[str]:
    named = {node.name for node in one.body if isinstance(node, ast.FunctionDef)}
    return {name for name in named if not name.startswith("_")}


def node() -> tuple[Fields, Fields]:
    native, job = read("bindings-node/native.d.ts"), read("bindings-node/lib/job.ts")
    callbacks = read("bindings-node/lib/callbacks.ts")
    plain = lambda name: snake(name).removesuffix("_ms")  # noqa: E731

    def members(name: str, source: str) -> set[str]:
        body = found(rf"export interface {name} \{{(.*?)\n\}}", source)
        return {plain(one) for one in re.findall(r"^  (\w+)\??:", body, re.M)}

    values = {
        name: members(name, native)
        for name in ("Task", "Style", "Created", "Portrait", "JobPhoto", "PollSchedule", "PhotoReport")
    }
    values["Received"] = members("Received", callbacks)

    def methods(name: str, source: str) -> set[str]:
        body = re.sub(r"/\*\*(?:(?!\*/).)*@internal.*?\n  \}", "", found(rf"\nexport class {name} \{{(.*?)\n\}}", source), flags=re.S)
        listed = re.findall(r"^  (?:static |get |async )*(\w+)(?:<.*?>)?\(.*\{$", body, re.M)
        fields = re.findall(r"^  readonly (\w+):", body, re.M)
        named = {*listed, *fields} - {"constructor"}
        return {{"fromJSON": "from_json", "toJSON": "to_json"}.get(one, snake(one)) for one in named}

    values |= {"Job": methods("Job", job), "Hint": methods("Hint", callbacks), "Callbacks": methods("Callbacks", callbacks)}
    union = re.sub(r"/\*\*.*?\*/", "", found(r"type RawEvent =(.*?)\n\n", native), flags=re.S)
    listed = re.findall(r"type: '(\w+)'(.*?)\}", union, re.S)
    events = {name: {plain(one) for one in re.findall(r"(\w+)\??:", rest)} for name, rest in listed}
    events["retrying"] = members("Retrying", read("bindings-node/lib/event.ts")) - {"type"}
    return values, events


def c() -> tuple[Fields, Fields]:
    header = re.sub(r"/\*.*?\*/", "", read("bindings-c/include/xiezhen.h"), flags=re.S)

    def accessors(prefix: str) -> set[str]:
        listed = re.findall(rf"\bxiezhen_{prefix}_(\w+)\(const xiezhen_(?:{prefix}) \*", header)
        lists = {name.removesuffix("_count") for name in listed if name.endswith("_count")}
        return {f"{name}s" if name in lists else name for name in listed if name.removesuffix("_count") not in lists or name in lists}

    prefixes = {
        "Task": "task", "Style": "style", "Created": "created", "Portrait": "portrait", "JobPhoto": "job_photo",
        "PhotoReport": "photo_report", "Hint": "hint", "Received": "received", "Callbacks": "callbacks",
    }  # fmt: skip
    values = {name: accessors(prefix) for name, prefix in prefixes.items()}
    for name, prefix in (("Job", "job"), ("Hint", "hint")):
        values[name] = accessors(prefix) | ({"from_json"} if f"xiezhen_{prefix}_from_json(" in header else set())
    # Design §9 names this one; what it belongs to is its first argument.
    values["Callbacks"] |= {"receive"} if "xiezhen_receive(const xiezhen_callbacks *" in header else set()
    setter = found(r"_set_training_schedule\((.*?)\)", header)
    values["PollSchedule"] = {name.removesuffix("_ms") for name in re.findall(r"(?:uint64_t|double) (\w+)", setter)}
    return values, {"any": {name.removesuffix("_ms") for name in accessors("event")} - {"type", "json"}}


def cpp() -> tuple[Fields, Fields]:
    header = re.sub(r"//[^\n]*", "", read("bindings-c/include/xiezhen.hpp"))
    block = lambda kind, name: found(rf"\n{kind} {name} \{{(.*?)\n\}};", header)  # noqa: E731
    public = lambda name: block("class", name).partition("\nprivate:")[0]  # noqa: E731
    structs = ("Style", "Created", "Portrait", "JobPhoto", "PollSchedule", "PhotoReport", "Received")

    def members(name: str) -> set[str]:
        lines = re.findall(r"^  [\w:<>]+ ([\w, ]+);", block("struct", name), re.M)
        # A word of C++ has an underscore behind it.
        return {one.removesuffix("_") for line in lines for one in line.split(", ")}

    def methods(name: str) -> set[str]:
        listed = re.findall(r"^  (?! |explicit )[\w:<>, ]+ (\w+)\([^)\n]*\)", public(name), re.M)
        return set(listed) - {"get", name}

    values = {name: members(name) for name in structs}
    values |= {name: methods(name) for name in ("Task", "Job", "Hint", "Callbacks")}
    return values, {"any": methods("Event") - {"type", "json"}}


READERS: dict[str, Callable[[], tuple[Fields, Fields]]] = {
    "rust": rust, "python": python, "node": node, "c": c, "cpp": cpp,
}  # fmt: skip


def said(language: str) -> dict[str, dict[str, str]]:
    """What each document of a language says of each option's default, by document."""
    if language == "node":
        body = found(r"export interface ClientOptions \{(.*?)\n\}", read("bindings-node/native.d.ts"))
        listed = re.findall(r"/\*\*(.*?)\*/\s+(\w+)\?:", body, re.S)
        declared = {snake(name).removesuffix("_ms"): text for text, name in listed}
        rows = re.findall(r"^\| `(\w+)` +\| ([^|]*)\|", read("bindings-node/README.md"), re.M)
        return {"native.d.ts": declared, "README": {snake(name).removesuffix("_ms"): text for name, text in rows}}
    if language == "c":
        header = read("bindings-c/include/xiezhen.h")
        listed = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s+xiezhen_status xiezhen_client_options_set_(\w+)\(", header, re.S)
        declared = {name.removesuffix("_ms"): text for text, name in listed}
        table = found(r"\| of a client \|(.*?)\n\n", read("bindings-c/README.md"))
        return {"xiezhen.h": declared, "README": dict(re.findall(r"^\| `(\w+)` \| ([^|]*)\|", table, re.M))}
    return {}


def unsaid(language: str, numbers: dict[str, list[str]]) -> list[str]:
    """Defaults that a document of the language does not state as they are, in their order."""
    problems = []
    for document, texts in said(language).items():
        for option, wanted in numbers.items():
            # The last words of a text are its default: what comes before may have numbers of its own.
            known = re.findall(r"\d+(?: \d{3})*(?:\.\d+)?", texts.get(option, ""))
            given = [number(one) for one in known]
            fits = any(given[at : at + len(wanted)] in spellings(wanted) for at in range(len(given)))
            if not fits:
                problems.append(f"{language}: {document} says of {option} {known}, not {wanted}")
    return problems


def number(text: str) -> float:
    return float(text.replace(" ", ""))


def spellings(wanted: list[str]) -> list[list[float]]:
    """As they are; with seconds as milliseconds; with MiB as bytes."""
    scales = {"s": 1000.0, "MiB": float(1 << 20)}
    pairs = [(float(value), scales.get(unit, 1.0)) for value, _, unit in (one.partition(" ") for one in wanted)]
    return [[value for value, _ in pairs], [value * scale for value, scale in pairs]]
