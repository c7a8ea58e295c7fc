"""The command `xiezhen`: `python -m xiezhen` is the same."""

import shlex
import signal
import sys
from pathlib import Path

from ._xiezhen import main as run


def main() -> None:
    """Runs the command with the program's arguments, and exits."""
    # Ctrl-C is for the command itself; Python would only notice when it has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    as_module = Path(sys.argv[0]).name == "__main__.py"
    program = f"{shlex.quote(sys.orig_argv[0])} -m xiezhen" if as_module else "xiezhen"
    sys.exit(run([program, *sys.argv[1:]]))


if __name__ == "__main__":
    main()
