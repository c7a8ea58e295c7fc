"""Writes what the Rust source determines: type stubs of the compiled module, calls of `AsyncClient`, events.

`stubs.py` writes them, `stubs.py --check` looks for drift. PyO3 quotes annotations that the source writes by hand and
does not import what they name, and it does not know what class attributes hold. This script mends that; when PyO3 does
it, `maturin generate-stubs` is enough.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
SOURCES = PACKAGE / "python" / "xiezhen"
SCRIPTS = Path(sysconfig.get_path("scripts"))
HEAD = "# Generated from the Rust source by tools/stubs.py: do not edit.\n"
MODULES = (
    "asyncio",
    "builtins",
    "collections.abc",
    "os",
    "pathlib",
    "typing",
    "typing_extensions",
    "xiezhen.errors",
    "xiezhen.events",
    "xiezhen.stores",
)
IMPORTS = "".join(f"import {module}\n" for module in MODULES)

EVENTS_DOC = (
    "What a run emits: one class for each kind of event. `Event` is any of them; `type` and `match` tell them apart."
)
# What `AsyncClient` writes by hand.
OWN_CALLS = {"close", "notify", "run_events", "upload_file"}
CALLS_HEAD = '''
"""The calls of `AsyncClient`: those of `Client`, awaited."""

from __future__ import annotations

from ._xiezhen import Client, _awaited

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from pathlib import Path
    from typing import Any, SupportsIndex, overload

    from typing_extensions import Self

    from ._xiezhen import CallbackAddresses, Created, Hint, Job, PollSchedule, Style, Task
    from .errors import XiezhenError
    from .events import Event
    from .stores import Absent, Busy, Early, Over


class Calls:
'''


def generate(folder: Path) -> dict[Path, str]:
    """What the files have to be."""
    command = [
        str(SCRIPTS / "maturin"),
        "generate-stubs",
        "--quiet",
        "--profile",
        "dev",
        "--features",
        "inspect",
        "--out",
        str(folder),
    ]
    subprocess.run(command, cwd=PACKAGE, check=True)
    stubs = mend((folder / "xiezhen" / "_xiezhen.pyi").read_text(encoding="utf-8"))
    texts = {"_xiezhen.pyi": stubs, "_calls.py": awaited_calls(stubs), "events.py": events(stubs)}
    return {SOURCES / name: formatted(folder / name, text) for name, text in texts.items()}


def formatted(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    subprocess.run([SCRIPTS / "ruff", "format", "--quiet", "--line-length", "120", path], check=True)
    return path.read_text(encoding="utf-8")


def mend(text: str) -> str:
    """The work-arounds named above."""
    text = re.sub(r'(: |-> )"([^"\n]+)"(?=[ ,):=])', r"\1\2", text)
    text = text.replace("from collections.abc", IMPORTS + "from collections.abc", 1)
    # Names of this module, imported from itself.
    text = re.sub(r"(?m)^from xiezhen\._xiezhen import .*\n", "", text)
    text = re.sub(r"\b(Job|Style)2\b", r"\1", text)
    text = re.sub(r"__version__: Final.*", "__version__: str", text)
    text = re.sub(r"(?m)^CALLBACK_METHODS: Final.*", "CALLBACK_METHODS: str", text)
    text = re.sub(r"(?m)^MAX_CALLBACK_BYTES: Final.*", "MAX_CALLBACK_BYTES: int", text)
    text = text.replace(
        "__dataclass_fields__: Final[Any]", "__dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]"
    )
    text = text.replace("__dataclass_params__: Final[Any]", "__dataclass_params__: typing.ClassVar[typing.Any]")
    text = text.replace("Final, ", "").replace("Incomplete, ", "")
    text = re.sub(r"def __next__\(self, /\) -> .*: \.\.\.", "def __next__(self, /) -> xiezhen.events.Event: ...", text)
    # Taken only to be refused with the name that was meant.
    text = re.sub(r",\s*\*\*unknown\b(: [^,)]*)?(?=[,)\s])", "", text)
    text = with_overloads(text)
    # What only the tests' build has.
    text = re.sub(r"(?m)^def _panic\(.*?\n(?=\S)", "", text, flags=re.S)
    # The module's initialiser adds nothing that PyO3 would have to know.
    text = text.replace("def __getattr__(name: str) -> Incomplete: ...\n", "")
    classes = re.split(r"(?m)^(?=@final\n|@disjoint_base\n|class )", text)
    return HEAD + "# ruff: noqa\n" + "".join(map(with_attributes, classes))


def with_overloads(text: str) -> str:
    """A mapping of jobs gives a mapping of outcomes."""
    found = re.search(r"    def run_many\(.*?\n(?=    def )", text, re.S)
    if not found:
        return text
    of_list = found.group(0)
    head = of_list[: of_list.index('"""')].rstrip() + " ...\n"
    of_keys = head.replace("Iterable[Job]", "Mapping[str, Job]").replace("list[Job", "dict[str, Job")
    both = f"    @typing.overload\n{of_list}    @typing.overload\n{of_keys}"
    return text.replace(of_list, both)


def with_attributes(block: str) -> str:
    """Says what the class attributes hold: the names that a class matches by, and an event's type."""
    new = re.search(r"def __new__\(cls(?:, /)?(.*?)\) ->", block)
    names = re.findall(r"(\w+): ", new.group(1)) if new else []
    shown = "".join(f'"{name}", ' for name in names)
    block = re.sub(r"(?m)^( +)__match_args__: .*$", rf"\1__match_args__ = ({shown})", block)
    name = re.search(r"^class (\w+)", block, re.M)
    kind = re.sub(r"(?<!^)([A-Z])", r"_\1", name.group(1)).lower() if name else ""
    return block.replace("type: Final[str]", f'type: typing.ClassVar[typing.Literal["{kind}"]]')


def events(stubs: str) -> str:
    """The union of the classes that have an event's type, and the module that they are in."""
    classes = [node for node in ast.parse(stubs).body if isinstance(node, ast.ClassDef)]
    names = [node.name for node in classes if any("typing.Literal" in ast.unparse(one) for one in attributes(node))]
    exported = ["Event", *names]
    return (
        f'{HEAD}\n"""{EVENTS_DOC}"""\n\nfrom ._xiezhen import ({", ".join(names)},)\n\n'
        f"Event = ({' | '.join(names)})\n\n__all__ = {sorted(exported)!r}\n"
    )


def attributes(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [one for one in node.body if isinstance(one, ast.AnnAssign)]


def awaited_calls(stubs: str) -> str:
    """A class with the constructor and the calls of `Client`, awaited."""
    client = next(node for node in ast.parse(stubs).body if isinstance(node, ast.ClassDef) and node.name == "Client")
    methods = [node for node in client.body if isinstance(node, ast.FunctionDef)]
    calls = [node for node in methods if not node.name.startswith("_") and node.name not in OWN_CALLS]
    written = [constructor(next(node for node in methods if node.name == "__new__"))]
    for name in dict.fromkeys(node.name for node in calls):
        written.append(awaited([node for node in calls if node.name == name]))
    body = "\n\n".join("\n".join("    " + line if line else "" for line in one.splitlines()) for one in written)
    for module in MODULES:
        body = re.sub(rf"\b{re.escape(module)}\.(?=\w)", "", body)
    return HEAD + CALLS_HEAD + body + "\n"


def constructor(new: ast.FunctionDef) -> str:
    new.args.posonlyargs = [ast.arg("self")]
    doc = '"""See `Client` for the options. Raises InvalidArgumentError, which names everything that does not fit."""'
    body = f"self._client = _awaited(Client({given(new.args)}))"
    return f"def __init__({ast.unparse(new.args).replace('self, /', 'self')}) -> None:\n    {doc}\n    {body}"


def awaited(calls: list[ast.FunctionDef]) -> str:
    """A method that awaits the future which the same call of the client returns: one call, or its overloads."""
    call = calls[0]
    lines: list[str] = []
    if len(calls) > 1:
        variants = "".join(f"\n    @overload\n    async def {head(one)}: ..." for one in calls)
        lines = [f"if TYPE_CHECKING:{variants}", ""]
        call.returns = ast.Name("Any")
        for first, second in zip(call.args.args, calls[1].args.args, strict=True):
            first.annotation = first.annotation if ast.dump(first) == ast.dump(second) else ast.Name("Any")
    doc = (ast.get_docstring(call) or "").replace("\n", "\n    ")
    doc = f'    """{doc}"""' if "\n" not in doc else f'    """{doc}\n    """'
    returns = ast.unparse(call.returns) if call.returns else "None"
    made = f"self._client.{call.name}({given(call.args)})"
    if returns.endswith("Self"):
        other = ["    other = type(self).__new__(type(self))", f"    other._client = {made}", "    return other"]
        return "\n".join([*lines, f"def {head(call)}:", doc, *other])
    lines += [f"async def {head(call)}:", doc]
    if returns == "None":
        return "\n".join([*lines, f"    await {made}"])
    # What the compiled module returns is only known by the stubs.
    return "\n".join([*lines, f"    answer: {returns} = await {made}", "    return answer"])


def head(call: ast.FunctionDef) -> str:
    arguments = ast.unparse(call.args).replace("self, /", "self")
    return f"{call.name}({arguments}) -> {ast.unparse(call.returns) if call.returns else 'None'}"


def given(arguments: ast.arguments) -> str:
    """The arguments, handed on."""
    by_place = [one.arg for one in [*arguments.posonlyargs, *arguments.args] if one.arg not in ("self", "cls")]
    return ", ".join([*by_place, *(f"{one.arg}={one.arg}" for one in arguments.kwonlyargs)])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        texts = generate(Path(folder))
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} is not what the Rust source says: run `make stubs`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
