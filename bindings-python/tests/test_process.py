"""The life of a process: Ctrl-C, forks, exits, memory. Real signals and real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from conftest import PHOTOS, Space, finished

if TYPE_CHECKING:
    from collections.abc import Callable

    Python = Callable[[str], subprocess.Popen[str]]

INTERRUPTED = """
try:
    {call}
except KeyboardInterrupt:
    tell(time.monotonic())
"""


def interrupted(python: Python, call: str) -> float:
    """How long a program in `call` takes to notice a SIGINT, in seconds."""
    process = python(
        "import threading\nthreading.Timer(0.5, tell, ['ready']).start()\n" + INTERRUPTED.format(call=call)
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    return float(finished(process)) - sent


def heard_within(seconds: float, python: Python, call: str) -> None:
    """One of five times: the others' work may hold up a machine."""
    took: list[float] = []
    while not took or took[-1] >= seconds:
        assert len(took) < 5, took
        took.append(interrupted(python, call))


def test_ctrl_c_ends_a_stalled_call(space: Space, python: Python) -> None:
    space.fault(call="list_styles", stall="before")
    heard_within(0.15, python, "client().list_styles()")


def test_ctrl_c_ends_a_long_wait(python: Python, endless: str) -> None:
    heard_within(0.15, python, f"client().wait_task({endless!r})")
    heard_within(0.15, python, f"client().wait_many([{endless!r}] * 1000)")


def test_ctrl_c_ends_a_run(space: Space, python: Python) -> None:
    space.settings(training_seconds=100_000)
    photos = [str(photo) for photo in PHOTOS[:8]]
    heard_within(0.15, python, f"client().run(xiezhen.Job({photos!r}), on_event=lambda _event: None)")


def test_ctrl_c_ends_an_await(python: Python, endless: str) -> None:
    heard_within(0.25, python, f"asyncio.run(aclient().wait_task({endless!r}))")


def test_ctrl_c_leaves_other_threads_alone(python: Python, endless: str) -> None:
    program = f"""
one = client()
def wait(): tell(type(one.wait_many([{endless!r}], timeout=1.5)[0]).__name__)
others = [threading.Thread(target=wait) for _ in range(3)]
for other in others: other.start()
threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
try:
    one.wait_task({endless!r})
except KeyboardInterrupt:
    tell("interrupted")
for other in others: other.join()
"""
    assert finished(python(program)).split() == ["interrupted", *["TimeoutError"] * 3]


def test_fork(python: Python, endless: str) -> None:
    """Fifty children of a process with warm connections and waits under way, by old and new clients."""
    program = f"""
import warnings; warnings.simplefilter("ignore")
old, aold = client(), aclient()
old.list_styles()
asyncio.run(aold.list_styles())
waiting = threading.Thread(target=lambda: tell(type(old.wait_many([{endless!r}] * 5, timeout=60)[0]).__name__))
waiting.start()

def child(n):
    signal.alarm(20)
    assert (old if n % 2 else client()).list_styles()
    assert asyncio.run((aold if n % 3 else aclient()).list_styles())
    if n % 5 == 0:
        sys.exit(0)     # the whole way out, `atexit` and all
    os._exit(0)

for n in range(50):
    pid = os.fork()
    if pid == 0:
        child(n)
    _, status = os.waitpid(pid, 0)
    assert status == 0, (n, status)
    assert old.list_styles()
assert asyncio.run(aold.list_styles())
tell("parent unharmed")
old.close()
waiting.join()
"""
    process = python(program)
    assert finished(process, 120).split("\n")[0] == "parent unharmed"


def test_fork_of_an_unused_client(python: Python) -> None:
    program = """
one = client()
pid = os.fork()
assert one.list_styles()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    finished(python(program))


def test_fork_that_closes_what_it_inherited(python: Python) -> None:
    """As daemons do: nothing that the runtime needs may have been opened before."""
    program = """
c = client()
c.list_styles()
pid = os.fork()
if pid == 0:
    os.closerange(3, 1024)
    c.list_styles()
    os._exit(7)
tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert finished(python(program)) == "7\n"


def test_fork_within_a_running_loop(python: Python, endless: str) -> None:
    program = f"""
import warnings; warnings.simplefilter("ignore")
async def main(one):
    waiting = asyncio.create_task(one.wait_task({endless!r}))
    await one.list_styles()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        assert client().list_styles()
        os._exit(0)
    assert (await asyncio.to_thread(os.waitpid, pid, 0))[1] == 0
    assert await one.list_styles()
    waiting.cancel()

asyncio.run(main(aclient()))
"""
    finished(python(program))


def test_multiprocessing(python: Python, endless: str) -> None:
    program = f"""
import multiprocessing, warnings; warnings.simplefilter("ignore")
old = client()
old.list_styles()
waiting = threading.Thread(target=old.wait_many, args=[[{endless!r}]])
waiting.start()

def work(n):
    assert asyncio.run(aclient().list_styles())
    return len((old if n % 2 else client()).list_styles())

for _ in range(13):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert all(pool.map(work, range(20)))
assert old.list_styles()
old.close()
waiting.join()
"""
    finished(python(program), 90)


EXITS = [
    # Sync calls on daemon threads.
    "c = client()\n"
    "for _ in range(8): threading.Thread(target=c.wait_task, args=[{task!r}], daemon=True).start()\n"
    "for _ in range(4):\n"
    "    threading.Thread(target=lambda: [c.list_styles() for _ in range(10**6)], daemon=True).start()\n"
    "time.sleep({pause})",
    # Awaited ones: finishing, and never to finish.
    "async def main():\n"
    "    c = aclient()\n"
    "    calls = [asyncio.ensure_future(c.list_styles()) for _ in range(300)]\n"
    "    calls += [asyncio.ensure_future(c.wait_task({task!r})) for _ in range(300)]\n"
    "    await asyncio.sleep({pause})\n"
    "asyncio.run(main())",
    # A loop that is just left, on a thread that is just left.
    "def work():\n"
    "    async def main():\n"
    "        c = aclient()\n"
    "        while True: await asyncio.gather(*(c.list_styles() for _ in range(50)))\n"
    "    asyncio.run(main())\n"
    "threading.Thread(target=work, daemon=True).start()\n"
    "time.sleep({pause})",
    # With records on their way to `logging`.
    "import logging; logging.basicConfig(level=1, stream=open(os.devnull, 'w'))\n"
    "c = client()\n"
    "for _ in range(4):\n"
    "    threading.Thread(target=lambda: [c.list_styles() for _ in range(10**6)], daemon=True).start()\n"
    "time.sleep({pause})",
    # Within callbacks and a save, short ones in Python and one that outlasts the program.
    "def busy(_):\n"
    "    for _ in range(20000): pass\n"
    "def work(on_event):\n"
    "    while True: c.run(xiezhen.Job({photos!r}), on_event=on_event)\n"
    "def save():\n"
    "    while True: c.advance(xiezhen.Job({photos!r}), lambda _: time.sleep(0.005))\n"
    "c = client()\n"
    "for how in (busy, lambda _: time.sleep(0.005)): threading.Thread(target=work, args=[how], daemon=True).start()\n"
    "threading.Thread(target=save, daemon=True).start()\n"
    "time.sleep(0.2 + {pause})",
    # Callbacks on a loop.
    "async def main():\n"
    "    c, jobs = aclient(), [{photos!r}] * 5\n"
    "    while True:\n"
    "        await asyncio.gather(*(c.run(xiezhen.Job(p), on_event=lambda _: time.sleep(0.002)) for p in jobs))\n"
    "threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()\n"
    "time.sleep(0.2 + {pause})",
    # Reading files.
    "import io\n"
    "class Slow(io.BytesIO):\n"
    "    def read(self, *a): time.sleep(0.01); return super().read(*a)\n"
    "c, data = client(), open({photos!r}[0], 'rb').read()\n"
    "for _ in range(3):\n"
    "    threading.Thread(target=lambda: [c.upload_file(Slow(data)) for _ in range(10**6)], daemon=True).start()\n"
    "time.sleep({pause})",
    # Making errors and tasks of many outcomes.
    "c = client()\n"
    "for _ in range(4):\n"
    "    threading.Thread(target=lambda: [c.wait_many(['x'] * 300) for _ in range(10**6)], daemon=True).start()\n"
    "time.sleep({pause})",
]


def leave(python: Python, task: str, runs: int) -> None:
    photos = [str(photo) for photo in PHOTOS[:8]]
    for run in range(runs):
        pause = 0.02 + 0.013 * (run % 17)
        finished(python(EXITS[run % len(EXITS)].format(task=task, pause=pause, photos=photos)), 20)


def test_exit_with_calls_in_flight(python: Python, endless: str) -> None:
    leave(python, endless, 24)


@pytest.mark.long
def test_exit_with_calls_in_flight_200_times(python: Python, endless: str) -> None:
    leave(python, endless, 200)


def test_calls_at_exit_still_work(python: Python) -> None:
    program = "import atexit\nc = client()\natexit.register(lambda: tell(len(c.list_styles()) > 0))\nc.list_styles()"
    assert finished(python(program)) == "True\n"
    program = "class Late:\n    def __del__(self): tell(len(c.list_styles()) > 0)\nc = client()\nlate = Late()"
    assert finished(python(program)) == "True\n"


def test_memory_stays_flat(python: Python) -> None:
    program = """
import gc
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096

async def many(calls):
    c = aclient()
    for _ in range(calls // 50):
        await asyncio.gather(*(c.query_task("t") for _ in range(50)), return_exceptions=True)
    await c.close()

def sync(calls):
    with client() as c:
        for _ in range(calls): c.list_styles()

sync(500); asyncio.run(many(1000))
before = resident()
sync(2000); asyncio.run(many(2500))
tell(resident() - before)
"""
    assert int(finished(python(program), 180)) < 4 << 20


def test_import_is_light() -> None:
    program = "import sys; before = set(sys.modules); import xiezhen; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "xiezhen" in loaded
    for heavy in ("asyncio", "ssl", "http", "email", "logging", "inspect", "typing", "dataclasses", "socket"):
        assert heavy not in loaded
