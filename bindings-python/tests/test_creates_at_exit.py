"""No orderly end loses a billed create: each waits for the answer of one that was sent, and for its save."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import Space, finished, options, until

if TYPE_CHECKING:
    from collections.abc import Callable

    Python = Callable[[str], subprocess.Popen[str]]

HEAD = """
import json, pathlib, urllib.request
kept = pathlib.Path({kept!r})
job = lambda: xiezhen.Job(styles=[{style!r}], user_id={user_id!r})
save = lambda job: kept.write_text(job.to_json())
counts = lambda: json.load(urllib.request.urlopen({url!r} + "/_simulator/counts"))["requests"]
sent = lambda: counts().get("create_task", 0) > 0
def until_sent():
    while not sent(): time.sleep(0.005)
"""

# How a program ends while the answer to its create takes 300 ms.
ENDS = {
    "a daemon thread of a sync client, run": """
c = client()
threading.Thread(target=lambda: c.run(job(), checkpoint=kept), daemon=True).start()
until_sent()
""",
    "a daemon thread of a sync client, advance": """
c = client()
threading.Thread(target=lambda: c.advance(job(), save), daemon=True).start()
until_sent()
""",
    "a run that was given up": """
c = client()
def watch(event): raise ValueError
async def main():
    running = asyncio.ensure_future(aclient().run(job(), checkpoint=kept))
    while not sent(): await asyncio.sleep(0.005)
    running.cancel()
asyncio.run(main())
""",
    "a loop that ends before an advance": """
async def main():
    running = asyncio.ensure_future(aclient().advance(job(), save))
    while not sent(): await asyncio.sleep(0.005)
asyncio.run(main())
""",
    "a client that is dropped": """
def work():
    c = client()
    c.run(job(), checkpoint=kept)
threading.Thread(target=work, daemon=True).start()
until_sent()
import gc; gc.collect()
""",
    "a save of the intent that takes its time": """
c = client()
entered = threading.Event()
def slowly(job):
    save(job)
    entered.set()
    time.sleep(0.3)
threading.Thread(target=lambda: c.advance(job(), slowly), daemon=True).start()
entered.wait(20)
""",
    "a save of the intent on a loop that ends": """
entered = threading.Event()
async def slowly(job):
    save(job)
    entered.set()
    await asyncio.sleep(0.3)
async def main():
    running = asyncio.ensure_future(aclient().advance(job(), slowly))
    while not entered.is_set(): await asyncio.sleep(0.005)
    await running
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
entered.wait(20)
""",
    "sys.exit": """
c = client()
threading.Thread(target=lambda: c.advance(job(), save), daemon=True).start()
until_sent()
sys.exit(0)
""",
    "an exception": """
c = client()
threading.Thread(target=lambda: c.run(job(), checkpoint=kept), daemon=True).start()
until_sent()
sys.excepthook = lambda *_: os.write(1, b"raised\\n")
try: raise ValueError
finally: sys.exit(0)
""",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_end_of_the_program_waits(python: Python, space: Space, trained: str, tmp_path: Path, how: str) -> None:
    with xiezhen.Client(space.url, **options()) as client:
        style = client.list_styles()[0].style
    space.fault(call="create_task", times=1, delay_ms=300)
    kept = tmp_path / "job.json"
    finished(python(HEAD.format(kept=str(kept), url=space.url, style=style, user_id=trained) + ENDS[how]))
    portrait = json.loads(kept.read_text())["portraits"][0]
    assert portrait["task_id"] in {task["id"] for task in space.tasks()}
    assert portrait["intent"] is False


def test_it_says_what_it_waits_for_and_ctrl_c_gives_up(python: Python, space: Space, trained: str) -> None:
    with xiezhen.Client(space.url, **options()) as client:
        style = client.list_styles()[0].style
    space.fault(call="create_task", stall="before")
    process = python(f"""
c = client()
threading.Thread(target=lambda: c.create_task({trained!r}, {style!r}), daemon=True).start()
time.sleep(0.5)
tell("leaving")
""")
    assert process.stderr is not None
    assert "waiting for the answer of a billed call" in process.stderr.readline()
    process.send_signal(2)
    process.communicate(timeout=30)


TERM = {
    "a call": "client().run(job(), checkpoint=kept)",
    "with": "with client() as c: c.run(job(), checkpoint=kept)",
    "advance": "client().advance(job(), save)",
    "asyncio": """
async def main():
    async with aclient() as a: await a.run(job(), checkpoint=kept)
asyncio.run(main())""",
}


@pytest.mark.parametrize("how", TERM)
@pytest.mark.parametrize("handled", [True, False])
def test_sigterm(python: Python, space: Space, trained: str, tmp_path: Path, how: str, handled: bool) -> None:
    """It kills at once, unless a program has the handler that the README shows."""
    with xiezhen.Client(space.url, **options()) as client:
        style = client.list_styles()[0].style
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (handler,) = re.findall(r"^signal\.signal\(signal\.SIGTERM.*\)$", readme, re.M)
    space.fault(call="create_task", times=1, delay_ms=1000)
    kept = tmp_path / "job.json"
    program = HEAD.format(kept=str(kept), url=space.url, style=style, user_id=trained) + (handler if handled else "")
    process = python(f"{program}\n{TERM[how]}\ntell('too far')\n")
    until(lambda: space.count("create_task") > 0)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert out == "", out
    assert process.returncode == (143 if handled else -signal.SIGTERM), err
    job = xiezhen.Job.from_json(kept.read_text())
    if handled:
        assert job.portraits[0].task_id in {task["id"] for task in space.tasks()}
    assert job.adoptable == ([] if handled else [style])


def test_a_program_with_nothing_in_flight_ends_at_once(python: Python) -> None:
    began = time.monotonic()
    finished(python("c = client(); c.list_styles()"))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("awaited", [False, True])
def test_close_waits(space: Space, trained: str, tmp_path: Path, awaited: bool) -> None:
    import threading

    client = xiezhen.Client(space.url, **options())
    style = client.list_styles()[0].style
    space.fault(call="create_task", times=1, delay_ms=300)
    job = xiezhen.Job(styles=[style], user_id=trained)
    kept = tmp_path / "job.json"
    creates = space.count("create_task")

    def sent() -> bool:
        return space.count("create_task") > creates

    if awaited:

        async def main() -> None:
            aclient = xiezhen.AsyncClient(space.url, **options())
            running = asyncio.ensure_future(aclient.run(job, checkpoint=kept))
            while not sent():
                await asyncio.sleep(0.005)
            await aclient.close()
            assert json.loads(kept.read_text())["portraits"][0]["task_id"]
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(main())
    else:
        raised: list[BaseException] = []

        def run() -> None:
            try:
                client.run(job, checkpoint=kept)
            except xiezhen.CancelledError as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until(sent)
        client.close()
        assert json.loads(kept.read_text())["portraits"][0]["task_id"]
        thread.join(30)
        assert raised


def test_wait_for_creates(space: Space, trained: str) -> None:
    async def main() -> None:
        async with xiezhen.AsyncClient(space.url, **options()) as client:
            style = (await client.list_styles())[0]
            before = len(space.tasks())
            space.fault(call="create_task", times=1, delay_ms=300)
            creating = asyncio.ensure_future(client.create_task(trained, style))
            while space.count("create_task") == 0:
                await asyncio.sleep(0.005)
            creating.cancel()
            await client.wait_for_creates()
            assert len(space.tasks()) == before + 1
            await client.wait_for_creates()

    asyncio.run(main())
    with xiezhen.Client(space.url, **options()) as client:
        client.wait_for_creates()


@pytest.mark.parametrize("what", ["run", "advance", "run in a task", "run in a task of its own job"])
def test_a_save_that_runs_its_own_job_is_refused(space: Space, trained: str, what: str) -> None:
    """It would wait for itself."""

    async def main() -> None:
        async with xiezhen.AsyncClient(space.url, **options()) as client:
            style = (await client.list_styles())[0]
            job = xiezhen.Job(styles=[style], user_id=trained)
            refused: list[BaseException] = []

            async def again(job: xiezhen.Job) -> None:
                try:
                    if what == "advance":
                        await client.advance(job, lambda _: None)
                    else:
                        await client.run(job)
                except xiezhen.InvalidArgumentError as error:
                    refused.append(error)

            async def save(job: xiezhen.Job) -> None:
                if "task" in what:
                    await asyncio.create_task(again(job))
                else:
                    await again(job)

            await asyncio.wait_for(client.advance(job, save), 20)
            assert len(refused) >= 2
            assert all("save" in str(error) for error in refused)
            # Afterwards it is a job as any other.
            assert (await client.run(job)).stage == "done"

    asyncio.run(main())


def test_a_sync_save_that_runs_its_own_job_is_refused(client: xiezhen.Client, trained: str) -> None:
    job = xiezhen.Job(styles=[client.list_styles()[0]], user_id=trained)
    with pytest.raises(xiezhen.InvalidArgumentError):
        client.advance(job, lambda job: client.run(job))
