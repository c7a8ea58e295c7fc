"""The service that the tests talk to: the simulator's own binary, a space for each test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PHOTOS = [Path(__file__).parents[2] / "tests" / "photos" / f"{n:02}.jpg" for n in range(1, 11)]
QUICK = xiezhen.PollSchedule(0.02, 1.2, 0.1)


# `nohup` and `&` of a shell ignore Ctrl-C, and every program started from here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


def options(**more: Any) -> dict[str, Any]:
    """What clients of the tests have in common."""
    quick = {"training_schedule": QUICK, "generation_schedule": QUICK, "requests_per_second": 100_000.0}
    return {"app_code": "simulator-app-code", **quick, **more}


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    command = [
        os.environ["XIEZHEN_SIMULATOR"],
        "--port",
        "0",
        "--training-seconds",
        "0.2",
        "--generation-seconds",
        "0.2",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture
def space(simulator: str, request: pytest.FixtureRequest) -> Space:
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.nodeid)
    return Space(f"{simulator}/spaces/{name}")


@pytest.fixture
def client(space: Space) -> Iterator[xiezhen.Client]:
    with xiezhen.Client(space.url, **options()) as client:
        yield client


@pytest.fixture
def aclient(space: Space) -> xiezhen.AsyncClient:
    return xiezhen.AsyncClient(space.url, **options())


@pytest.fixture
def trained(client: xiezhen.Client) -> str:
    """A user model that is ready."""
    job = client.run(xiezhen.Job(PHOTOS[:8]))
    assert job.user_id is not None
    return job.user_id


@pytest.fixture
def endless(space: Space, client: xiezhen.Client, trained: str) -> str:
    """A task that never ends."""
    space.settings(generation_seconds=100_000)
    return client.create_task(trained, client.list_styles()[0].style).task_id


@pytest.fixture
def python(space: Space) -> Callable[[str], subprocess.Popen[str]]:
    """Starts a program with `client()` and `aclient()` at hand, and `tell()` to say that it got somewhere."""
    head = (
        "import asyncio, os, signal, sys, threading, time, xiezhen\n"
        "import faulthandler; faulthandler.enable()\n"
        "quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)\n"
        "options = dict(app_code='simulator-app-code', training_schedule=quick, generation_schedule=quick,"
        " requests_per_second=100_000.0)\n"
        f"client = lambda **more: xiezhen.Client({space.url!r}, **options, **more)\n"
        f"aclient = lambda **more: xiezhen.AsyncClient({space.url!r}, **options, **more)\n"
        "tell = lambda *what: os.write(1, (' '.join(map(str, what)) + '\\n').encode())\n"
    )

    def start(program: str) -> subprocess.Popen[str]:
        import sys

        command = [sys.executable, "-c", head + program]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def finished(process: subprocess.Popen[str], seconds: float = 30) -> str:
    """What a program said; it must have ended well and in time."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the program hangs; it said {out!r} and {err!r}")
    if process.returncode != 0:
        pytest.fail(f"the program ended with {process.returncode}; it said {out!r} and:\n{err}")
    return out


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for something that is bound to happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)
