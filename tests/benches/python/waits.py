"""Waits at once, each of so many polls."""

import asyncio
import gc
import importlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from sides import CONNECTIONS, HEADERS, body, task_id, xiezhen_client

SUCCEEDED = 3
WARM_UP = 256
# So many waits are begun, or found done, before the loop may do something else.
AT_ONCE = 25


async def each(wait: Callable[[str], Awaitable[object]], tasks: list[str]) -> None:
    """Awaits every wait on its own, as a server with many customers does."""
    begun: deque[asyncio.Future[object]] = deque()
    for number, name in enumerate(tasks):
        begun.append(asyncio.ensure_future(wait(name)))
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
    # Not `gather`, which would itself keep the loop busy for milliseconds; so would ten thousand tasks that go away
    # together.
    while begun:
        await begun.popleft()
        if len(begun) % AT_ONCE == 0:
            await asyncio.sleep(0)


class Waits:
    """All waits of one side."""

    def __init__(self, side: str, url: str, times: int, polls: int) -> None:
        self.side = side
        self.url = f"{url}/looks/{polls}"
        self.tasks = [task_id(number) for number in range(times)]
        self.session: Any = None

    async def warm_up(self) -> None:
        if self.side == "aiohttp":
            aiohttp = importlib.import_module("aiohttp")
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            timeout = aiohttp.ClientTimeout()
            self.session = aiohttp.ClientSession(headers=HEADERS, connector=connector, timeout=timeout)
        else:
            self.session = xiezhen_client("AsyncClient", self.url)
        await self.all_of([task_id(number) for number in range(WARM_UP)])

    async def run(self) -> float:
        """Waits for all; the longest block of the loop, in ms."""
        ticker = asyncio.ensure_future(longest_block())
        await asyncio.sleep(0.01)
        await self.all_of(self.tasks)
        await asyncio.sleep(0.01)
        ticker.cancel()
        await self.session.close()
        return await ticker

    def all_of(self, tasks: list[str]) -> Awaitable[object]:
        if self.side == "wait_many":
            everything: Awaitable[object] = self.session.wait_many(tasks)
            return everything
        return each(self.by_hand if self.side == "aiohttp" else self.session.wait_task, tasks)

    async def by_hand(self, task: str) -> None:
        address = f"{self.url}/cloud/aigc_task_query"
        while True:
            async with self.session.post(address, data=json.dumps({"task_id": task})) as answer:
                if body(answer.status, await answer.read())["state"] == SUCCEEDED:
                    return
            await asyncio.sleep(0.001)


class Collector:
    """The CPU time of Python's garbage collector: its passes over ten thousand tasks are nobody's doing here."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.began = 0.0
        gc.callbacks.append(self.note)

    def note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self.began = time.thread_time()
        else:
            self.spent += time.thread_time() - self.began


async def longest_block() -> float:
    """The most CPU time that the loop's thread took between two of a thousand looks a second, in ms, but for the
    garbage collector's."""
    collector = Collector()
    worst = 0.0
    last = time.thread_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time() - collector.spent
            worst = max(worst, now - last)
            last = now
    except asyncio.CancelledError:
        return worst * 1e3
