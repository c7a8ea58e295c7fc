"""`AsyncClient`: the methods of `Client`, awaitable."""

from __future__ import annotations

from ._xiezhen import Client, Futures

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from pathlib import Path
    from typing import IO, Any

    from typing_extensions import Self

    from ._xiezhen import Created, Event, Job, PollSchedule, Style, Task
    from .errors import XiezhenError


class AsyncClient:
    """`Client` for asyncio: the same options and methods; the methods are awaited.

    The loop is never blocked. Cancelling the task that awaits a call drops the call, except a create under way:
    that runs on to its own timeout. Callbacks run on the loop, in the context (`contextvars`) of whoever made the call.
    A client may be used from one loop after another.
    """

    __module__ = "xiezhen"

    def __init__(
        self,
        base_url: str | None = None,
        *,
        app_code: str | None = None,
        app_key: str | None = None,
        app_secret: str | None = None,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        max_retries: int | None = None,
        requests_per_second: float | None = None,
        upload_concurrency: int | None = None,
        max_photo_bytes: int | None = None,
        training_schedule: PollSchedule | None = None,
        generation_schedule: PollSchedule | None = None,
        ca_file: str | PathLike[str] | None = None,
        proxy: str | None = None,
        allow_http: bool = False,
    ) -> None:
        """See `Client` for the options. Raises InvalidArgument, which names everything that does not fit."""
        self._client = Client(
            base_url,
            app_code=app_code,
            app_key=app_key,
            app_secret=app_secret,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_retries=max_retries,
            requests_per_second=requests_per_second,
            upload_concurrency=upload_concurrency,
            max_photo_bytes=max_photo_bytes,
            training_schedule=training_schedule,
            generation_schedule=generation_schedule,
            ca_file=ca_file,
            proxy=proxy,
            allow_http=allow_http,
        )
        self._futures = Futures(self._client)

    async def upload_file(
        self,
        photo: str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes],
        *,
        timeout: float | None = None,
    ) -> str:
        """Uploads one photo and returns the service's path of it. See `Client.upload_file`.

        A file is read on a thread of its own.
        """
        if hasattr(photo, "read") and not hasattr(photo, "__fspath__"):
            photo = await _content(photo)
        return await self._futures.upload_file(photo, timeout)

    async def create_user_model(
        self, img_set: Iterable[str], *, callback_url: str | None = None, timeout: float | None = None
    ) -> Created:
        """Starts training a user model from 8 to 20 uploaded photos. This is paid for.

        Cancelled or not, what was sent runs on to its end. See `Client.create_user_model`.
        """
        return await self._futures.create_user_model(img_set, callback_url, timeout)

    async def list_styles(self, *, timeout: float | None = None) -> list[Style]:
        """The styles that pictures can be generated in."""
        return await self._futures.list_styles(timeout)

    async def create_task(
        self, user_id: str, style: str, *, callback_url: str | None = None, timeout: float | None = None
    ) -> Created:
        """Starts generating pictures of a trained model in one style, given by its id. This is paid for.

        Cancelled or not, what was sent runs on to its end. See `Client.create_task`.
        """
        return await self._futures.create_task(user_id, style, callback_url, timeout)

    async def query_task(self, task_id: str, *, timeout: float | None = None) -> Task:
        """One look at a task. A failed task is a value here, not an error."""
        return await self._futures.query_task(task_id, timeout)

    async def wait_task(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Looks at a task until it has ended; `timeout` in seconds. See `Client.wait_task`."""
        return await self._futures.wait_task(task_id, timeout)

    async def wait_many(
        self,
        task_ids: Iterable[str],
        on_end: Callable[[int, Task | XiezhenError], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Task | XiezhenError]:
        """`wait_task` for thousands at once. Returns a Task or a XiezhenError each, in order.

        on_end: called on the loop as each ends, with its index and its Task or XiezhenError.
        """
        return await self._futures.wait_many(task_ids, on_end, timeout)

    async def notify(self, task_id: str) -> None:
        """ "Look at this task now", because a callback came. Does nothing if nobody waits for the task."""
        self._client.notify(task_id)

    async def save_results(
        self, task: Task, save_to: str | PathLike[str], *, style: str | None = None, timeout: float | None = None
    ) -> list[Path]:
        """Fetches the pictures of a task that has ended into a folder. See `Client.save_results`."""
        return await self._futures.save_results(task, save_to, style, timeout)

    async def advance(
        self,
        job: Job,
        save: Callable[[Job], object],
        *,
        save_to: str | PathLike[str] | None = None,
        on_event: Callable[[Event], object] | None = None,
        recreate: bool = False,
    ) -> float | None:
        """Does all that is due of a job; returns the seconds until it should be called again, or None when it is over.

        save: a function or a coroutine function that stores the job before each create and after each answer; if it
            raises, nothing is sent. Cancelled or not, a `save` that has begun runs on, and the answer to a create that
            was sent is still saved: on the loop, or, once that is closed, on another thread if `save` is a function.

        See `Client.advance`.
        """
        return await self._futures.advance(job, save, save_to, on_event, recreate)

    async def run(
        self,
        job: Job,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        on_event: Callable[[Event], object] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        progress: bool = False,
    ) -> Job:
        """Brings a job to its end and returns the same job. See `Client.run`; `on_event` is called on the loop."""
        return await self._futures.run(job, save_to, checkpoint, on_event, timeout, recreate, progress)

    async def close(self) -> None:
        """Cancels what is under way and frees the connections. Later calls raise InvalidArgument.

        Whoever awaits a call of this client gets `asyncio.CancelledError`, as if that task had been cancelled.
        """
        closing = self._futures.close()
        if closing is not None:
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace("Client", "AsyncClient", 1)


async def _content(file: Any) -> bytes:
    """What a binary file holds, read where it blocks nobody."""
    # Whoever awaits has it loaded already.
    import asyncio

    content = await asyncio.to_thread(file.read)
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError('a photo\'s file must be opened in binary mode, "rb"')
    return bytes(content)
