"""One piece of work by one side, in a process of its own: `work.py WORK SIDE URL TIMES`.

Prints the CPU time of one call or poll in µs, the memory growth in bytes and, for waits, the longest that the event
loop was kept busy, in ms of its thread's CPU time: what other processes take of the machine doesn't count.
"""

import asyncio
import importlib
import json
import math
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

CONNECTIONS = 64
HEADERS = {
    "authorization": "APPCODE bench",
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
}
SUCCEEDED = 3
# So many waits are begun before the loop may do something else.
BEGUN_AT_ONCE = 50


def memory(name: str) -> int:
    """A line of this process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def task_id(number: int) -> str:
    return f"7e1cac92-e348-4c90-ac66-{number:012}"


def state(status: int, content: bytes) -> int:
    """The state that an answer tells, read as somebody would by hand."""
    answer = json.loads(content)
    assert status == 200 and answer["ret"] == 0
    return answer["body"]["state"]


def xiezhen_client(kind: str, url: str):
    import xiezhen

    often = xiezhen.PollSchedule(0.001, 1, 0.001)
    return getattr(xiezhen, kind)(
        url,
        app_code="bench",
        requests_per_second=math.inf,
        training_schedule=often,
        generation_schedule=often,
    )


def querying(side: str, url: str) -> Callable[[str], object]:
    """Makes one query."""
    address = f"{url}/cloud/aigc_task_query"
    if side == "xiezhen":
        return xiezhen_client("Client", url).query_task
    if side == "urllib3":
        pool = importlib.import_module("urllib3").PoolManager(headers=HEADERS, timeout=60)

        def by_urllib3(task: str) -> int:
            answer = pool.request("POST", address, body=json.dumps({"task_id": task}))
            return state(answer.status, answer.data)

        return by_urllib3
    client = importlib.import_module("httpx").Client(headers=HEADERS, timeout=60)

    def by_httpx(task: str) -> int:
        answer = client.post(address, content=json.dumps({"task_id": task}))
        return state(answer.status_code, answer.content)

    return by_httpx


def query(side: str, url: str, times: int) -> dict[str, float]:
    ask = querying(side, url)
    for number in range(200):
        ask(task_id(number))
    resident = forget_peak()
    before = time.process_time()
    for number in range(times):
        ask(task_id(number))
    return {"cpu": (time.process_time() - before) / times * 1e6, "growth": memory("VmHWM") - resident}


def forget_peak() -> int:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


async def each(wait: Callable[[str], Awaitable[object]], tasks: list[str]) -> None:
    """Awaits every wait on its own, as a server with many customers does."""
    begun: list[asyncio.Future[object]] = []
    for number, name in enumerate(tasks):
        begun.append(asyncio.ensure_future(wait(name)))
        if number % BEGUN_AT_ONCE == 0:
            await asyncio.sleep(0)
    # Not `gather`, which would itself keep the loop busy for milliseconds.
    for task in begun:
        await task


async def waits(side: str, url: str, times: int) -> dict[str, float]:
    url += "/second"
    if side == "aiohttp":
        aiohttp = importlib.import_module("aiohttp")
        session = aiohttp.ClientSession(
            headers=HEADERS,
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            timeout=aiohttp.ClientTimeout(),
        )
        address = f"{url}/cloud/aigc_task_query"

        async def wait(task: str) -> None:
            while True:
                async with session.post(address, data=json.dumps({"task_id": task})) as answer:
                    if state(answer.status, await answer.read()) == SUCCEEDED:
                        return
                await asyncio.sleep(0.001)

        def all_of(tasks: list[str]) -> Awaitable[object]:
            return each(wait, tasks)
    else:
        session = xiezhen_client("AsyncClient", url)

        def all_of(tasks: list[str]) -> Awaitable[object]:
            return session.wait_many(tasks) if side == "wait_many" else each(session.wait_task, tasks)

    await all_of([task_id(number) for number in range(CONNECTIONS * 4)])
    tasks = [task_id(number) for number in range(times)]
    resident = forget_peak()
    before = time.process_time()
    ticker = asyncio.ensure_future(longest_block())
    await asyncio.sleep(0.01)
    await all_of(tasks)
    cpu = (time.process_time() - before) / times / 2 * 1e6
    growth = memory("VmHWM") - resident
    await asyncio.sleep(0.01)
    ticker.cancel()
    worst = await ticker
    await session.close()
    return {"cpu": cpu, "growth": growth, "worst": worst}


async def longest_block() -> float:
    """The most CPU time that the loop's thread took between two of a thousand looks a second, in ms."""
    worst = 0.0
    last = time.thread_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            worst = max(worst, now - last)
            last = now
    except asyncio.CancelledError:
        return worst * 1e3


def main() -> None:
    work, side, url, times = sys.argv[1:]
    result = query(side, url, int(times)) if work == "query" else asyncio.run(waits(side, url, int(times)))
    print(json.dumps(result))


main()
