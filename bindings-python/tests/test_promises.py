"""What callers may rely on beside the calls: keyword-only options, contexts, refusals, copies, saves after a cancel."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import io
import pickle
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xiezhen
from conftest import PHOTOS, Space, finished, options

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


POSITIONAL: list[Callable[[Any], object]] = [
    lambda client: client.create_user_model([], "https://example.com"),
    lambda client: client.create_task("u", "s", "https://example.com"),
    lambda client: client.wait_task("t", 5),
    lambda client: client.wait_many([], None, 5),
    lambda client: client.save_results(None, "out", "style"),
    lambda client: client.query_task("t", 5),
]


@pytest.mark.parametrize("call", POSITIONAL)
def test_options_are_keywords(
    client: xiezhen.Client, aclient: xiezhen.AsyncClient, call: Callable[[Any], object]
) -> None:
    for one in (client, aclient):
        with pytest.raises(TypeError, match="positional"):
            call(one)


def test_every_problem_is_named() -> None:
    with pytest.raises(xiezhen.InvalidArgumentError) as raised:
        xiezhen.Client("nowhere", timeout=-1, connect_timeout=-2, max_retries=2**70, upload_concurrency=-1)
    text = "; ".join(raised.value.problems)
    for name in ("connect_timeout", "max_retries", "upload_concurrency", "base_url"):
        assert name in text
    assert any(problem.startswith("timeout") for problem in raised.value.problems)
    assert str(raised.value) == text
    with pytest.raises(xiezhen.InvalidArgumentError, match="initial of training_schedule"):
        xiezhen.Client(training_schedule=xiezhen.PollSchedule(-1, 1, 1))


def test_a_call_has_a_timeout_of_its_own(space: Space, client: xiezhen.Client, aclient: xiezhen.AsyncClient) -> None:
    space.fault(call="list_styles", stall="before")
    space.fault(call="upload_file", stall="before")
    calls: list[Callable[[], object]] = [
        lambda: client.list_styles(timeout=0.2),
        lambda: asyncio.run(aclient.list_styles(timeout=0.2)),
        lambda: client.advance(xiezhen.Job(PHOTOS[:8]), lambda _: None, timeout=0.2),
        lambda: asyncio.run(aclient.advance(xiezhen.Job(PHOTOS[:8]), lambda _: None, timeout=0.2)),
    ]
    for call in calls:
        began = time.monotonic()
        with pytest.raises(xiezhen.TimeoutError):
            call()
        # Not the client's 60 s.
        assert time.monotonic() - began < 30
    with pytest.raises(xiezhen.InvalidArgumentError, match="timeout"):
        client.query_task("t", timeout=-1)


SINGLE = [PHOTOS[0], str(PHOTOS[0]), b"", bytearray(), memoryview(b""), io.BytesIO()]


@pytest.mark.parametrize("single", SINGLE, ids=lambda single: type(single).__name__)
def test_a_single_photo_is_no_list(single: Any) -> None:
    with pytest.raises(TypeError, match="brackets"):
        xiezhen.Job(single)


def test_none_is_nothing() -> None:
    job = xiezhen.Job(None, None, user_id="u")
    assert (job.photos, job.portraits) == ([], [])
    assert "Ellipsis" not in str(xiezhen.Job.__text_signature__)


def test_jobs_copy_by_their_json() -> None:
    job = xiezhen.Job(PHOTOS, ["a"])
    for again in (copy.copy(job), copy.deepcopy(job), pickle.loads(pickle.dumps(job))):
        assert again is not job
        assert again.to_json() == job.to_json()
    with pytest.raises(TypeError, match="bytes"):
        pickle.dumps(xiezhen.Job([b"unsent"]))


def test_names_that_people_read() -> None:
    assert xiezhen.__version__.count(".") == 2
    assert repr(xiezhen.TaskState.RUNNING) == "TaskState.RUNNING"
    for cls in (xiezhen.AsyncClient, xiezhen.TaskState, xiezhen.TaskKind, xiezhen.Stage):
        assert cls.__module__ == "xiezhen"
    for name in ("TimeoutError", "CancelledError"):
        assert getattr(xiezhen, name).__module__ == "xiezhen.errors"
        assert name not in xiezhen.__all__
    error = xiezhen.FileError("away", path=Path("a"), errno=2)
    assert error.strerror == "No such file or directory"
    assert pickle.loads(pickle.dumps(error)).strerror == error.strerror


def test_what_returns_an_awaitable_is_no_plain_function(client: xiezhen.Client, aclient: xiezhen.AsyncClient) -> None:
    async def coroutine(*_: object) -> None: ...

    def hidden(*arguments: object) -> object:
        return coroutine(*arguments)

    for call in (
        lambda: client.run(xiezhen.Job(PHOTOS[:8]), on_event=hidden),
        lambda: client.wait_many([""], hidden),
        lambda: asyncio.run(aclient.run(xiezhen.Job(PHOTOS[:8]), on_event=hidden)),
        lambda: asyncio.run(aclient.wait_many([""], hidden)),
    ):
        with pytest.raises(TypeError, match="coroutine function"):
            call()


def test_callbacks_run_in_the_callers_context(aclient: xiezhen.AsyncClient) -> None:
    seen: set[str] = set()

    def note(*_: object) -> None:
        seen.add(VARIABLE.get())

    async def save(_job: xiezhen.Job) -> None:
        note()

    async def main() -> None:
        VARIABLE.set("the caller's")
        await aclient.run(xiezhen.Job(PHOTOS[:8]), on_event=note)
        await aclient.advance(xiezhen.Job(PHOTOS[:8]), save)
        await aclient.wait_many([""], note)

    asyncio.run(main())
    assert seen == {"the caller's"}


def test_a_save_task_is_held(aclient: xiezhen.AsyncClient) -> None:
    async def save(_job: xiezhen.Job) -> None:
        loop = asyncio.get_running_loop()
        # Only this task holds what it waits for: nobody else keeps either.
        future = loop.create_future()
        known = weakref.ref(future)

        def end() -> None:
            gc.collect()
            if (alive := known()) is not None:
                alive.set_result(None)

        loop.call_later(0.05, end)
        await future

    async def main() -> None:
        await asyncio.wait_for(aclient.advance(xiezhen.Job(PHOTOS[:8]), save), 30)

    asyncio.run(main())


@pytest.mark.parametrize("awaited", [False, True])
def test_a_cancelled_advance_saves_the_answer(space: Space, aclient: xiezhen.AsyncClient, awaited: bool) -> None:
    space.fault(call="create_user_model", times=1, delay_ms=500)
    saved: list[str] = []

    async def save_slowly(job: xiezhen.Job) -> None:
        await asyncio.sleep(0)
        saved.append(job.to_json())

    def save(job: xiezhen.Job) -> None:
        saved.append(job.to_json())

    async def main() -> None:
        advancing = asyncio.ensure_future(aclient.advance(xiezhen.Job(PHOTOS[:8]), save_slowly if awaited else save))
        while space.count("create_user_model") == 0:
            await asyncio.sleep(0.01)
        advancing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await advancing
        while not (space.tasks() and space.tasks()[0]["id"] in saved[-1]):
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_an_interrupted_advance_saves_the_answer(space: Space, python: Callable[..., Any]) -> None:
    space.fault(call="create_user_model", times=1, delay_ms=800)
    program = f"""
import json, urllib.request
saved = []
def interrupt():
    counts = lambda: json.load(urllib.request.urlopen("{space.url}/_simulator/counts"))["requests"]
    while not counts().get("create_user_model"): time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    client().advance(xiezhen.Job({[str(photo) for photo in PHOTOS[:8]]!r}), lambda job: saved.append(job.to_json()))
except KeyboardInterrupt:
    before = len(saved)
until = time.monotonic() + 20
while len(saved) == before and time.monotonic() < until: time.sleep(0.01)
assert '"task_id": "' in saved[-1], len(saved) - before
"""
    finished(python(program))


def test_a_file_is_not_read_on_the_loop(aclient: xiezhen.AsyncClient) -> None:
    class Slow(io.BytesIO):
        def read(self, *arguments: Any) -> bytes:
            time.sleep(0.8)
            return super().read(*arguments)

    async def main() -> None:
        uploading = asyncio.ensure_future(aclient.upload_file(Slow(PHOTOS[0].read_bytes())))
        longest, last = 0.0, time.perf_counter()
        while not uploading.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        assert await uploading
        assert longest < 0.6
        with pytest.raises(TypeError, match="binary"):
            await aclient.upload_file(io.StringIO("text"))  # type: ignore[arg-type]

    asyncio.run(main())


def test_many_outcomes_do_not_block_the_loop(space: Space) -> None:
    async def main() -> None:
        client = xiezhen.AsyncClient(space.url, **options())
        waiting = asyncio.ensure_future(client.wait_many([f"nobody{n % 5}" for n in range(10_000)]))
        await asyncio.sleep(0.05)
        longest, last = 0.0, time.thread_time()
        while not waiting.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
        outcomes = await waiting
        assert all(isinstance(outcome, xiezhen.ApiError) for outcome in outcomes)
        assert longest < 0.05
        await client.close()

    asyncio.run(main())
