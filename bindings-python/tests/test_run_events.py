"""A run as an iterator of its events."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import PHOTOS, Space, finished, until
from xiezhen import events

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Python = Callable[[str], subprocess.Popen[str]]


def test_a_run_event_by_event(client: xiezhen.Client, tmp_path: Path) -> None:
    job = xiezhen.Job(PHOTOS[:8], [client.list_styles()[0].name])
    seen = list(client.run_events(job, save_to=tmp_path, checkpoint=tmp_path / "job.json"))
    assert sum(isinstance(event, events.PhotoUploaded) for event in seen) == 8
    assert sum(isinstance(event, events.Saved) for event in seen) == 3
    assert seen[-1] == events.Finished(job)
    assert job.stage == "done"


def test_nothing_starts_before_the_first_event_is_asked_for(client: xiezhen.Client, space: Space) -> None:
    run = client.run_events(xiezhen.Job(PHOTOS[:8]))
    run.close()
    assert list(run) == []
    assert space.count("upload_file") == 0


def test_leaving_the_loop_cancels_the_run(client: xiezhen.Client, space: Space, tmp_path: Path) -> None:
    space.settings(training_seconds=100_000)
    job, checkpoint = xiezhen.Job(PHOTOS[:8]), tmp_path / "job.json"
    for event in client.run_events(job, checkpoint=checkpoint):
        if isinstance(event, events.Training):
            break
    # The run has let go of the job and of its checkpoint.
    with pytest.raises(xiezhen.TimeoutError):
        client.run(job, checkpoint=checkpoint, timeout=0.2)
    assert space.count("create_user_model") == 1


def test_what_ends_a_run_is_raised(client: xiezhen.Client, space: Space) -> None:
    with pytest.raises(xiezhen.InvalidArgumentError, match="3 photos"):
        next(client.run_events(xiezhen.Job(PHOTOS[:3])))
    with pytest.raises(xiezhen.InvalidArgumentError, match="timeout"):
        client.run_events(xiezhen.Job(PHOTOS[:8]), timeout=-1)
    space.settings(training_outcome=5)
    seen: list[str] = []
    with pytest.raises(xiezhen.TaskFailedError):
        seen.extend(event.type for event in client.run_events(xiezhen.Job(PHOTOS[:8])))
    assert "training" in seen
    assert "finished" not in seen


def test_two_threads_do_not_share_an_iterator(client: xiezhen.Client, space: Space) -> None:
    space.fault(call="upload_file", stall="before")
    run = client.run_events(xiezhen.Job(PHOTOS[:8]))
    while next(run).type != "photo_uploading":
        pass
    ended = threading.Event()

    def rest() -> None:
        with contextlib.suppress(xiezhen.CancelledError):
            list(run)
        ended.set()

    threading.Thread(target=rest).start()
    until(lambda: refused(run))
    client.close()
    assert ended.wait(20)


def refused(run: object) -> bool:
    try:
        next(run)  # type: ignore[call-overload]
    except ValueError as error:
        return "another thread" in str(error)
    return False


def test_ctrl_c_ends_it(space: Space, python: Python) -> None:
    space.settings(training_seconds=100_000)
    photos = [str(photo) for photo in PHOTOS[:8]]
    program = f"""
try:
    for event in client().run_events(xiezhen.Job({photos!r})):
        if event.type == "training": threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
except KeyboardInterrupt:
    tell("interrupted")
"""
    assert finished(python(program)) == "interrupted\n"


def test_awaited_event_by_event(aclient: xiezhen.AsyncClient, tmp_path: Path) -> None:
    async def main() -> None:
        job = xiezhen.Job(PHOTOS[:8], [(await aclient.list_styles())[0].name])
        seen = [event async for event in aclient.run_events(job, save_to=tmp_path)]
        assert sum(isinstance(event, events.PhotoUploaded) for event in seen) == 8
        assert seen[-1] == events.Finished(job)
        with pytest.raises(xiezhen.InvalidArgumentError, match="3 photos"):
            await anext(aclient.run_events(xiezhen.Job(PHOTOS[:3])))

    asyncio.run(main())


@pytest.mark.parametrize("closed", [True, False])
def test_leaving_an_awaited_loop_cancels_the_run(aclient: xiezhen.AsyncClient, space: Space, closed: bool) -> None:
    space.settings(training_seconds=100_000)

    async def main() -> None:
        job = xiezhen.Job(PHOTOS[:8])
        run = aclient.run_events(job)
        async for event in run:
            if isinstance(event, events.Training):
                break
        if closed:
            await run.aclose()
        else:
            del run
            gc.collect()
        # Somebody else may have the job.
        with pytest.raises(xiezhen.TimeoutError):
            await aclient.run(job, timeout=0.2)
        assert space.count("create_user_model") == 1

    asyncio.run(asyncio.wait_for(main(), 20))
