"""The service that fleets talk to, a space for each test, and stores of each kind."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stores import KINDS, make, shut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PHOTOS = [str(ROOT / "tests" / "photos" / f"{n:02}.jpg") for n in range(1, 11)]
STYLE = "20057d0c-8cef-447e-88d0-a8f3490fd0b0"
PATIENCE = 30.0


class Space:
    """A world of its own in the simulator, and its controls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def fault(self, **fault: object) -> None:
        self.control("POST", "faults", fault)

    def settings(self, **settings: object) -> None:
        self.control("POST", "settings", settings)

    def count(self, call: str) -> int:
        requests: dict[str, int] = self.control("GET", "counts")["requests"]
        return requests.get(call, 0)

    def tasks(self) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = self.control("GET", "tasks")
        return tasks

    def journal(self) -> list[dict[str, Any]]:
        journal: list[dict[str, Any]] = self.control("GET", "journal")
        return journal


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)
    return value


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    binary = os.environ.get("XIEZHEN_SIMULATOR", str(ROOT / "target" / "debug" / "xiezhen-simulator"))
    seconds = ["--training-seconds", "0.2", "--generation-seconds", "0.2"]
    with subprocess.Popen(
        [binary, "--port", "0", *seconds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture
def space(simulator: str, name: str) -> Space:
    return Space(f"{simulator}/spaces/{name}")


@pytest.fixture
def name() -> str:
    """What keeps a test's keys, tables and tasks apart from those of others."""
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store; a module that needs fewer has a fixture of its own."""
    kind: str = request.param
    return kind


@pytest.fixture
def open_store(kind: str, name: str) -> Iterator[Callable[..., Any]]:
    opened = []

    def open_store(**options: Any) -> Any:
        opened.append(make(kind, name, **options))
        return opened[-1]

    yield open_store
    for store in opened:
        shut(store)


@pytest.fixture
def store(open_store: Callable[..., Any]) -> Any:
    return open_store()
