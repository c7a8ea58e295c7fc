"""The command `xiezhen`: `python -m xiezhen` is the same."""

import signal
import sys

from ._xiezhen import main as run


def main() -> None:
    """Runs the command with the program's arguments, and exits."""
    # Ctrl-C is for the command itself; Python would only notice when it has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(["xiezhen", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
