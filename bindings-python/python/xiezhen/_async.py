"""`AsyncClient`: the methods of `Client`, awaitable."""

from __future__ import annotations

from ._calls import Calls
from ._xiezhen import _check_photos_async

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable
    from os import PathLike
    from typing import IO, Any, Protocol, SupportsIndex

    from typing_extensions import Self

    from ._xiezhen import CallbackAddresses, Hint, Job, PhotoReport
    from .events import Event

    class _AwaitedFile(Protocol):
        """As FastAPI's `UploadFile`, and what aiofiles opens."""

        def read(self) -> Awaitable[bytes]: ...

    _Photo = str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | _AwaitedFile


class AsyncClient(Calls):
    """`Client` for asyncio: the same options and methods; the methods are awaited.

    The loop is never blocked. Cancelling the task that awaits a call drops the call, except a create in flight:
    that runs on to its own timeout. Callbacks run on the loop, in the context (`contextvars`) of whoever made the call.
    A client may be used from one loop after another.
    """

    __module__ = "xiezhen"

    async def upload_file(
        self,
        photo: _Photo,
        *,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> str:
        """Uploads one photo and returns the service's path of it. See `Client.upload_file`.

        A file is read on a thread of its own; one whose `read` is a coroutine (UploadFile, aiofiles) is awaited.
        """
        if _is_file(photo):
            photo = await _content(photo)
        path: str = await self._client.upload_file(photo, timeout=timeout, max_retries=max_retries)
        return path

    async def notify(self, task: str | Hint) -> None:
        """ "Poll this now", because a callback came: a task's id, or a Hint. See `Client.notify`."""
        self._client.notify(task)

    async def run_events(
        self,
        job: Job,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """`run` as an async iterator of events, the last of which is `Finished` with the job.

        The run, which is billed, starts when the first event is asked for. Leaving the iterator cancels it.
        """
        # Whoever awaits has it loaded already.
        import asyncio

        events: asyncio.Queue[Event | None] = asyncio.Queue()
        run = self._client.run(
            job,
            save_to=save_to,
            checkpoint=checkpoint,
            on_event=events.put_nowait,
            timeout=timeout,
            recreate=recreate,
            callback=callback,
            callback_key=callback_key,
        )
        run.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await run
        finally:
            run.cancel()

    async def close(self) -> None:
        """Cancels all calls in flight and frees the connections. Later calls raise InvalidArgumentError.

        A create that was sent is not cancelled: this waits until its answer is stored, at most its own timeout.
        Whoever awaits a call of this client gets `asyncio.CancelledError`, as if that task had been cancelled.
        """
        closing = self._client.close()
        # None if the interpreter is going away.
        if closing is not None:
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._client)


async def check_photos_async(photos: Iterable[_Photo]) -> list[PhotoReport]:
    """`check_photos` for asyncio. The photos are checked, and files read, on another thread; a file whose `read` is a
    coroutine (UploadFile, aiofiles) is awaited.
    """
    # A single photo is no list of any: the compiled half says so.
    is_single = isinstance(photos, (str, bytes, bytearray, memoryview)) or _is_file(photos) or _is_path(photos)
    if not is_single:
        photos = [await _content(photo) if _is_file(photo) else photo for photo in photos]
    return await _check_photos_async(photos)  # type: ignore[arg-type]


def _is_file(thing: object) -> bool:
    return hasattr(thing, "read") and not _is_path(thing)


def _is_path(thing: object) -> bool:
    return hasattr(thing, "__fspath__")


async def _content(file: Any) -> bytes:
    """What a binary file holds, read where it blocks nobody."""
    # Whoever awaits has it loaded already.
    import asyncio

    try:
        content = await asyncio.to_thread(file.read)
        if hasattr(content, "__await__"):
            content = await content
    except UnicodeDecodeError:
        # A picture is no text in UTF-8.
        content = None
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError('a photo\'s file must be opened in binary mode: open(path, "rb")')
    return bytes(content)
