"""Lets a page show the parameters in docstrings as a list: docstrings.py FOLDER, a copy of the package's sources.

Our docstrings say `name: what it is`, a line each and continued further in. Markdown would make one paragraph of them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
PARAMETER = re.compile(r"^( +)([a-z_]+(?:, [a-z_]+)*): (?=\S)", re.MULTILINE)


def listed(docstring: re.Match[str]) -> str:
    return '"""' + PARAMETER.sub(r"\1- `\2`: ", docstring[1]) + '"""'


def main() -> None:
    for source in Path(sys.argv[1]).rglob("*.py*"):
        if source.suffix in {".py", ".pyi"}:
            source.write_text(DOCSTRING.sub(listed, source.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
