"""Ends of the interpreter that come while something is under way, and interpreters beside it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import PHOTOS, finished

if TYPE_CHECKING:
    from collections.abc import Callable

    Python = Callable[[str], subprocess.Popen[str]]

# Python code, called by a daemon thread's call, that goes on for ever.
ENDLESS = {
    "event": "c.run(xiezhen.Job({photos!r}), on_event=lambda _: endless())",
    "save": "c.advance(xiezhen.Job({photos!r}), lambda _: endless())",
    "event on a loop": "asyncio.run(aclient().run(xiezhen.Job({photos!r}), on_event=lambda _: endless()))",
    "file": "c.upload_file(type('Slow', (), dict(read=lambda _: endless()))())",
    "float": "xiezhen.PollSchedule(type('Slow', (), dict(__float__=lambda _: endless()))(), 1, 1)",
    "index": "xiezhen.events.UnknownState('t', type('Slow', (), dict(__index__=lambda _: endless()))())",
    "option": "xiezhen.Client('https://127.0.0.1:1', app_code='x', requests_per_second="
    "type('Slow', (), dict(__float__=lambda _: endless()))())",
    "log handler": "logger.addHandler(Handler()); logger.setLevel(1); c.list_styles()",
}


@pytest.mark.parametrize("how", ENDLESS)
def test_exit_with_python_code_that_never_ends(python: Python, how: str) -> None:
    photos = [str(photo) for photo in PHOTOS[:8]]
    program = f"""
import logging
logger = logging.getLogger("xiezhen")
class Handler(logging.Handler):
    def emit(self, record): endless()
entered = threading.Event()
def endless():
    entered.set()
    while True: time.sleep(0.001)
c = client()
def work(): {ENDLESS[how].format(photos=photos)}
threading.Thread(target=work, daemon=True).start()
assert entered.wait(10)
tell("leaving")
"""
    for _ in range(2):
        assert finished(python(program)) == "leaving\n"


LATE = """
import atexit
from xiezhen import _xiezhen
a, c = aclient(), client()
asyncio.run(a.list_styles())
# As if it was registered before the package was imported.
atexit.unregister(_xiezhen._finalize)

@atexit.register
def late():
    async def both():
        async with aclient():
            tell(len(c.list_styles()) > 0)
            await call()
    for call in a.list_styles, lambda: a.wait_task("t"):
        try:
            asyncio.run(both())
        except RuntimeError as error:
            tell("going away" in str(error))

atexit.register(_xiezhen._finalize)
"""


def test_what_is_awaited_too_late_is_refused(python: Python) -> None:
    assert finished(python(LATE)).split() == ["True"] * 4


SUB_INTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
try:
    problem = interpreters.run_string(one, "import xiezhen")
except Exception as error:
    problem = error
print("refused" if "main interpreter" in str(problem) else problem, flush=True)
"""


@pytest.mark.parametrize("first", [True, False])
def test_sub_interpreters_are_refused(first: bool) -> None:
    program = SUB_INTERPRETER + "import xiezhen" if first else "import xiezhen\n" + SUB_INTERPRETER
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert finished(process) == "refused\n"
