#!/usr/bin/env python3
"""Runs the list through the drivers and prints a table: scenarios down, drivers across.

    run.py [--drivers rust,python,…] [--only TEXT] [--seed N] [--at-once N] [--first] [--quiet]

What only the core classifies is played through Rust and one other driver, whose turn it is by the seed: by the day, or
XIEZHEN_TEST_SEED. With --drivers, all is played through those.

Ends with 1 if a scenario failed in a driver, or if two drivers gave different outcomes.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from match import differences
from play import Driver, Play
from scenario import HERE, Scenario, read_list

REPOSITORY = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug"
BUILT = TARGET / "scenarios"
PYTHON = str(REPOSITORY / "bindings-python" / ".venv" / "bin" / "python")
DRIVERS = {
    "rust": [str(TARGET / "xiezhen-scenarios")],
    "python": [PYTHON, str(HERE / "drivers" / "python.py"), "sync"],
    "asyncio": [PYTHON, str(HERE / "drivers" / "python.py"), "async"],
    "node": ["node", str(HERE / "drivers" / "node.mjs")],
    "c": [str(BUILT / "driver-c")],
    "cpp": [str(BUILT / "driver-cpp")],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drivers", help="which, with commas between; each then plays all")
    day = int(time.time() // 86400)
    parser.add_argument("--seed", default=int(os.environ.get("XIEZHEN_TEST_SEED", day)), type=int, help="whose turn it is")
    parser.add_argument("--only", default="", help="scenarios with this in their names")
    parser.add_argument("--at-once", default=1, type=int, metavar="N", help="processes of each driver, side by side")
    parser.add_argument("--first", action="store_true", help="stop at the first failure")
    parser.add_argument("--quiet", action="store_true", help="no table, failures only")
    asked = parser.parse_args()
    names = asked.drivers.split(",") if asked.drivers else list(DRIVERS)
    unknown = set(names) - set(DRIVERS)
    if unknown:
        raise SystemExit(f"no driver is called {', '.join(sorted(unknown))}: there are {', '.join(DRIVERS)}")
    listed, given = read_list()
    chosen = [(n, scenario) for n, scenario in enumerate(listed) if asked.only in scenario.name]
    if not chosen:
        raise SystemExit(f"no scenario has {asked.only!r} in its name")

    began = time.monotonic()
    turn = None
    if not asked.drivers:
        turn = names[1 + asked.seed % (len(names) - 1)]
        print(f"what the core classifies is played through rust and {turn} (seed {asked.seed})", flush=True)
    table = Table(given=given, first=asked.first, classifying={"rust", turn} if turn else set(names))
    with (
        tempfile.TemporaryDirectory(prefix="xiezhen-scenarios-") as folder,
        simulator("7") as service,
        simulator("8") as elsewhere,
    ):
        table.services, table.folder = [service, elsewhere], Path(folder)
        threads = []
        for name in names:
            rest = iter(chosen)
            threads += [threading.Thread(target=table.fill, args=(name, rest)) for _ in range(asked.at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    cells = table.cells
    for number, scenario in chosen:
        compare([cells[number, name] for name in names if (number, name) in cells])
    lost = [] if asked.first else table.not_played(chosen, names)
    return report(chosen, names, cells, lost, time.monotonic() - began, asked.quiet)


@contextmanager
def simulator(seed: str) -> Iterator[str]:
    """The service, as a process; gives its URL."""
    command = [str(TARGET / "xiezhen-simulator"), "--port", "0", "--seed", seed]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    yield process.stdout.readline().strip()
    process.stdin.close()
    process.wait(10)


@dataclass
class Table:
    """What came of each scenario in each driver."""

    given: dict[str, list[Any]]
    first: bool
    # The drivers through which the core's classification is tried.
    classifying: set[str]
    services: list[str] = field(default_factory=list)
    folder: Path = Path()
    cells: dict[tuple[int, str], Play] = field(default_factory=dict)
    drivers: list[Driver] = field(default_factory=list)
    over: bool = False

    def fill(self, name: str, rest: Iterator[tuple[int, Scenario]]) -> None:
        """Plays what is left for a driver, one after another in one process; other processes may take of the same."""
        environment = {key: value for key, value in os.environ.items() if not key.upper().startswith("XIEZHEN_")}
        driver = Driver(name, DRIVERS[name], environment)
        self.drivers.append(driver)
        for number, scenario in rest:
            if self.over:
                break
            if self.plays(name, scenario):
                self.play(Play(scenario, number, driver, self.services, self.folder, self.given), number)
        driver.close()

    def plays(self, name: str, scenario: Scenario) -> bool:
        return name not in scenario.not_in and (name in self.classifying or not scenario.classification)

    def not_played(self, chosen: list[tuple[int, Scenario]], names: list[str]) -> list[str]:
        """Cells that nobody played: a driver that does not start passes nothing."""
        wanted = [(number, one, name) for number, one in chosen for name in names if self.plays(name, one)]
        return [f"{name}: {one.name}" for number, one, name in wanted if (number, name) not in self.cells]

    def play(self, play: Play, number: int) -> None:
        try:
            play.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this cell
            play.failures.append(f"{type(error).__name__}: {error}")
        if self.over:
            return
        self.cells[number, play.driver.name] = play
        if play.failures and self.first:
            self.over = True
            for driver in self.drivers:
                driver.kill()


def compare(plays: list[Play]) -> None:
    """A driver that keeps the promise in words of its own does not keep it: all must say the same."""
    good = [play for play in plays if not play.failures and play.driver.name not in play.scenario.own_words]
    for play in good[1:]:
        for step, (first, other) in enumerate(zip(good[0].transcript, play.transcript), 1):
            if first != other:
                told = differences(exactly(json.loads(first)), exactly(json.loads(other)))
                play.failures.append(f"reply {step} is not that of {good[0].driver.name}:")
                play.failures += told
                break


def exactly(value: Any) -> Any:
    """A reply whose objects are compared as a whole: what only one of two has is a difference, too."""
    if isinstance(value, dict):
        return {name: exactly(one) for name, one in value.items()} | {"names": sorted(value)}
    return [exactly(one) for one in value] if isinstance(value, list) else value


def report(
    chosen: list[tuple[int, Scenario]],
    names: list[str],
    cells: dict[tuple[int, str], Play],
    lost: list[str],
    took: float,
    quiet: bool,
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
    for cell in lost:
        print(f"never played: {cell}")
    print(f"{len(chosen)} scenarios, {len(names)} drivers, {len(cells)} cells in {took:.0f} s")
    print(f"{len(cells) - len(failed)} passed, {len(failed) + len(lost)} failed")
    return 1 if failed or lost else 0


def mark(play: Play | None) -> str:
    if play is None:
        return "-"
    return "FAILED" if play.failures else "ok"


def wide(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


if __name__ == "__main__":
    sys.exit(main())
