"""The twelve requests, through every web framework there is an adapter for, and through the embedded receiver."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import pickle
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

import xiezhen
from conftest import PHOTOS, Space, until
from xiezhen import Callbacks, Hint

SHARED = json.loads((Path(__file__).parents[2] / "tests" / "callbacks" / "requests.json").read_text(encoding="utf-8"))
Serve = Callable[[Callbacks, list[Hint]], contextlib.AbstractContextManager[int]]


def callbacks() -> Callbacks:
    return Callbacks("https://shop.example/hooks", SHARED["secret"])


@contextlib.contextmanager
def asgi(application: Any) -> Iterator[int]:
    """Serves an ASGI application; gives the port."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(30)


@contextlib.contextmanager
def wsgi(application: Any) -> Iterator[int]:
    """Serves a WSGI application; gives the port."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(30)


def plain(callbacks: Callbacks, hints: list[Hint]) -> contextlib.AbstractContextManager[int]:
    return asgi(callbacks.asgi(hints.append))


def starlette(callbacks: Callbacks, hints: list[Hint]) -> contextlib.AbstractContextManager[int]:
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def on_hint(hint: Hint) -> None:
        hints.append(hint)

    return asgi(Starlette(routes=[Route("/hooks{rest:path}", callbacks.asgi(on_hint))]))


def fastapi(callbacks: Callbacks, hints: list[Hint]) -> contextlib.AbstractContextManager[int]:
    from fastapi import FastAPI
    from starlette.routing import Route

    application = FastAPI()
    application.router.routes.append(Route("/hooks{rest:path}", callbacks.asgi(hints.append)))
    return asgi(application)


def flask(callbacks: Callbacks, hints: list[Hint]) -> contextlib.AbstractContextManager[int]:
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return wsgi(DispatcherMiddleware(Flask("shop").wsgi_app, {"/hooks": callbacks.wsgi(hints.append)}))


def django(callbacks: Callbacks, hints: list[Hint]) -> contextlib.AbstractContextManager[int]:
    import django  # type: ignore[import-untyped]
    from django.conf import settings  # type: ignore[import-untyped]
    from django.core.handlers.wsgi import WSGIHandler  # type: ignore[import-untyped]
    from django.urls import re_path  # type: ignore[import-untyped]

    if not settings.configured:
        csrf = "django.middleware.csrf.CsrfViewMiddleware"
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[csrf], SECRET_KEY="s" * 50)
        django.setup()
    urlpatterns[:] = [re_path(r"^hooks", callbacks.django(hints.append))]
    return wsgi(WSGIHandler())


# Django's; the test fills it in.
urlpatterns: list[Any] = []


@contextlib.contextmanager
def embedded(callbacks: Callbacks, hints: list[Hint]) -> Iterator[int]:
    with callbacks.listen("127.0.0.1:0", hints.append) as receiver:
        yield int(receiver.address.rpartition(":")[2])


@pytest.mark.parametrize("serve", [plain, starlette, fastapi, flask, django, embedded])
def test_the_twelve_requests(serve: Serve) -> None:
    ours, hints = callbacks(), list[Hint]()
    expected = []
    with serve(ours, hints) as port:
        for request in SHARED["requests"]:
            assert (request["name"], ask(port, ours, request)) == (request["name"], request["status"])
            if request["status"] == 204:
                expected.append((request["task_ids"], request.get("user_id")))
    assert [(hint.task_ids, hint.user_id) for hint in hints] == expected
    assert all((hint.key, hint.slot, hint.attempt, hint.verified) == (SHARED["key"], None, 0, True) for hint in hints)


def ask(port: int, callbacks: Callbacks, request: dict[str, Any]) -> int:
    token = callbacks.url(SHARED["key"]).rpartition("/")[2]
    path = request["path"].replace("TOKEN", token).replace("FORGED", token[:-1] + ("A" if token[-1] != "A" else "Q"))
    body = request.get("body", "")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": request["type"]} if "type" in request else {}
    connection.request(request["method"], path, " " * body if isinstance(body, int) else body, headers)
    answer = connection.getresponse()
    assert (answer.read(), answer.status != 405 or answer.getheader("Allow") == "GET, POST, PUT") == (b"", True)
    connection.close()
    return answer.status


@pytest.mark.parametrize("serve", [plain, flask, django])
def test_what_is_made_of_a_hint_changes_no_answer(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    class Raising(list[Hint]):
        def append(self, _hint: Hint) -> None:
            raise RuntimeError("on purpose")

    with serve(callbacks(), Raising()) as port:
        assert ask(port, callbacks(), SHARED["requests"][0]) == 204
    assert "on purpose" in caplog.text
    assert callbacks().url(SHARED["key"])[-20:] not in caplog.text


def test_a_receiver_is_iterated_and_closed() -> None:
    ours = callbacks()
    receiver = ours.listen("127.0.0.1:0")
    port = int(receiver.address.rpartition(":")[2])
    assert receiver.next(timeout=0) is None
    ask(port, ours, SHARED["requests"][0])
    hint = next(receiver)
    assert Hint.from_json(hint.to_json()) == hint == pickle.loads(pickle.dumps(hint))
    with pytest.raises(xiezhen.FileError, match=receiver.address):
        ours.listen(receiver.address)
    receiver.close()
    assert list(receiver) == []


def test_a_receiver_is_awaited() -> None:
    async def receive() -> list[Hint]:
        ours, hints = callbacks(), list[Hint]()
        async with ours.listen("127.0.0.1:0") as receiver:
            port = int(receiver.address.rpartition(":")[2])
            await asyncio.to_thread(ask, port, ours, SHARED["requests"][0])
            async for hint in receiver:
                hints.append(hint)
                receiver.close()
        return hints

    assert [hint.task_ids for hint in asyncio.run(asyncio.wait_for(receive(), 30))] == [["a"]]


def test_on_hint_is_called_on_the_loop() -> None:
    async def receive() -> threading.Thread:
        ours, called = callbacks(), asyncio.get_running_loop().create_future()
        on_hint = lambda _hint: called.set_result(threading.current_thread())  # noqa: E731
        async with ours.listen("127.0.0.1:0", on_hint) as receiver:
            port = int(receiver.address.rpartition(":")[2])
            await asyncio.to_thread(ask, port, ours, SHARED["requests"][0])
            return await asyncio.wait_for(called, 30)

    assert asyncio.run(receive()) is threading.main_thread()


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(xiezhen.XiezhenError) as refused:
        Callbacks("http://shop.example", "short")
    assert refused.value.code == "invalid_argument"
    assert len(refused.value.problems) == 2
    monkeypatch.setenv("XIEZHEN_CALLBACK_URL", "https://shop.example/")
    monkeypatch.setenv("XIEZHEN_CALLBACK_SECRET", "the first of the secrets, the second of the secrets")
    ours = Callbacks()
    assert ours.public_url == "https://shop.example"
    old = Callbacks(secret="the second of the secrets").url("k")
    assert ours.receive("POST", old, [], b"").status == 204
    assert ours.url("k") == Callbacks(secret=["the first of the secrets"]).url("k")
    assert "secret" not in repr(ours)
    with pytest.raises(xiezhen.XiezhenError):
        Hint.from_json("{}")


def test_jobs_are_called_back(space: Space, client: xiezhen.Client) -> None:
    """With the usual schedules a run would take a minute: callbacks end each wait at once."""
    patient = xiezhen.Client(space.url, app_code="simulator-app-code")
    port = free_port()
    ours = Callbacks(f"http://127.0.0.1:{port}/hooks", SHARED["secret"])
    with ours.listen(f"127.0.0.1:{port}"):
        job = patient.run(xiezhen.Job(PHOTOS[:8], ["仙气十足"]), callback=ours, timeout=30)
    assert (job.stage, space.count("query_task")) == ("done", 2)

    async def again() -> list[str]:
        aclient = xiezhen.AsyncClient(space.url, app_code="simulator-app-code")
        wanted = xiezhen.Job([], ["花好月圆"], user_id=job.user_id)
        async with ours.listen(f"127.0.0.1:{port}"):
            return [event.type async for event in aclient.run_events(wanted, callback=ours, timeout=30)]

    assert asyncio.run(again())[-1] == "finished"
    assert space.count("query_task") == 3


def test_a_body_that_comes_in_pieces() -> None:
    """A server may hand over any part of a body by itself."""
    ours, hints = callbacks(), list[Hint]()
    path = f"/hooks/{ours.url('k').rpartition('/')[2]}"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}

    async def answered(*pieces: bytes) -> int:
        sent: list[dict[str, Any]] = []
        messages = [{"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await ours.asgi(hints.append)(scope, receive, send)
        status: int = sent[0]["status"]
        return status

    assert asyncio.run(answered(b'{"task_', b'id": "a"}')) == 204
    assert asyncio.run(answered(b"x" * 40_000, b"y" * 40_000)) == 413
    assert [hint.task_ids for hint in hints] == [["a"]]


NEVER = xiezhen.PollSchedule(600, 1, 600)


@pytest.mark.parametrize("serve", [plain, flask, django, embedded])
def test_a_callback_wakes_the_jobs_of_this_process(serve: Serve, space: Space, trained: str) -> None:
    """Nothing but a callback ends this wait in time."""
    patient = xiezhen.Client(space.url, app_code="simulator-app-code", generation_schedule=NEVER)
    space.settings(generation_seconds=100_000)
    ours, hints, job = callbacks(), list[Hint](), xiezhen.Job([], ["花好月圆"], user_id=trained)
    with serve(ours, hints) as port, ThreadPoolExecutor() as pool:
        run = pool.submit(patient.run, job, callback=ours, timeout=30)
        until(lambda: job.portraits[0].task_id is not None)
        (task,) = (task for task in space.tasks() if task["id"] == job.portraits[0].task_id)
        space.control("POST", f"tasks/{task['id']}", {"state": 3})
        url = f"http://127.0.0.1:{port}/hooks/{task['callback_url'].rpartition('/')[2]}"
        body = json.dumps({"task_id": task["id"]}).encode()
        urllib.request.urlopen(urllib.request.Request(url, body), timeout=20).close()
        assert run.result(40).stage == "done"
    assert space.count("query_task") > 0


def test_a_hint_is_brought_from_elsewhere(space: Space, trained: str) -> None:
    client = xiezhen.Client(space.url, app_code="simulator-app-code", generation_schedule=NEVER)
    port = free_port()
    ours = Callbacks(f"http://127.0.0.1:{port}/hooks", SHARED["secret"])
    worker = Callbacks(ours.public_url, SHARED["secret"])
    job = xiezhen.Job([], ["花好月圆"], user_id=trained)
    with ours.listen(f"127.0.0.1:{port}") as receiver:
        client.advance(job, lambda _job: None, callback=worker, callback_key="row-7")
        hint = receiver.next(timeout=30)
    assert hint is not None
    assert (hint.key, hint.slot, hint.attempt) == ("row-7", "0", 1)
    assert client.advance(job, lambda _job: None, callback=worker, callback_key="row-7", woken=[hint]) is None
    client.notify(hint)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
