"""Pieces of work, done in turn."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bench.places import WORKERS

Result = dict[str, float]


@dataclass(frozen=True)
class Work:
    """What one side is told to do, and what the server must have seen of it."""

    face: str
    side: str
    what: str
    times: int
    requests: int
    rest: str = ""
    again: int = 1
    # Of photos or pictures, at least.
    carried: int = 0


Said = dict[Work, list[Result]]


class Server:
    """A process that prints its address first and ends with its standard input."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def ask(self, path: str, change: object = None) -> Result:
        body = None if change is None else json.dumps(change).encode()
        with urllib.request.urlopen(self.url + path, body) as answer:
            found: Result = json.loads(answer.read())
            return found

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def tell(line: str) -> None:
    """Progress."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def work(url: str, order: Work) -> Result:
    command = [*WORKERS[order.face], order.what, order.side, url, str(order.times), order.rest, str(order.again)]
    found: Result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def take_turns(server: Server, orders: Iterable[Work], rounds: int, clear: Callable[[], None] | None = None) -> Said:
    """Every order once in each round; `clear` runs before each."""
    said: Said = {order: [] for order in orders}
    for number in range(rounds):
        for order, results in said.items():
            if clear:
                clear()
            server.ask("/count")
            results.append(work(server.url, order))
            check(order, server.ask("/count"))
        tell(f"{next(iter(said)).what}: round {number + 1} of {rounds}")
    return said


def check(order: Work, seen: Result) -> None:
    if seen["requests"] != order.requests:
        sys.exit(f"{order.face}: {order.side} made {seen['requests']} requests for {order.what}, not {order.requests}")
    if seen["bytes"] < order.carried:
        sys.exit(f"{order.face}: {order.side} moved {seen['bytes']} bytes for {order.what}, not {order.carried}")


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
