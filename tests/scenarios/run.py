#!/usr/bin/env python3
"""Runs the list through the faces and prints a table: scenarios down, faces across.

    run.py [--faces rust,python,…] [--only TEXT] [--quiet]

Ends with 1 if a scenario failed in a face, or if two faces gave different outcomes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from pathlib import Path
from typing import Any

from match import differences
from play import Face, Play
from scenario import HERE, Scenario, read_list

REPOSITORY = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug"
BUILT = TARGET / "scenarios"
PYTHON = str(REPOSITORY / "bindings-python" / ".venv" / "bin" / "python")
FACES = {
    "rust": [str(TARGET / "xiezhen-scenarios")],
    "python": [PYTHON, str(HERE / "faces" / "python.py"), "sync"],
    "asyncio": [PYTHON, str(HERE / "faces" / "python.py"), "async"],
    "node": ["node", str(HERE / "faces" / "node.mjs")],
    "c": [str(BUILT / "face-c")],
    "cpp": [str(BUILT / "face-cpp")],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", default=",".join(FACES), help="which, with commas between")
    parser.add_argument("--only", default="", help="scenarios with this in their names")
    parser.add_argument("--quiet", action="store_true", help="no table, failures only")
    asked = parser.parse_args()
    names = asked.faces.split(",")
    listed, given = read_list()
    chosen = [(n, scenario) for n, scenario in enumerate(listed) if asked.only in scenario.name]
    if not chosen:
        raise SystemExit(f"no scenario has {asked.only!r} in its name")

    began = time.monotonic()
    cells: dict[tuple[int, str], Play] = {}
    command = [str(TARGET / "xiezhen-simulator"), "--port", "0", "--seed", "7"]
    with tempfile.TemporaryDirectory(prefix="xiezhen-scenarios-") as folder:
        simulator = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert simulator.stdin and simulator.stdout
        base = simulator.stdout.readline().strip()
        threads = [
            threading.Thread(target=play_all, args=(name, chosen, given, base, Path(folder), cells)) for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        simulator.stdin.close()
        simulator.wait(10)

    for number, scenario in chosen:
        compare([cells[number, name] for name in names if (number, name) in cells])
    return report(chosen, names, cells, time.monotonic() - began, asked.quiet)


def play_all(name, chosen, given, base, folder, cells) -> None:  # type: ignore[no-untyped-def]
    """Every scenario in one face, one after another in one process."""
    environment = {key: value for key, value in os.environ.items() if not key.upper().startswith("XIEZHEN_")}
    face = Face(name, FACES[name], environment)
    for number, scenario in chosen:
        if name not in scenario.not_in:
            play = Play(scenario, number, face, base, folder, given)
            cells[number, name] = play
            try:
                play.run()
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this cell
                play.failures.append(f"{type(error).__name__}: {error}")
    face.close()


def compare(plays: list[Play]) -> None:
    """A face that keeps the promise in words of its own does not keep it: all must say the same."""
    good = [play for play in plays if not play.failures and play.face.name not in play.scenario.own_words]
    for play in good[1:]:
        for step, (first, other) in enumerate(zip(good[0].transcript, play.transcript), 1):
            if first != other:
                told = differences(exactly(json.loads(first)), exactly(json.loads(other)))
                play.failures.append(f"reply {step} is not that of {good[0].face.name}:")
                play.failures += told
                break


def exactly(value: Any) -> Any:
    """A reply whose objects are compared as a whole: what only one of two has is a difference, too."""
    if isinstance(value, dict):
        return {name: exactly(one) for name, one in value.items()} | {"names": sorted(value)}
    return [exactly(one) for one in value] if isinstance(value, list) else value


def report(
    chosen: list[tuple[int, Scenario]], names: list[str], cells: dict[tuple[int, str], Play], took: float, quiet: bool
) -> int:
    """The table, what failed, and one line that counts the cells."""
    width = max(wide(scenario.name) for _, scenario in chosen)
    if not quiet:
        print(" " * width, *(f"{name:>8}" for name in names))
        for number, scenario in chosen:
            marks = [mark(cells.get((number, name))) for name in names]
            print(scenario.name + " " * (width - wide(scenario.name)), *(f"{text:>8}" for text in marks))
        print()
    failed = [(number, name) for number, name in sorted(cells) if cells[number, name].failures]
    for number, name in failed:
        play = cells[number, name]
        print(f"{name}: {play.scenario.name}", *(f"    {failure}" for failure in play.failures), sep="\n")
    print(f"{len(chosen)} scenarios, {len(names)} faces, {len(cells)} cells in {took:.0f} s")
    print(f"{len(cells) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def mark(play: Play | None) -> str:
    if play is None:
        return "-"
    return "FAILED" if play.failures else "ok"


def wide(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


if __name__ == "__main__":
    sys.exit(main())
