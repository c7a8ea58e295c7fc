"""`AsyncClient`: the methods of `Client`, awaitable."""

from __future__ import annotations

from ._calls import Calls

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
    from os import PathLike
    from typing import IO, Any, SupportsIndex, overload

    from typing_extensions import Self

    from ._xiezhen import CallbackAddresses, Hint, Job, PollSchedule
    from .errors import XiezhenError
    from .events import Event


class AsyncClient(Calls):
    """`Client` for asyncio: the same options and methods; the methods are awaited.

    The loop is never blocked. Cancelling the task that awaits a call drops the call, except a create under way:
    that runs on to its own timeout. Callbacks run on the loop, in the context (`contextvars`) of whoever made the call.
    A client may be used from one loop after another.
    """

    __module__ = "xiezhen"

    async def upload_file(
        self,
        photo: str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes],
        *,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> str:
        """Uploads one photo and returns the service's path of it. See `Client.upload_file`.

        A file is read on a thread of its own; one whose `read` is a coroutine (UploadFile, aiofiles) is awaited.
        """
        if hasattr(photo, "read") and not hasattr(photo, "__fspath__"):
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

    if TYPE_CHECKING:

        @overload
        async def run_many(
            self,
            jobs: Iterable[Job],
            *,
            save_to: str | PathLike[str] | None = None,
            checkpoints: str | PathLike[str] | None = None,
            on_event: Callable[[Any, Event], object] | None = None,
            on_end: Callable[[Any, Job | XiezhenError], object] | None = None,
            concurrency: SupportsIndex | None = None,
            timeout: float | None = None,
            recreate: bool = False,
            callback: CallbackAddresses | None = None,
        ) -> list[Job | XiezhenError]: ...
        @overload
        async def run_many(
            self,
            jobs: Mapping[str, Job],
            *,
            save_to: str | PathLike[str] | None = None,
            checkpoints: str | PathLike[str] | None = None,
            on_event: Callable[[Any, Event], object] | None = None,
            on_end: Callable[[Any, Job | XiezhenError], object] | None = None,
            concurrency: SupportsIndex | None = None,
            timeout: float | None = None,
            recreate: bool = False,
            callback: CallbackAddresses | None = None,
        ) -> dict[str, Job | XiezhenError]: ...

    async def run_many(
        self,
        jobs: Any,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoints: str | PathLike[str] | None = None,
        on_event: Callable[[Any, Event], object] | None = None,
        on_end: Callable[[Any, Job | XiezhenError], object] | None = None,
        concurrency: SupportsIndex | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
    ) -> Any:
        """`run` for many jobs side by side: a list, or a mapping from keys of yours. See `Client.run_many`."""
        return await self._client.run_many(
            jobs,
            save_to=save_to,
            checkpoints=checkpoints,
            on_event=on_event,
            on_end=on_end,
            concurrency=concurrency,
            timeout=timeout,
            recreate=recreate,
            callback=callback,
        )

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
        training_schedule: PollSchedule | None = None,
        generation_schedule: PollSchedule | None = None,
        stage: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A client of the same connections and limits, under other options. See `Client.with_options`."""
        other = type(self).__new__(type(self))
        other._client = self._client.with_options(
            timeout=timeout,
            max_retries=max_retries,
            training_schedule=training_schedule,
            generation_schedule=generation_schedule,
            stage=stage,
            headers=headers,
        )
        return other

    async def close(self) -> None:
        """Cancels what is under way and frees the connections. Later calls raise InvalidArgumentError.

        A create that was sent is not cancelled: this waits until its answer is stored, at most its own timeout.
        Whoever awaits a call of this client gets `asyncio.CancelledError`, as if that task had been cancelled.
        """
        closing = self._client.close()
        # None once the interpreter is going away.
        if closing is not None:
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._client)


async def _content(file: Any) -> bytes:
    """What a binary file holds, read where it blocks nobody."""
    # Whoever awaits has it loaded already.
    import asyncio

    content = await asyncio.to_thread(file.read)
    if hasattr(content, "__await__"):
        content = await content
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError('a photo\'s file must be opened in binary mode, "rb"')
    return bytes(content)
