# Generated from the Rust source by tools/stubs.py: do not edit.

"""The calls of `AsyncClient`: those of `Client`, awaited."""

from __future__ import annotations

from ._xiezhen import Client, _awaited

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from pathlib import Path
    from typing import Any, SupportsIndex, overload

    from typing_extensions import Self

    from ._xiezhen import CallbackAddresses, Created, Hint, Job, PollSchedule, Style, Task
    from .errors import XiezhenError
    from .events import Event
    from .stores import Absent, Busy, Early, Over


class Calls:
    def __init__(
        self,
        base_url: str | None = None,
        *,
        app_code: str | None = None,
        app_key: str | None = None,
        app_secret: str | None = None,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
        requests_per_second: float | None = None,
        upload_concurrency: SupportsIndex | None = None,
        max_photo_bytes: SupportsIndex | None = None,
        prepare_photos: bool | None = None,
        training_schedule: PollSchedule | None = None,
        generation_schedule: PollSchedule | None = None,
        ca_file: str | PathLike[str] | None = None,
        proxy: str | None = None,
        stage: str | None = None,
        headers: Mapping[str, str] | None = None,
        allow_http: bool = False,
        max_pictures: SupportsIndex | None = None,
        allow_private_results: bool = False,
        require_https_results: bool = False,
    ) -> None:
        """See `Client` for the options. Raises InvalidArgumentError, which names everything that does not fit."""
        self._client = _awaited(
            Client(
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
                prepare_photos=prepare_photos,
                training_schedule=training_schedule,
                generation_schedule=generation_schedule,
                ca_file=ca_file,
                proxy=proxy,
                stage=stage,
                headers=headers,
                allow_http=allow_http,
                max_pictures=max_pictures,
                allow_private_results=allow_private_results,
                require_https_results=require_https_results,
            )
        )

    async def adopt(self, job: Job, task_id: str, user_id: str | None = None, *, style: str | None = None) -> None:
        """Takes over a task that the vendor's side shows for the create of a job whose outcome is unknown, if it is of
        the right kind: the service is asked.

        user_id: the model of a training, which is adopted with it.
        style: which of several generations it is, as the job was given it.

        Raises InvalidArgumentError if nothing of the job has an unknown outcome (see `Job.adoptable`), if the task is
        of another kind, or if another part of the job has it.
        """
        await self._client.adopt(job, task_id, user_id, style=style)

    async def advance(
        self,
        job: Job,
        save: Callable[[Job], object],
        *,
        save_to: str | PathLike[str] | None = None,
        on_event: Callable[[Event], object] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
        woken: Iterable[Hint] | None = None,
    ) -> float | None:
        """Does all that is due of a job, without waiting for the service's work. Returns the seconds until it should be
        called again, or None when the job is over.

        save: called with the job before each create and after each answer, to store it. If it raises, nothing is
            sent and the call ends with that exception. An AsyncClient takes a coroutine function as well. A create that
            was sent when the call is interrupted runs on, and its answer is stored by one more `save`, which may come
            on another thread.
        save_to: the folder for pictures; the job remembers it.
        on_event: called with each event. If it raises, that ends the call.
        timeout: seconds for the whole call; without one, the client's bounds each call that it makes.
        recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
        callback: a Callbacks; creates tell the service to report to an address of it.
        callback_key: what these addresses call the job; by default its id.
        woken: hints that came for this job, to this process or another: their tasks are polled at once.
        """
        answer: float | None = await self._client.advance(
            job,
            save,
            save_to=save_to,
            on_event=on_event,
            timeout=timeout,
            recreate=recreate,
            callback=callback,
            callback_key=callback_key,
            woken=woken,
        )
        return answer

    async def create_task(
        self,
        user_id: str,
        style: str | Style,
        *,
        callback_url: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> Created:
        """Starts generating pictures of a trained model in one style. This call is billed.

        style: its id, or what `list_styles` returned.
        callback_url: a URL that the service calls when the task ends.
        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.

        Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
        runs on to its timeout, cancelled or not.
        """
        answer: Created = await self._client.create_task(
            user_id, style, callback_url=callback_url, timeout=timeout, max_retries=max_retries
        )
        return answer

    async def create_user_model(
        self,
        img_set: Iterable[str],
        *,
        callback_url: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> Created:
        """Starts training a user model from 8 to 20 uploaded photos. This call is billed.

        img_set: what `upload_file` returned for each photo.
        callback_url: a URL that the service calls when the task ends.
        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.

        Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
        runs on to its timeout, cancelled or not.
        """
        answer: Created = await self._client.create_user_model(
            img_set, callback_url=callback_url, timeout=timeout, max_retries=max_retries
        )
        return answer

    async def list_styles(
        self, *, timeout: float | None = None, max_retries: SupportsIndex | None = None
    ) -> list[Style]:
        """The styles that pictures can be generated in.

        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.
        """
        answer: list[Style] = await self._client.list_styles(timeout=timeout, max_retries=max_retries)
        return answer

    async def query_task(
        self, task_id: str, *, timeout: float | None = None, max_retries: SupportsIndex | None = None
    ) -> Task:
        """Polls a task once. A failed task is a value here, not an error.

        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.
        """
        answer: Task = await self._client.query_task(task_id, timeout=timeout, max_retries=max_retries)
        return answer

    async def run(
        self,
        job: Job,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        on_event: Callable[[Event], object] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
        progress: bool = False,
    ) -> Job:
        """Brings a job to its end: uploads, trains, generates, waits, saves. Returns the same job.

        save_to: the folder for pictures; without one, none are fetched. The job remembers it.
        checkpoint: a file that keeps the job, loaded if it is there: a killed run resumes where it left off, and
            nothing is uploaded or billed twice. One process at a time, on a local file system.
        on_event: called with each event. If it raises, that ends the run.
        timeout: seconds for the whole run; by default each task's own deadline (training 2 h, generation 30 min).
        recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
        callback: a Callbacks; creates tell the service to report to an address of it. What comes is acted on at once.
        callback_key: what these addresses call the job; by default its id.
        progress: draws progress bars on standard error; in a notebook, by `tqdm` if it is installed.

        Raises what went wrong first, after the other styles are finished; the job then holds all that is known.
        OutcomeUnknownError if a create was sent and its answer lost; TaskFailedError, TimeoutError,
        InvalidArgumentError and others.
        """
        answer: Job = await self._client.run(
            job,
            save_to=save_to,
            checkpoint=checkpoint,
            on_event=on_event,
            timeout=timeout,
            recreate=recreate,
            callback=callback,
            callback_key=callback_key,
            progress=progress,
        )
        return answer

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
        """`run` for many jobs side by side. Returns a Job or a XiezhenError each: a list in their order, or for a
        mapping from keys of yours (order numbers, say) to jobs, a dict.

        save_to: the folder for pictures; those of a job with a key are in a folder of its key below it.
        checkpoints: a folder; each job has its checkpoint there, called after its key or after its photos and styles,
            so that the same jobs resume where they left off.
        on_event: called with the job's index or key, and the event. If it raises, that ends the call.
        on_end: called as each ends, with its index or key and its Job or XiezhenError. If it raises, that ends the
            call.
        concurrency: how many jobs run at a time; by default, as many as the rate limit can feed.
        timeout: seconds for each job.
        recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
        callback: a Callbacks; creates tell the service to report to an address of it. What comes is acted on at once.

        One that fails stops no other. Raises InvalidArgumentError before anything is sent if two jobs are the same.
        """
        answer: Any = await self._client.run_many(
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
        return answer

    async def save_results(
        self,
        task: Task,
        save_to: str | PathLike[str],
        *,
        name: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> list[Path]:
        """Fetches the pictures of a task that has ended into the folder `save_to`, and returns the files.

        name: what the files are called after; "portrait" by default.
        timeout: seconds for the whole call. Without one, an attempt ends after 60 s without progress.
        max_retries: how often this call may be sent again, in place of the client's.

        Files appear whole or not at all, and one that is there is kept. Raises FileError for what can't be written.
        """
        answer: list[Path] = await self._client.save_results(
            task, save_to, name=name, timeout=timeout, max_retries=max_retries
        )
        return answer

    async def step(
        self,
        store: Any,
        key: str,
        *,
        save_to: str | PathLike[str] | Callable[[str], str | PathLike[str]] | None = None,
        photos: Callable[[str], Any] | None = None,
        on_done: Callable[[str, Job], object] | None = None,
        on_unknown: Callable[[str, Job], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
        callback: CallbackAddresses | None = None,
        recreate: bool = False,
    ) -> float | Busy | Early | Over | Absent | None:
        """One turn at a job that a store of `xiezhen.stores` holds: claims it, does all that is due, gives it back.

        Returns the seconds until it is due again, None when it is over, or why there was no turn: Busy, Early, Over,
        Absent.

        store: one of `xiezhen.stores`; an AsyncClient takes those that begin with `Async`.
        save_to: the folder for pictures, or a function that returns it for a key.
        photos: returns the photos of a key's job, in their order or by their index; called where some can't be read.
        on_done: called with the key and the job before it is over, done or failed; again if the process dies meanwhile.
        on_unknown: called with the key and the job if nobody has learned the outcome of a create; otherwise on_done is.
        on_event: called with each event.
        callback: creates tell the service to report to its addresses, which call the job by its key; `store.wake(key,
            hint)` hands on what comes back.
        recreate: takes up a job that is over, and starts again, and is billed for, what failed or is unknown.

        Many processes may call this with one key: one has a turn, and nothing is billed twice. An AsyncClient takes
        coroutine functions as well.
        """
        answer: float | Busy | Early | Over | Absent | None = await self._client.step(
            store,
            key,
            save_to=save_to,
            photos=photos,
            on_done=on_done,
            on_unknown=on_unknown,
            on_event=on_event,
            callback=callback,
            recreate=recreate,
        )
        return answer

    async def wait_for_creates(self) -> None:
        """Waits until every create in flight has its answer, those whose callers have gone included."""
        await self._client.wait_for_creates()

    async def wait_many(
        self,
        task_ids: Iterable[str],
        on_end: Callable[[int, Task | XiezhenError], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Task | XiezhenError]:
        """`wait_task` for thousands at once. Returns a Task or a XiezhenError each, in order.

        on_end: called as each ends, with its index and its Task or XiezhenError. If it raises, that ends the call.
        timeout: seconds for all; by default each task's own deadline.
        """
        answer: list[Task | XiezhenError] = await self._client.wait_many(task_ids, on_end, timeout=timeout)
        return answer

    async def wait_task(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Polls a task until it has ended, as often as its schedule says.

        timeout: seconds; by default 2 h for a training, 30 min for a generation.

        Outages are waited out. Raises TaskFailedError when the service gave the task up, TimeoutError at the deadline.
        Every error has the `task_id`: wait again to go on.
        """
        answer: Task = await self._client.wait_task(task_id, timeout=timeout)
        return answer

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
        """A client of the same connections, rate limit and uploads at a time, under other options. They close together.

        What is not given is as it was; `headers` are in place of the client's.
        """
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
