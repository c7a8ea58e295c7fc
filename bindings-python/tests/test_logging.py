"""The core's records, in `logging`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import xiezhen

if TYPE_CHECKING:
    import pytest


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
    refused: list[xiezhen.InvalidArgument] = []

    class Calling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                client.list_styles()
            except xiezhen.InvalidArgument as error:
                refused.append(error)

    logger = logging.getLogger("xiezhen")
    level, handler = logger.level, Calling(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        assert client.list_styles()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert refused
    assert "log handler" in str(refused[0])
