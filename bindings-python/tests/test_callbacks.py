"""Callbacks that are more, or less, than plain functions."""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import PHOTOS, Space

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator


def generator(*_: object) -> Iterator[None]:
    yield


async def async_generator(*_: object) -> AsyncIterator[None]:
    yield


async def coroutine(*_: object) -> None: ...


@types.coroutine
def old_coroutine(*_: object) -> Generator[None, None, None]:
    yield


class Later:
    """Awaitable, and neither a coroutine nor a future."""

    def __init__(self, *_: object) -> None: ...

    def __await__(self) -> Generator[None, None, None]:
        yield


LOOP = asyncio.new_event_loop()
NEVER_RUN: list[Callable[..., Any]] = [generator, async_generator]
UNFINISHED = [*NEVER_RUN, lambda *_: coroutine(), old_coroutine, Later, lambda *_: asyncio.Future(loop=LOOP)]


@pytest.mark.parametrize("save", UNFINISHED)
def test_a_save_that_is_not_done_sends_nothing(client: xiezhen.Client, space: Space, save: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="save must be"):
        client.advance(xiezhen.Job(PHOTOS[:8]), save)
    assert space.count("create_user_model") == 0


@pytest.mark.parametrize("save", NEVER_RUN)
def test_an_awaited_save_that_never_runs_sends_nothing(
    aclient: xiezhen.AsyncClient, space: Space, save: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match="save must be"):
        asyncio.run(aclient.advance(xiezhen.Job(PHOTOS[:8]), save))
    assert space.count("create_user_model") == 0


@pytest.mark.parametrize("kind", ["coroutine", "old coroutine", "task", "awaitable"])
def test_whatever_a_save_returns_is_awaited(aclient: xiezhen.AsyncClient, space: Space, kind: str) -> None:
    saved: list[str] = []

    async def save(job: xiezhen.Job) -> None:
        await asyncio.sleep(0.01)
        saved.append(job.to_json())

    @types.coroutine
    def old_save(job: xiezhen.Job) -> Generator[Any, None, None]:
        yield from save(job).__await__()

    class Save:
        def __init__(self, job: xiezhen.Job) -> None:
            self.job = job

        def __await__(self) -> Generator[Any, None, None]:
            return save(self.job).__await__()

    saves: dict[str, Callable[[xiezhen.Job], object]] = {
        "coroutine": save,
        "old coroutine": old_save,
        "task": lambda job: asyncio.ensure_future(save(job)),
        "awaitable": Save,
    }
    asyncio.run(aclient.advance(xiezhen.Job(PHOTOS[:8]), saves[kind]))
    assert space.count("create_user_model") == 1
    assert len(saved) >= 2


def test_callbacks_may_begin_what_they_do_not_await(aclient: xiezhen.AsyncClient) -> None:
    handled: list[Any] = []
    job = xiezhen.Job(PHOTOS[:8])

    async def handle(what: Any) -> None:
        handled.append(what)

    async def main() -> None:
        await aclient.run(job, on_event=lambda event: asyncio.ensure_future(handle(event)))
        await aclient.wait_many(["none"], lambda *end: asyncio.ensure_future(handle(end)), timeout=5)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert xiezhen.events.Finished(job) in handled
    assert len(handled[-1]) == 2


@pytest.mark.parametrize("callback", [*NEVER_RUN, lambda *_: coroutine(), old_coroutine])
def test_callbacks_that_never_run_are_refused(client: xiezhen.Client, callback: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="on_event must be a plain function"):
        client.run(xiezhen.Job(PHOTOS[:8]), on_event=callback)
    with pytest.raises(TypeError, match="on_end must be a plain function"):
        client.wait_many(["none"], callback, timeout=5)
