"""The core's records, in `logging`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import finished

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator


def test_records_arrive(client: xiezhen.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="xiezhen"):
        client.list_styles()
    records = [record for record in caplog.records if record.name == "xiezhen"]
    assert records
    assert any("list_styles" in record.getMessage() for record in records)
    assert "simulator-app-code" not in caplog.text


def test_records_of_awaited_calls_arrive(aclient: xiezhen.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="xiezhen"):
        asyncio.run(aclient.list_styles())
    assert any("list_styles" in record.getMessage() for record in caplog.records)


def test_nothing_when_the_level_is_off(client: xiezhen.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL, logger="xiezhen"):
        client.list_styles()
    assert not [record for record in caplog.records if record.name == "xiezhen"]


def test_a_handler_that_calls_is_refused(client: xiezhen.Client) -> None:
    refused: list[xiezhen.InvalidArgumentError] = []

    class Calling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                client.list_styles()
            except xiezhen.InvalidArgumentError as error:
                refused.append(error)

    with handled_by(Calling()):
        assert client.list_styles()
    assert refused
    assert "log handler" in str(refused[0])


INTERRUPTED_WHILE_LOGGING = """
import logging, random
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
c = client()
heard = 0
for _ in range(30):
    {begin}
    timer = threading.Timer(0.02 + random.random() * 0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        # A Ctrl-C that gets lost leaves this going on.
        until = time.monotonic() + 20
        while time.monotonic() < until:
            {call}
    except KeyboardInterrupt:
        heard += 1
    timer.join()
tell(heard)
"""


def test_ctrl_c_while_records_are_handed_over(python: Callable[[str], subprocess.Popen[str]]) -> None:
    assert finished(python(INTERRUPTED_WHILE_LOGGING.format(begin="pass", call="c.list_styles()")), 60) == "30\n"


def test_ctrl_c_while_the_records_of_a_loop_are_handed_over(python: Callable[[str], subprocess.Popen[str]]) -> None:
    # A loop that leaves SIGINT to Python; a new one each time, as asyncio's own are not whole after that.
    program = INTERRUPTED_WHILE_LOGGING.format(
        begin="loop = asyncio.new_event_loop()", call="loop.run_until_complete(a.list_styles())"
    )
    assert finished(python("a = aclient()\n" + program), 60) == "30\n"


def test_what_no_handler_may_stop_ends_the_call(client: xiezhen.Client) -> None:
    class Leaving(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise SystemExit(7)

    with handled_by(Leaving()), pytest.raises(SystemExit):
        client.list_styles()
    assert client.list_styles()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_handlers_own_error_ends_no_call(client: xiezhen.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise LookupError("no such place")

    reported: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: reported.append(unraisable.exc_value))
    with handled_by(Broken()):
        assert client.list_styles()
    assert reported
    assert isinstance(reported[0], LookupError)


def test_no_record_costs_anything_when_logging_is_disabled(
    client: xiezhen.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    logger = logging.getLogger("xiezhen")
    monkeypatch.setattr(logger, "isEnabledFor", lambda level: asked.append(level))
    with handled_by(logging.NullHandler()):
        client.list_styles()
        assert asked
        asked.clear()
        logging.disable(logging.INFO)
        client.list_styles()
        logging.disable(logging.NOTSET)
        assert not asked
        logger.disabled = True
        client.list_styles()
        logger.disabled = False
        assert not asked


@contextlib.contextmanager
def handled_by(handler: logging.Handler) -> Iterator[None]:
    """All records go to `handler`."""
    logger = logging.getLogger("xiezhen")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
