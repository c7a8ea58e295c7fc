"""Measures every face beside its peers and writes RESULTS.md: `make bench`.

Each piece of work is done by ours and theirs in turn, each time in a fresh process; the server is a process of its own.
What counts is CPU time (user and system) and the growth of the resident memory's peak, as ratios within each round.
Every number of requests is checked by the server's count.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
PYTHON = str(HERE / "python/.venv/bin/python")
WORKERS = {
    "Python": [PYTHON, str(HERE / "python/work.py")],
    "Node": ["node", str(HERE / "node/work.mjs")],
    "C": [str(HERE / "c/work")],
}
WAITS = 10_000
QUERIES = {"Python": 1500, "Node": 3000, "C": 5000}
WARM_UP = {"Python": 200, "Node": 500, "C": 200}
WARM_UP_WAITS = 256
LOOKS_A_WAIT = 2
LARGEST = 6 << 20


@dataclass
class Row:
    """A line of the table."""

    work: str
    ours: str
    theirs: str
    ratio: str
    target: str
    met: bool

    def __str__(self) -> str:
        met = "yes" if self.met else "**no**"
        return f"| {self.work} | {self.ours} | {self.theirs} | {self.ratio} | {self.target} | {met} |"


@dataclass
class Rounds:
    """What each side said in each round."""

    said: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def add(self, side: str, result: dict[str, float]) -> None:
        self.said.setdefault(side, []).append(result)

    def of(self, side: str, what: str) -> list[float]:
        return [result[what] for result in self.said[side]]

    def row(self, work: str, sides: tuple[str, str], what: str, target: float, unit: str, scale: float = 1) -> Row:
        ours, theirs = (self.of(side, what) for side in sides)
        ratios = [us / them if them > 0 else float("inf") for us, them in zip(ours, theirs, strict=True)]
        return Row(
            work,
            f"{median(ours) / scale:.1f} {unit}",
            f"{sides[1]}: {median(theirs) / scale:.1f} {unit}",
            f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
            f"≤ {target}",
            median(ratios) <= target,
        )

    def bound(self, work: str, sides: tuple[str, str], what: str, target: float) -> Row:
        """A bound in milliseconds of its own, whatever the peer does."""
        ours, theirs = (self.of(side, what) for side in sides)
        spread = f"({min(ours):.1f}–{max(ours):.1f} ms)"
        peer = f"{sides[1]}: {median(theirs):.1f} ms"
        return Row(work, f"{median(ours):.1f} ms", peer, spread, f"< {target} ms", median(ours) < target)


class Server:
    """The server, which counts."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def count(self) -> int:
        with urllib.request.urlopen(f"{self.url}/count") as answer:
            return int(answer.read())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def rounds_of(server: Server, face: str, work: str, sides: tuple[str, ...], rounds: int) -> Rounds:
    times = QUERIES[face] if work == "query" else WAITS
    expected = times + WARM_UP[face] if work == "query" else (times + WARM_UP_WAITS) * LOOKS_A_WAIT
    said = Rounds()
    for _ in range(rounds):
        for side in sides:
            server.count()
            worker = [*WORKERS[face], work, side, server.url, str(times)]
            said.add(side, json.loads(subprocess.run(worker, stdout=subprocess.PIPE, check=True).stdout))
            if (count := server.count()) != expected:
                sys.exit(f"{face}: {side} made {count} requests for {work}, not {expected}")
    print(f"{face}: {work}", file=sys.stderr)
    return said


def python_rows(server: Server, rounds: int) -> list[Row]:
    query = rounds_of(server, "Python", "query", ("xiezhen", "urllib3", "httpx"), rounds)
    waits = rounds_of(server, "Python", "waits", ("xiezhen", "wait_many", "aiohttp"), rounds)
    rows = [
        query.row("query_task, CPU a call", ("xiezhen", "urllib3"), "cpu", 0.45, "µs"),
        query.row("query_task, CPU a call", ("xiezhen", "httpx"), "cpu", 0.25, "µs"),
    ]
    for name, side in (("10,000 × wait_task", "xiezhen"), ("wait_many of 10,000", "wait_many")):
        sides = (side, "aiohttp")
        rows += [
            waits.row(f"{name}, CPU a poll", sides, "cpu", 0.2, "µs"),
            waits.row(f"{name}, memory growth", sides, "growth", 0.3, "MB", 1e6),
            waits.bound(f"{name}, longest block of the loop", sides, "worst", 5),
        ]
    return [*rows, imports("import", [PYTHON, "-c"], ("pass", "import xiezhen", "import fal_client"), 0.1, rounds)]


def node_rows(server: Server, rounds: int) -> list[Row]:
    query = rounds_of(server, "Node", "query", ("xiezhen", "undici"), rounds)
    waits = rounds_of(server, "Node", "waits", ("xiezhen", "waitMany", "undici"), rounds)
    rows = [query.row("queryTask, CPU a call", ("xiezhen", "undici"), "cpu", 0.6, "µs")]
    for name, side in (("10,000 × waitTask", "xiezhen"), ("waitMany of 10,000", "waitMany")):
        sides = (side, "undici")
        rows += [
            waits.row(f"{name}, CPU a poll", sides, "cpu", 0.5, "µs"),
            waits.row(f"{name}, memory growth", sides, "growth", 0.15, "MB", 1e6),
            waits.bound(f"{name}, event loop delay p99", sides, "p99", 5),
        ]
    lines = ("0", "require('xiezhen')", "require('@fal-ai/client')")
    return [*rows, imports("require", ["node", "-e"], lines, 0.5, rounds)]


def c_rows(server: Server, rounds: int) -> list[Row]:
    query = rounds_of(server, "C", "query", ("xiezhen", "curl"), rounds)
    waits = rounds_of(server, "C", "waits", ("xiezhen", "curl"), rounds)
    return [
        query.row("xiezhen_query_task, CPU a call", ("xiezhen", "curl"), "cpu", 1.3, "µs"),
        waits.row("xiezhen_wait_many of 10,000, CPU a poll", ("xiezhen", "curl"), "cpu", 1.0, "µs"),
    ]


def imports(work: str, command: list[str], lines: tuple[str, str, str], target: float, rounds: int) -> Row:
    """What a program's start costs more than an empty program's, in CPU time; the first round fills the caches."""
    said = Rounds()
    for count in range(2 * rounds + 1):
        spent = [start(command, line) for line in lines]
        if count:
            said.add("xiezhen", {"cpu": spent[1] - spent[0]})
            said.add(lines[2], {"cpu": spent[2] - spent[0]})
    print(work, file=sys.stderr)
    return said.row(f"{work}, CPU over an empty program", ("xiezhen", lines[2]), "cpu", target, "ms", 1e-3)


def start(command: list[str], line: str) -> float:
    process = subprocess.Popen([*command, line], cwd=HERE / "node")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{line} failed")
    return used.ru_utime + used.ru_stime


def size(what: str, file: Path) -> Row:
    length = file.stat().st_size
    return Row(f"size of the {what}", f"{length / (1 << 20):.2f} MiB", "", "", "≤ 6 MiB", length <= LARGEST)


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda file: file.stat().st_mtime)


def output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=HERE).stdout.strip()


def versions() -> list[str]:
    peers = json.loads((HERE / "node/package.json").read_text())["dependencies"]
    packages = dict(line.split("==") for line in (HERE / "python/requirements.txt").read_text().split())
    named = [f"{name} {packages[name]}" for name in ("urllib3", "httpx", "aiohttp", "fal_client")]
    curl = output("pkg-config", "--modversion", "libcurl")
    cjson = output("pkg-config", "--modversion", "libcjson")
    return [
        f"xiezhen {output('git', 'describe', '--always', '--dirty')}",
        f"{output(PYTHON, '--version')}: {', '.join(named)}",
        f"Node {output('node', '--version')}: {', '.join(f'{name} {version}' for name, version in peers.items())}",
        f"C: libcurl {curl}, cJSON {cjson}",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {output('rustc', '--version')}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--server", required=True, help="the program xiezhen-benches")
    options = parser.parse_args()
    server = Server(options.server)
    try:
        repo = HERE.parent.parent
        tables = {
            "C": [*c_rows(server, options.rounds), size("stripped .so", newest(HERE / "c/installed/lib", "*.so.*"))],
            "Python": [
                *python_rows(server, options.rounds),
                size("wheel", newest(repo / "bindings-python/dist", "*.whl")),
            ],
            "Node": [
                *node_rows(server, options.rounds),
                size("addon", newest(HERE / "node/node_modules/xiezhen", "*.node")),
            ],
        }
    finally:
        server.close()
    write(tables, options.rounds)


def write(tables: dict[str, list[Row]], rounds: int) -> None:
    lines = ["# What each face costs beside its peers", "", "Written by `make bench`; do not edit.", ""]
    lines += [f"{datetime.date.today()}, {rounds} rounds. Ours and theirs took turns, each time in a fresh process."]
    lines += ["CPU time is user and system; ratios are within each round: median (min–max).", ""]
    lines += [f"- {version}" for version in versions()]
    for face, rows in tables.items():
        lines += ["", f"## {face}", "", "| work | xiezhen | peer | ratio | target | met? |", "|---|---|---|---|---|---|"]
        lines += map(str, rows)
    missed = sum(not row.met for rows in tables.values() for row in rows)
    text = "\n".join(lines) + "\n\n" + (HERE / "NOTES.md").read_text()
    (HERE / "RESULTS.md").write_text(text)
    print(text)
    print(f"{missed} target(s) missed", file=sys.stderr)


main()
