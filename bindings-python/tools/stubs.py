"""Writes the type stubs of the compiled module from the Rust source: `stubs.py`, or `stubs.py --check` for drift.

PyO3 quotes annotations that the source writes by hand and does not import what they name, and it does not know
what class attributes hold. This script mends that; when PyO3 does it, `maturin generate-stubs` is enough.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
STUBS = PACKAGE / "python" / "xiezhen" / "_xiezhen.pyi"
SCRIPTS = Path(sysconfig.get_path("scripts"))
HEAD = "# Generated from the Rust source by tools/stubs.py: do not edit.\n# ruff: noqa\n"
MODULES = ("builtins", "collections.abc", "pathlib", "typing", "typing_extensions", "xiezhen.errors")
IMPORTS = "".join(f"import {module}\n" for module in MODULES)


def generate(folder: Path) -> str:
    """What the stubs have to be."""
    command = [str(SCRIPTS / "maturin"), "generate-stubs", "--quiet", "--profile", "dev", "--out", str(folder)]
    subprocess.run(command, cwd=PACKAGE, check=True)
    text = mend((folder / "xiezhen" / "_xiezhen.pyi").read_text(encoding="utf-8"))
    target = folder / "stubs.pyi"
    target.write_text(text, encoding="utf-8")
    subprocess.run([SCRIPTS / "ruff", "format", "--quiet", "--line-length", "120", target], check=True)
    return target.read_text(encoding="utf-8")


def mend(text: str) -> str:
    """The work-arounds named above."""
    text = re.sub(r'(: |-> )"([^"\n]+)"(?=[ ,):=])', r"\1\2", text)
    # A class attribute of each event, whose name hides the builtin in its class.
    text = text.replace("type: Final[str]", "type: typing.ClassVar[str]")
    text = text.replace("from collections.abc", IMPORTS + "from collections.abc", 1)
    text = re.sub(r"__version__: Final.*", "__version__: str", text)
    text = re.sub(r"(?m)^CALLBACK_METHODS: Final.*", "CALLBACK_METHODS: str", text)
    text = re.sub(r"(?m)^MAX_CALLBACK_BYTES: Final.*", "MAX_CALLBACK_BYTES: int", text)
    text = text.replace("Final, ", "").replace("Incomplete, ", "")
    # The module's initialiser adds nothing that PyO3 would have to know.
    text = text.replace("def __getattr__(name: str) -> Incomplete: ...\n", "")
    return HEAD + match_args(text)


def match_args(text: str) -> str:
    """Says the names that each class matches by, which are its constructor's."""
    classes = re.split(r"(?m)^(?=@final\n|@disjoint_base\n|class )", text)
    return "".join(map(with_names, classes))


def with_names(block: str) -> str:
    new = re.search(r"def __new__\(cls(?:, /)?(.*?)\) ->", block)
    names = re.findall(r"(\w+): ", new.group(1)) if new else []
    shown = "".join(f'"{name}", ' for name in names)
    return re.sub(r"(?m)^( +)__match_args__: .*$", rf"\1__match_args__ = ({shown})", block)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        text = generate(Path(folder))
    if "--check" not in sys.argv[1:]:
        STUBS.write_text(text, encoding="utf-8")
    elif not STUBS.exists() or STUBS.read_text(encoding="utf-8") != text:
        print(f"{STUBS} is not what the Rust source says: run `make stubs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
