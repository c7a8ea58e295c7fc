"""Prints the table of errors as Markdown, from the rows of core/src/error/kind.rs: errors_table.py FILE."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROW = re.compile(r'((?:\s*///[^\n]*\n)+)\s*(\w+): "(\w+)", "(\w+)", (\d+), (\d+), (true|false);')


def main() -> int:
    source = Path(sys.argv[1]).read_text(encoding="utf-8")
    rows = ROW.findall(source)
    if not rows:
        print(f"no row of the table of errors is in {sys.argv[1]}", file=sys.stderr)
        return 1
    print("| code | when | Python | C | exit code | retryable |\n|---|---|---|---|---|---|")
    for doc, _, code, python, number, status, retryable in rows:
        when = " ".join(line.strip().removeprefix("///").strip() for line in doc.strip().splitlines())
        print(f"| `{code}` | {when} | `{python}` | {number} | {status} | {'yes' if retryable == 'true' else 'no'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
