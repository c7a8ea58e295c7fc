"""Options of single calls and of clients beside each other; photos that are looked at before they are sent."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import PHOTOS, Space, options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """One that refuses everything, and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(403)
            self.send_header("X-Ca-Error-Message", "Unauthorized")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def test_stage_and_headers(gateway: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = gateway

    def sent(client: xiezhen.Client) -> tuple[str, str]:
        with pytest.raises(xiezhen.XiezhenError):
            client.list_styles()
        return seen[-1]["x-ca-stage"], seen[-1]["x-shop"]

    credentials: list[dict[str, Any]] = [{"app_code": "a"}, {"app_key": "k", "app_secret": "s"}]
    for credential in credentials:
        with xiezhen.Client(url, stage="PRE", headers={"X-Shop": "17"}, **credential) as client:
            assert sent(client) == ("PRE", "17")
            other = client.with_options(stage="TEST", headers={"X-Shop": "18"}, max_retries=0, timeout=5)
            assert type(other) is xiezhen.Client
            assert sent(other) == ("TEST", "18")
            assert sent(client) == ("PRE", "17")
        # They close together.
        with pytest.raises(xiezhen.InvalidArgumentError, match="closed"):
            other.list_styles()


def test_with_options_of_asyncio(gateway: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = gateway

    class Own(xiezhen.AsyncClient):
        pass

    async def main() -> None:
        async with Own(url, app_code="a") as client:
            other = client.with_options(headers={"X-Shop": "19"})
            assert type(other) is Own
            with pytest.raises(xiezhen.XiezhenError):
                await other.list_styles(max_retries=0)
            assert seen[-1]["x-shop"] == "19"

    asyncio.run(main())


def test_wrong_options_are_refused_together(space: Space, client: xiezhen.Client) -> None:
    with pytest.raises(xiezhen.InvalidArgumentError) as refused:
        xiezhen.Client(space.url, **options(stage="LATER", headers={"Host": "x", "X-A": "a\nb"}, timeout=-1))
    assert [any(name in problem for problem in refused.value.problems) for name in ("stage", "timeout")] == [True] * 2
    assert len(refused.value.problems) >= 2
    with pytest.raises(xiezhen.InvalidArgumentError) as changed:
        client.with_options(stage="LATER", timeout=-1, max_retries=-1)
    assert {"stage", "timeout", "max_retries"} <= {problem.split()[0] for problem in changed.value.problems}


def test_retries_of_one_call(space: Space, client: xiezhen.Client) -> None:
    space.fault(call="list_styles", times=10, reply={"status": 500})
    with pytest.raises(xiezhen.TransportError):
        client.list_styles(max_retries=0)
    assert space.count("list_styles") == 1
    with pytest.raises(xiezhen.TransportError):
        client.list_styles(max_retries=1)
    assert space.count("list_styles") == 3


def test_infinity_is_no_timeout(client: xiezhen.Client, trained: str) -> None:
    style = client.list_styles(timeout=math.inf)[0]
    task_id = client.create_task(trained, style, timeout=math.inf).task_id
    assert client.wait_task(task_id, timeout=math.inf).state == "succeeded"
    job = xiezhen.Job(styles=[style], user_id=trained)
    assert client.run(job, timeout=math.inf) is job
    assert job.portraits[0].style == style.style
    with pytest.raises(xiezhen.InvalidArgumentError, match="timeout"):
        client.list_styles(timeout=-math.inf)


@pytest.mark.parametrize("awaited", [False, True])
def test_check_photos(tmp_path: Path, awaited: bool) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "half.jpg").write_bytes(PHOTOS[1].read_bytes()[:20_000])
    photos: list[Any] = [PHOTOS[0], PHOTOS[0].read_bytes(), tmp_path / "text.jpg", tmp_path / "half.jpg", "missing.jpg"]

    async def check() -> list[xiezhen.PhotoReport]:
        return await xiezhen.check_photos_async(photos)

    good, same, *bad = asyncio.run(check()) if awaited else xiezhen.check_photos(photos)
    assert (good.path, good.format, good.plan) == (PHOTOS[0], "jpeg", "as_is")
    assert (good.bytes, good.problems) == (PHOTOS[0].stat().st_size, [])
    assert good.size is not None
    assert all(side > 0 for side in good.size)
    assert same.path is None
    assert any("photo 1" in remark for remark in same.remarks)
    assert [report.plan for report in bad] == [None] * 3
    assert all(report.problems for report in bad)
    assert good.to_dict()["path"] == str(PHOTOS[0])


# A type checker names the option that was meant, too.
UNTYPED: Any = xiezhen


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda _: UNTYPED.Client(timout=3),
            "Client() got an unexpected keyword argument 'timout'. Did you mean 'timeout'?",
        ),
        (lambda _: UNTYPED.Job(photo=[]), "Job() got an unexpected keyword argument 'photo'. Did you mean 'photos'?"),
        (
            lambda client: client.run(xiezhen.Job(), saveto="out"),
            "Client.run() got an unexpected keyword argument 'saveto'. Did you mean 'save_to'?",
        ),
        (
            lambda client: client.query_task("t", timeoutMs=3),
            "Client.query_task() got an unexpected keyword argument 'timeoutMs'. Did you mean 'timeout'?",
        ),
        (
            lambda client: UNTYPED.Job().adopt("t", userid="u"),
            "Job.adopt() got an unexpected keyword argument 'userid'. Did you mean 'user_id'?",
        ),
        (lambda _: UNTYPED.Client(qqq=3), "Client() got an unexpected keyword argument 'qqq'"),
        (lambda client: client.list_styles(qqq=3), "Client.list_styles() got an unexpected keyword argument 'qqq'"),
    ],
)
def test_an_unknown_option_names_the_one_that_was_meant(
    client: xiezhen.Client, call: Callable[[Any], object], told: str
) -> None:
    with pytest.raises(TypeError) as raised:
        call(client)
    assert str(raised.value) == told


def test_methods_are_what_they_look_like(client: xiezhen.Client, space: Space) -> None:
    assert list(inspect.signature(client.query_task).parameters) == ["task_id", "timeout", "max_retries"]
    assert next(iter(inspect.signature(xiezhen.Client.query_task).parameters)) == "self"
    assert (inspect.getdoc(client.query_task) or "").startswith("Polls a task once.")
    assert client.query_task.__name__ == "query_task"
    assert inspect.isroutine(client.query_task)
    assert inspect.isroutine(xiezhen.Client.query_task)

    class Own(xiezhen.Client):
        def list_styles(self, **_: Any) -> list[xiezhen.Style]:
            return super().list_styles()

    with Own(space.url, app_code="simulator-app-code") as own:
        assert own.list_styles() == client.list_styles()
        with pytest.raises(xiezhen.ApiError) as raised:
            own.query_task("no-such-task")
    # No frame of ours is between the caller's and the error.
    assert raised.traceback[-1].path == Path(__file__)
