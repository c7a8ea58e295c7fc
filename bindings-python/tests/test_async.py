"""Each method of `AsyncClient`; cancellation; the loop is never blocked."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import PHOTOS, Space, options
from xiezhen._lists import Styles

if TYPE_CHECKING:
    from pathlib import Path


def test_the_five_calls(aclient: xiezhen.AsyncClient, tmp_path: Path) -> None:
    async def main() -> None:
        async with aclient as client:
            paths = await asyncio.gather(*(client.upload_file(photo) for photo in PHOTOS[:8]))
            created = await asyncio.create_task(client.create_user_model(paths))
            training = await client.wait_task(created.task_id, timeout=20)
            assert training.state is xiezhen.TaskState.SUCCEEDED

            styles = await client.list_styles()
            started = await client.create_task(created.user_id, styles[0].style)
            task = await client.wait_task(started.task_id)
            assert await client.query_task(started.task_id) == task
            files = await client.save_results(task, tmp_path)
            assert len(files) == 3
            assert all(file.exists() for file in files)

    asyncio.run(main())


def test_run(aclient: xiezhen.AsyncClient, tmp_path: Path) -> None:
    events: list[xiezhen.Event] = []

    async def main() -> None:
        here = threading.current_thread()

        def on_event(event: xiezhen.Event) -> None:
            assert threading.current_thread() is here
            asyncio.get_running_loop()
            events.append(event)

        style = (await aclient.list_styles())[0]
        job = xiezhen.Job(PHOTOS[:8], [style.name])
        assert await aclient.run(job, save_to=tmp_path, on_event=on_event) is job
        assert events[-1] == xiezhen.events.Finished(job)
        assert len(job.portraits[0].files) == 3

    asyncio.run(main())
    assert [event.type for event in events].count("photo_uploaded") == 8


@pytest.mark.parametrize("awaited", [False, True])
def test_advance(aclient: xiezhen.AsyncClient, awaited: bool) -> None:
    async def main() -> None:
        job = xiezhen.Job(PHOTOS[:8])
        saved: list[str] = []

        def save(job: xiezhen.Job) -> None:
            saved.append(job.to_json())

        async def save_slowly(job: xiezhen.Job) -> None:
            await asyncio.sleep(0.01)
            save(job)

        while (delay := await aclient.advance(job, save_slowly if awaited else save)) is not None:
            await asyncio.sleep(delay)
        assert job.stage == "done"
        assert len(saved) >= 2

    asyncio.run(main())


@pytest.mark.parametrize("awaited", [False, True])
def test_a_save_that_fails_sends_nothing(aclient: xiezhen.AsyncClient, space: Space, awaited: bool) -> None:
    def save(_job: xiezhen.Job) -> None:
        raise KeyError("no store")

    async def save_slowly(_job: xiezhen.Job) -> None:
        await asyncio.sleep(0.01)
        raise KeyError("no store")

    with pytest.raises(KeyError, match="no store"):
        asyncio.run(aclient.advance(xiezhen.Job(PHOTOS[:8]), save_slowly if awaited else save))
    assert space.count("create_user_model") == 0


def test_a_callback_that_raises_ends_the_run(aclient: xiezhen.AsyncClient) -> None:
    def on_event(event: xiezhen.Event) -> None:
        raise ZeroDivisionError(event.type)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(aclient.run(xiezhen.Job(PHOTOS[:8]), on_event=on_event))

    async def coroutine(_event: object) -> None: ...

    with pytest.raises(TypeError, match="coroutine"):
        asyncio.run(aclient.run(xiezhen.Job(PHOTOS[:8]), on_event=coroutine))


def test_wait_many(aclient: xiezhen.AsyncClient, trained: str) -> None:
    async def main() -> None:
        style = (await aclient.list_styles())[0].style
        created = await asyncio.gather(*(aclient.create_task(trained, style) for _ in range(20)))
        task_ids = [one.task_id for one in created]
        ended: list[int] = []
        outcomes = await aclient.wait_many(task_ids, lambda index, _task: ended.append(index))
        assert [outcome.id for outcome in outcomes if isinstance(outcome, xiezhen.Task)] == task_ids
        assert sorted(ended) == list(range(20))

    asyncio.run(main())


def test_cancelling_drops_the_call(aclient: xiezhen.AsyncClient, space: Space, endless: str) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(aclient.wait_task(endless))
        while space.count("query_task") == 0:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert time.monotonic() - began < 1
        # One poll may have been under way.
        await asyncio.sleep(0.5)
        polls = space.count("query_task")
        await asyncio.sleep(0.4)
        assert space.count("query_task") == polls

        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aclient.wait_task(endless), 0.2)

    asyncio.run(main())


def test_a_cancelled_run_lets_its_job_go(aclient: xiezhen.AsyncClient, space: Space) -> None:
    space.fault(call="upload_file", stall="before")

    async def main() -> None:
        job = xiezhen.Job([photo.read_bytes() for photo in PHOTOS[:8]], [])
        held = sys.getrefcount(job)
        running = asyncio.create_task(aclient.run(job))
        while space.count("upload_file") == 0:
            await asyncio.sleep(0.01)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        del running
        # Nothing calls the package meanwhile: that would let go of it by the way.
        deadline = time.monotonic() + 30
        while sys.getrefcount(job) > held and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert sys.getrefcount(job) == held

    asyncio.run(main())


def test_a_cancelled_create_runs_on(aclient: xiezhen.AsyncClient, space: Space) -> None:
    space.fault(call="create_user_model", times=1, delay_ms=400)

    async def main() -> None:
        paths = [await aclient.upload_file(photo) for photo in PHOTOS[:8]]
        creating = asyncio.ensure_future(aclient.create_user_model(paths))
        while space.count("create_user_model") == 0:
            await asyncio.sleep(0.01)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
        while not space.tasks():
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_close_cancels_what_is_under_way(aclient: xiezhen.AsyncClient, endless: str) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(aclient.wait_task(endless))
        await asyncio.sleep(0.2)
        await aclient.notify(endless)
        await aclient.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(xiezhen.InvalidArgumentError):
            await aclient.list_styles()

    asyncio.run(main())


def test_one_loop_after_another(aclient: xiezhen.AsyncClient) -> None:
    for _ in range(5):
        assert asyncio.run(aclient.list_styles())
    with pytest.raises(RuntimeError, match="no running event loop"):
        aclient.list_styles().send(None)


def test_close_cancels_what_has_just_begun(aclient: xiezhen.AsyncClient) -> None:
    """Nothing of the calls has run when the client is closed: they are cancelled, not refused."""

    async def main() -> None:
        calls = [asyncio.ensure_future(aclient.list_styles()) for _ in range(50)]
        await asyncio.sleep(0)
        await aclient.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        # The rate limit lets few of them out: on a slow machine, these may have their answers.
        assert asyncio.CancelledError in map(type, outcomes)
        assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, Styles}

    asyncio.run(main())


def test_a_loop_that_closes_early(aclient: xiezhen.AsyncClient, endless: str) -> None:
    loop = asyncio.new_event_loop()
    futures: list[object] = []

    async def begin() -> None:
        # The loop goes away while this is under way.
        futures.append(aclient._client.wait_task(endless))
        await asyncio.sleep(0.1)

    loop.run_until_complete(begin())
    loop.close()
    assert asyncio.run(aclient.list_styles())


def test_the_loop_is_not_blocked(space: Space, trained: str) -> None:
    async def main() -> None:
        client = xiezhen.AsyncClient(space.url, **options())
        style = (await client.list_styles())[0].style
        created = await asyncio.gather(*(client.create_task(trained, style) for _ in range(30)))
        waits = asyncio.gather(*(client.wait_task(created[n % 30].task_id) for n in range(3000)))
        longest, last = 0.0, time.perf_counter()
        # Starting three thousand coroutines is asyncio's own work; what comes after is ours.
        await asyncio.sleep(0.2)
        last = time.perf_counter()
        while not waits.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        await waits
        assert longest < 0.5

    asyncio.run(main())


def test_the_loop_turns_while_a_client_is_closed(aclient: xiezhen.AsyncClient, endless: str) -> None:
    async def main() -> None:
        waits = [asyncio.ensure_future(aclient.wait_task(endless)) for _ in range(3000)]
        await asyncio.sleep(0)
        turns: list[bool] = []
        asyncio.get_running_loop().call_soon(turns.append, True)
        await aclient.close()
        assert turns
        ended = await asyncio.gather(*waits, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)

    asyncio.run(main())


def test_a_close_that_is_cancelled_closes(aclient: xiezhen.AsyncClient) -> None:
    async def main() -> None:
        assert await aclient.list_styles()
        closing = asyncio.ensure_future(aclient.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.sleep(0.1)
        with pytest.raises(xiezhen.InvalidArgumentError, match="closed"):
            await aclient.list_styles()

    asyncio.run(main())
