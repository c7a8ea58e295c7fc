"""`Callbacks`: addresses that the service may call, a receiver, and adapters for web frameworks.

Everything is decided by the compiled half; an adapter reads a request, and writes the status. None of the frameworks is
imported before its adapter is used.
"""

from __future__ import annotations

from ._xiezhen import CALLBACK_METHODS, MAX_CALLBACK_BYTES, CallbackAddresses, Hint, Received

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    import threading
    from asyncio import Task as AsyncTask
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ._xiezhen import CallbackReceiver

__all__ = ["Callbacks", "Hint", "Received", "Receiver"]


class Callbacks(CallbackAddresses):
    """Makes the callback addresses of creates, and recognises what comes back.

    public_url: where the receiver can be reached from outside, `https://…` (or `http://` on this machine), to which
        addresses are appended; by default the environment's `XIEZHEN_CALLBACK_URL`.
    secret: signs the addresses; at least 16 bytes. A list for rotation: the first signs, all are accepted. By default
        the environment's `XIEZHEN_CALLBACK_SECRET`, where several are separated by commas.

    Pass it to `run` or `run_events` as `callback=`, and receive with `listen`, or with one of the adapters in a web
    application of your own. What comes is handed to the jobs of this process that run with this object, and then to
    `on_hint`, if there is one.
    """

    __module__ = "xiezhen"

    def listen(self, address: str, on_hint: Callable[[Hint], object] | None = None) -> Receiver:
        """Receives callbacks on `address` ("127.0.0.1:8787"; port 0 takes a free one) until the receiver is closed.

        Plain HTTP: a reverse proxy or a tunnel makes it public. Use it with `with` or `async with`.

        on_hint: called with every Hint: on a thread of its own in `with`, on the loop in `async with`.

        Raises FileError if the address is in use or not allowed.
        """
        return Receiver(self._listen(address), on_hint)

    def asgi(self, on_hint: Callable[[Hint], object] | None = None) -> AsgiReceiver:
        """An ASGI application, for Starlette and FastAPI:
        `app.router.routes.append(Route("/hooks{rest:path}", callbacks.asgi()))`. Mounted with `app.mount`, it does not
        get requests to the bare prefix, which Starlette redirects.

        on_hint: a function or a coroutine function, called with every Hint on the loop.
        """
        return AsgiReceiver(self, on_hint)

    def wsgi(self, on_hint: Callable[[Hint], object] | None = None) -> Callable[..., Iterable[bytes]]:
        """A WSGI application, for Flask: `DispatcherMiddleware(app.wsgi_app, {"/hooks": callbacks.wsgi()})`."""

        def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
            target = environ.get("PATH_INFO", "") + "?" + environ.get("QUERY_STRING", "")
            length = environ.get("CONTENT_LENGTH", "")
            body = b""
            if length.isdigit() or environ.get("wsgi.input_terminated"):
                most = MAX_CALLBACK_BYTES + 1
                body = environ["wsgi.input"].read(min(int(length), most) if length.isdigit() else most)
            headers = [("content-length", length)] if length else []
            status = self._answer(environ["REQUEST_METHOD"], target, headers, body, on_hint)
            start_response(f"{status} {_REASONS[status]}", list(_headers(status)))
            return []

        return application

    def django(self, on_hint: Callable[[Hint], object] | None = None) -> Callable[..., Any]:
        """A view for Django, exempt from CSRF checks: `re_path(r"^hooks", callbacks.django())`."""
        from django.http import HttpResponse  # type: ignore[import-untyped]

        def view(request: Any, *_arguments: object, **_named: object) -> Any:
            headers = list(request.headers.items())
            body = request.read(MAX_CALLBACK_BYTES + 1)
            status = self._answer(request.method, request.get_full_path(), headers, body, on_hint)
            return HttpResponse(status=status, headers=dict(_headers(status)))

        view.csrf_exempt = True  # type: ignore[attr-defined]
        return view

    def _answer(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        on_hint: Callable[[Hint], object] | None,
    ) -> int:
        received = self._take(method, target, headers, body)
        if received.hint is not None and on_hint is not None:
            try:
                on_hint(received.hint)
            except Exception:
                _log().exception("on_hint raised; the callback is answered all the same")
        return received.status

    def _take(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Received:
        received = self.receive(method, target, headers, body)
        if received.hint is not None:
            self.deliver(received.hint)
        return received


class AsgiReceiver:
    """What `Callbacks.asgi` returns."""

    def __init__(self, callbacks: Callbacks, on_hint: Callable[[Hint], object] | None) -> None:
        self._callbacks, self._on_hint = callbacks, on_hint

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return None
        body = b""
        more = True
        while more and len(body) <= MAX_CALLBACK_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path = scope.get("raw_path") or scope["path"].encode()
        target = (path + b"?" + scope.get("query_string", b"")).decode("latin-1")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        received = self._callbacks._take(scope["method"], target, headers, body[: MAX_CALLBACK_BYTES + 1])
        answer_headers = [(name.encode(), value.encode()) for name, value in _headers(received.status)]
        await send({"type": "http.response.start", "status": received.status, "headers": answer_headers})
        await send({"type": "http.response.body", "body": b""})
        if received.hint is not None:
            await _call(self._on_hint, received.hint)
        return None


class Receiver:
    """Receives callbacks until it is closed. What `Callbacks.listen` returns; iterating gives every Hint."""

    __module__ = "xiezhen"

    def __init__(self, receiver: CallbackReceiver, on_hint: Callable[[Hint], object] | None) -> None:
        self._receiver, self._on_hint = receiver, on_hint
        self._thread: threading.Thread | None = None
        self._task: AsyncTask[None] | None = None

    @property
    def address(self) -> str:
        """Where it listens, with the port that was chosen for port 0."""
        return self._receiver.address

    def next(self, timeout: float | None = None) -> Hint | None:
        """The next hint; None once the receiver is closed, or if none comes within `timeout` seconds."""
        return self._receiver.next(timeout)

    def close(self) -> None:
        """Stops listening."""
        self._receiver.close()

    def __enter__(self) -> Self:
        if self._on_hint is not None:
            # Whoever uses no threads has not loaded it.
            import threading

            self._thread = threading.Thread(target=self._tell, name="xiezhen-hints", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()
        if self._thread is not None:
            self._thread.join()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Hint:
        hint = self.next()
        if hint is None:
            raise StopIteration
        return hint

    async def __aenter__(self) -> Self:
        if self._on_hint is not None:
            import asyncio

            self._task = asyncio.ensure_future(self._tell_awaited())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self.close()
        if self._task is not None:
            await self._task

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Hint:
        hint = await self._receiver.next_awaited()
        if hint is None:
            raise StopAsyncIteration
        return hint

    def _tell(self) -> None:
        for hint in self:
            try:
                self._on_hint(hint)  # type: ignore[misc]
            except Exception:
                _log().exception("on_hint raised")

    async def _tell_awaited(self) -> None:
        async for hint in self:
            await _call(self._on_hint, hint)

    def __repr__(self) -> str:
        return f"Receiver(address={self.address!r})"


_REASONS = {204: "No Content", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}


def _headers(status: int) -> Iterable[tuple[str, str]]:
    return [("Allow", CALLBACK_METHODS)] if status == 405 else []


async def _call(on_hint: Callable[[Hint], object] | None, hint: Hint) -> None:
    """A callback's answer does not depend on what is made of it."""
    if on_hint is None:
        return
    try:
        outcome = on_hint(hint)
        if hasattr(outcome, "__await__"):
            await outcome
    except Exception:
        _log().exception("on_hint raised")


async def _lifespan(
    receive: Callable[[], Awaitable[Mapping[str, Any]]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """For a server that runs this application alone."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _log() -> logging.Logger:
    # Slow to import, and rarely needed.
    import logging

    return logging.getLogger("xiezhen")
