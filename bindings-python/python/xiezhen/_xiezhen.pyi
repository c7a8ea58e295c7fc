# Generated from the Rust source by tools/stubs.py: do not edit.
# ruff: noqa
"""
The compiled half of the package `xiezhen`. Everything public is re-exported there.
"""

from _typeshed import SupportsGetItem
import asyncio
import builtins
import collections.abc
import os
import pathlib
import typing
import typing_extensions
import xiezhen.errors
import xiezhen.events
import xiezhen.stores
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, IO, Literal, SupportsFloat, SupportsIndex, final
from typing_extensions import disjoint_base
from xiezhen._enums import Stage, TaskKind, TaskState
from xiezhen.errors import XiezhenError

CALLBACK_METHODS: str
"""
The methods that a receiver accepts, as the header `Allow` has them.
"""

MAX_CALLBACK_BYTES: int
"""
How much of a callback's body a receiver reads, but for one byte more.
"""

__version__: str
"""
The package's version.
"""

@disjoint_base
class CallbackAddresses:
    """
    The compiled half of `xiezhen.Callbacks`.
    """
    def __new__(
        cls, /, public_url: str | None = None, secret: str | collections.abc.Iterable[str] | None = None
    ) -> CallbackAddresses: ...
    def __repr__(self, /) -> str: ...
    def _listen(self, /, address: str) -> CallbackReceiver: ...
    def deliver(self, /, hint: Hint) -> None:
        """
        Hands a hint to the jobs of this process that run with these callbacks. What `listen` and the adapters do.
        """
    @property
    def public_url(self, /) -> str:
        """
        Where addresses begin, without a trailing slash.
        """
    def receive(
        self, /, method: str, target: str, headers: collections.abc.Iterable[tuple[str, str]], body: bytes | bytearray
    ) -> Received:
        """
        Reads one request that came to a receiver of your own. Nobody is told: see `deliver`.

        target: the path with its query, or the whole URL; only the path's last part and the query count.
        headers: pairs of names and values.
        body: at most 64 KiB and one byte of it.
        """
    def url(self, /, key: str) -> str:
        """
        The address for a single call, such as `create_task`. What is sent to it comes back as a Hint with this `key`.
        """

@final
class CallbackReceiver:
    """
    The compiled half of `xiezhen.Receiver`.
    """
    @property
    def address(self, /) -> str: ...
    def close(self, /) -> None:
        """
        Returns when the address is free.
        """
    def next(self, /, timeout: float | None = None) -> Hint | None:
        """
        The next hint; None once the receiver is closed, or nothing came in time.
        """
    def next_awaited(self, /, timeout: float | None = None) -> collections.abc.Awaitable[Hint | None]: ...

@disjoint_base
class Client:
    """
    A connection to the service: where, who, limits. Safe to share between threads, and usable after a fork.

    base_url: where the API is, `https://…`; by default the environment's `XIEZHEN_BASE_URL`. There is no other default.
    app_code: the AppCode of the purchase; or app_key and app_secret, which sign. By default `XIEZHEN_APP_CODE`, or
        `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`; a credential given here switches the environment's off.
    timeout: seconds for a whole call, its repetitions included; 60. Uploads and downloads have a stall limit instead.
    connect_timeout: seconds for one connection; 10.
    max_retries: how often a call that may be repeated is sent again; 4.
    requests_per_second: at most so many calls in any one second; 10.
    upload_concurrency: how many photos of a job are uploaded at a time; 4.
    max_photo_bytes: no more than so many bytes are sent of a photo; 5 MiB.
    max_pictures: a task with more pictures than this is refused when they are to be saved; 1000.
    prepare_photos: cleans photos of their metadata, location included, and converts, turns and scales those that the
        service would not take as they are; on. Off, every photo is sent as it is, or refused.
    training_schedule: when trainings are polled; PollSchedule(15, 1.5, 60).
    generation_schedule: when generations are polled; PollSchedule(3, 1.5, 15).
    ca_file: a PEM file of authorities that are trusted beside the system's.
    proxy: a proxy for all but loopback, in place of the environment's; empty for none.
    stage: which deployment of the API answers: RELEASE (as by default), "PRE" or "TEST"; the gateway's X-Ca-Stage.
    headers: headers of your own for every call of the gateway; never sent to other hosts.
    allow_http: allows `http://` to other hosts than this one: whoever listens reads the credential.
    allow_private_results: fetches results from this machine, its network and metadata services too.
    require_https_results: refuses results whose address is `http://`; a notice otherwise.

    Raises InvalidArgumentError, which names everything that does not fit. Connects to nobody yet.
    """
    def __enter__(self, /) -> typing_extensions.Self: ...
    def __exit__(self, /, *_exception: object) -> None: ...
    def __new__(
        cls,
        /,
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
    ) -> Client: ...
    def __repr__(self, /) -> str: ...
    def _advance_stored(
        self,
        /,
        key: str,
        job: Job,
        save: collections.abc.Callable[[Job], object],
        save_to: str | PathLike[str] | None,
        on_event: collections.abc.Callable[[xiezhen.events.Event], object] | None,
        recreate: bool,
        woken: SupportsGetItem[int, str],
        callback: CallbackAddresses | None = None,
    ) -> typing.Any:
        """
        `advance` of a job that is in a store: it ends if its photos or styles are refused. `woken` are hints as JSON.
        """
    def adopt(self, /, job: Job, task_id: str, user_id: str | None = None, *, style: str | None = None) -> None:
        """
        Takes over a task that the vendor's side shows for the create of a job whose outcome is unknown, if it is of
        the right kind: the service is asked.

        user_id: the model of a training, which is adopted with it.
        style: which of several generations it is, as the job was given it.

        Raises InvalidArgumentError if nothing of the job has an unknown outcome (see `Job.adoptable`), if the task is
        of another kind, or if another part of the job has it.
        """
    def advance(
        self,
        /,
        job: Job,
        save: collections.abc.Callable[[Job], object],
        *,
        save_to: str | PathLike[str] | None = None,
        on_event: collections.abc.Callable[[xiezhen.events.Event], object] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
        woken: collections.abc.Iterable[Hint] | None = None,
    ) -> float | None:
        """
        Does all that is due of a job, without waiting for the service's work. Returns the seconds until it should be
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
    def close(self, /) -> None:
        """
        Cancels all calls in flight, in all threads, and frees the connections. Later calls raise InvalidArgumentError.

        A create that was sent is not cancelled: this waits until its answer is stored, at most its own timeout.
        """
    def create_task(
        self,
        /,
        user_id: str,
        style: str | Style,
        *,
        callback_url: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> Created:
        """
        Starts generating pictures of a trained model in one style. This call is billed.

        style: its id, or what `list_styles` returned.
        callback_url: a URL that the service calls when the task ends.
        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.

        Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
        runs on to its timeout, cancelled or not.
        """
    def create_user_model(
        self,
        /,
        img_set: Iterable[str],
        *,
        callback_url: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> Created:
        """
        Starts training a user model from 8 to 20 uploaded photos. This call is billed.

        img_set: what `upload_file` returned for each photo.
        callback_url: a URL that the service calls when the task ends.
        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.

        Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
        runs on to its timeout, cancelled or not.
        """
    def list_styles(self, /, *, timeout: float | None = None, max_retries: SupportsIndex | None = None) -> list[Style]:
        """
        The styles that pictures can be generated in.

        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.
        """
    def notify(self, /, task: str | Hint) -> None:
        """
        "Poll this now", because a callback came.

        task: a task's id, or a Hint that another process or a receiver of your own has received. Does nothing if this
            client neither waits for the task nor runs the job.
        """
    def query_task(
        self, /, task_id: str, *, timeout: float | None = None, max_retries: SupportsIndex | None = None
    ) -> Task:
        """
        Polls a task once. A failed task is a value here, not an error.

        timeout: seconds for this call, in place of the client's.
        max_retries: how often this call may be sent again, in place of the client's.
        """
    def run(
        self,
        /,
        job: Job,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        on_event: collections.abc.Callable[[xiezhen.events.Event], object] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
        progress: bool = False,
    ) -> Job:
        """
        Brings a job to its end: uploads, trains, generates, waits, saves. Returns the same job.

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
    def run_events(
        self,
        /,
        job: Job,
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
        callback_key: str | None = None,
    ) -> RunEvents:
        """
        `run` as an iterator of events, the last of which is `Finished` with the job.

        The run, which is billed, starts when the first event is asked for. Leaving the iterator cancels it.
        """
    @typing.overload
    def run_many(
        self,
        /,
        jobs: collections.abc.Iterable[Job],
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoints: str | PathLike[str] | None = None,
        on_event: collections.abc.Callable[[typing.Any, xiezhen.events.Event], object] | None = None,
        on_end: collections.abc.Callable[[typing.Any, Job | xiezhen.errors.XiezhenError], object] | None = None,
        concurrency: SupportsIndex | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
    ) -> list[Job | xiezhen.errors.XiezhenError]:
        """
        `run` for many jobs side by side. Returns a Job or a XiezhenError each: a list in their order, or for a
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
    @typing.overload
    def run_many(
        self,
        /,
        jobs: collections.abc.Mapping[str, Job],
        *,
        save_to: str | PathLike[str] | None = None,
        checkpoints: str | PathLike[str] | None = None,
        on_event: collections.abc.Callable[[typing.Any, xiezhen.events.Event], object] | None = None,
        on_end: collections.abc.Callable[[typing.Any, Job | xiezhen.errors.XiezhenError], object] | None = None,
        concurrency: SupportsIndex | None = None,
        timeout: float | None = None,
        recreate: bool = False,
        callback: CallbackAddresses | None = None,
    ) -> dict[str, Job | xiezhen.errors.XiezhenError]: ...
    def save_results(
        self,
        /,
        task: Task,
        save_to: str | PathLike[str],
        *,
        name: str | None = None,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> list[pathlib.Path]:
        """
        Fetches the pictures of a task that has ended into the folder `save_to`, and returns the files.

        name: what the files are called after; "portrait" by default.
        timeout: seconds for the whole call. Without one, an attempt ends after 60 s without progress.
        max_retries: how often this call may be sent again, in place of the client's.

        Files appear whole or not at all, and one that is there is kept. Raises FileError for what can't be written.
        """
    def step(
        self,
        /,
        store: typing.Any,
        key: str,
        *,
        save_to: str | os.PathLike[str] | collections.abc.Callable[[str], str | os.PathLike[str]] | None = None,
        photos: collections.abc.Callable[[str], typing.Any] | None = None,
        on_done: collections.abc.Callable[[str, Job], object] | None = None,
        on_unknown: collections.abc.Callable[[str, Job], object] | None = None,
        on_event: collections.abc.Callable[[xiezhen.events.Event], object] | None = None,
        callback: CallbackAddresses | None = None,
        recreate: bool = False,
    ) -> float | xiezhen.stores.Busy | xiezhen.stores.Early | xiezhen.stores.Over | xiezhen.stores.Absent | None:
        """
        One turn at a job that a store of `xiezhen.stores` holds: claims it, does all that is due, gives it back.

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
    def upload_file(
        self,
        /,
        photo: str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes],
        *,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
    ) -> str:
        """
        Uploads one photo and returns the service's path of it.

        photo: a path, bytes or a binary file; JPEG, PNG, WebP or BMP by content.
        timeout: seconds for this call. Without one, an attempt ends after 60 s without progress.
        max_retries: how often this call may be sent again, in place of the client's.

        Raises InvalidArgumentError for a photo that is refused before it is sent: a file that is missing, unreadable
        or empty, one that is too large, or not such a picture.
        """
    def wait_for_creates(self, /) -> None:
        """
        Waits until every create in flight has its answer, those whose callers have gone included.
        """
    def wait_many(
        self,
        /,
        task_ids: Iterable[str],
        on_end: collections.abc.Callable[[int, Task | xiezhen.errors.XiezhenError], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Task | xiezhen.errors.XiezhenError]:
        """
        `wait_task` for thousands at once. Returns a Task or a XiezhenError each, in order.

        on_end: called as each ends, with its index and its Task or XiezhenError. If it raises, that ends the call.
        timeout: seconds for all; by default each task's own deadline.
        """
    def wait_task(self, /, task_id: str, *, timeout: float | None = None) -> Task:
        """
        Polls a task until it has ended, as often as its schedule says.

        timeout: seconds; by default 2 h for a training, 30 min for a generation.

        Outages are waited out. Raises TaskFailedError when the service gave the task up, TimeoutError at the deadline.
        Every error has the `task_id`: wait again to go on.
        """
    def with_options(
        self,
        /,
        *,
        timeout: float | None = None,
        max_retries: SupportsIndex | None = None,
        training_schedule: PollSchedule | None = None,
        generation_schedule: PollSchedule | None = None,
        stage: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> typing_extensions.Self:
        """
        A client of the same connections, rate limit and uploads at a time, under other options. They close together.

        What is not given is as it was; `headers` are in place of the client's.
        """

@final
class Created:
    """
    What a create answered.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "task_id",
        "user_id",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, task_id: str, user_id: str) -> Created: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def task_id(self, /) -> str:
        """
        The task that was started.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """
    @property
    def user_id(self, /) -> str:
        """
        The user model that it belongs to.
        """

@final
class Finished:
    """
    The job is done. Nothing comes after this.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = ("job",)
    type: typing.ClassVar[typing.Literal["finished"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, job: Job) -> Finished: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def job(self, /) -> Job:
        """
        The job.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Generated:
    """
    A style's pictures are ready at the service.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "style",
        "count",
    )
    type: typing.ClassVar[typing.Literal["generated"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, style: str, count: SupportsIndex) -> Generated: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def count(self, /) -> int:
        """
        How many pictures.
        """
    @property
    def style(self, /) -> str:
        """
        The style, as the job asked for it.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Generating:
    """
    A style's generation was started, found in progress by a run, or has reached another state.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "style",
        "task_id",
        "state",
    )
    type: typing.ClassVar[typing.Literal["generating"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, style: str, task_id: str, state: str) -> Generating: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def state(self, /) -> TaskState:
        """
        Its state.
        """
    @property
    def style(self, /) -> str:
        """
        The style, as the job asked for it.
        """
    @property
    def task_id(self, /) -> str:
        """
        The generation's task.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Hint:
    """
    A callback that came: a reason to poll now, and never more than that.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[object, tuple[object, ...]]: ...
    def __repr__(self, /) -> str: ...
    @property
    def attempt(self, /) -> int:
        """
        Which create of that slot it belongs to; 0 for a single call.
        """
    @staticmethod
    def from_json(json: str) -> Hint:
        """
        A hint as `to_json` wrote it, in another process. Only take it from where nobody else can write.
        """
    @property
    def key(self, /) -> str:
        """
        The job's id, the store's key, or what `Callbacks.url` was given.
        """
    @property
    def slot(self, /) -> str | None:
        """
        "t" for the training, a style's index for its generation; None for a single call.
        """
    @property
    def task_ids(self, /) -> list[str]:
        """
        Whatever looked like a task's id.
        """
    def to_json(self, /) -> str:
        """
        The hint as JSON, for another process.
        """
    @property
    def user_id(self, /) -> str | None:
        """
        What looked like the user's id, if there was only one.
        """
    @property
    def verified(self, /) -> bool:
        """
        Whether the address was made with one of our secrets. The content is a stranger's all the same.
        """

@final
class Job:
    """
    The whole order of one customer: photos of one person, and the styles to make portraits in.

    A handle that is updated in place while `Client.run` or `Client.advance` works on it. Nothing is checked before
    that, and no path is read. A copy, or what a pickle gives, is the job as its JSON tells it: a job of its own.

    photos: 8 to 20 photos, as paths, bytes or binary files, which are read at once; JPEG, PNG, WebP or BMP.
    styles: names, ids or `Style`s, each once; without styles, the job trains a model and ends.
    uploaded: what `upload_file` returned for photos that are at the service, in place of or after `photos`.
    user_id: a model that was trained before; then there are no photos and no training.
    """
    def __new__(
        cls,
        /,
        photos: Iterable[str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes]] | None = None,
        styles: Iterable[str | Style] | None = None,
        *,
        user_id: str | None = None,
        uploaded: Iterable[str] | None = None,
    ) -> Job: ...
    def __reduce__(self, /) -> tuple[collections.abc.Callable[[str], Job], tuple[str]]: ...
    def __repr__(self, /) -> str: ...
    def _repr_html_(self, /) -> str: ...
    def adopt(self, /, task_id: str, user_id: str | None = None) -> None:
        """
        Takes over a task that the vendor's side shows, for the create whose outcome is unknown.

        A training is adopted with its `user_id`; of several generations, this is the first that is unknown
        (`adopt_portrait` says which). Raises InvalidArgumentError if nothing in the job is unknown.
        """
    def adopt_portrait(self, /, task_id: str, style: str) -> None:
        """
        Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it).

        Raises InvalidArgumentError if that portrait's outcome is not unknown.
        """
    @property
    def adoptable(self, /) -> list[str | None]:
        """
        What `adopt` can take a task over for, because the outcome of its create is unknown: `None` for the training, and
        styles as the job was given them.
        """
    @property
    def error(self, /) -> XiezhenError | None:
        """
        What the job fails of, or has failed of: an unknown outcome before all else, then what went wrong first.
        """
    @classmethod
    def from_json(cls, /, json: str) -> Job:
        """
        A job as `to_json` wrote it. Photos that were given as bytes have to be given again to be uploaded.

        Raises InvalidArgumentError if this is no job.
        """
    def give_photo(
        self, /, index: SupportsIndex, photo: str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
    ) -> None:
        """
        Gives a photo of the job again, where it can't be read or was given as bytes.

        Raises InvalidArgumentError if it is not the one that the job was made with.
        """
    @property
    def id(self, /) -> str:
        """
        The job's id, made with it: the same in every copy.
        """
    def missing_photos(self, /) -> list[int]:
        """
        The photos, by their index, that are still to be uploaded and can't be read here: `give_photo` gives them back.
        """
    @property
    def photos(self, /) -> list[JobPhoto]:
        """
        The photos, in the order given.
        """
    @property
    def portraits(self, /) -> list[Portrait]:
        """
        One portrait a style, in the order given: its task, its files, its error.
        """
    @property
    def revision(self, /) -> int:
        """
        Grows with each change: of two copies of one job, the greater is the newer.
        """
    @property
    def save_to(self, /) -> Path | None:
        """
        The folder for pictures that the job remembers.
        """
    @property
    def stage(self, /) -> Stage:
        """
        What the job is busy with: uploading, training, generating, saving, done or failed.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All that it shows as a `dict` that `json.dumps` takes. `to_json` keeps the whole job.
        """
    def to_json(self, /) -> str:
        """
        All that is known of the job, as JSON: never a photo's bytes, never a credential.
        """
    @property
    def training_task_id(self, /) -> str | None:
        """
        The training's task, once it was created.
        """
    @property
    def user_id(self, /) -> str | None:
        """
        The user model, once the service has named it.
        """

@final
class JobPhoto:
    """
    A photo as a job knows it; never its bytes.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "path",
        "sha256",
        "bytes",
        "uploaded",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls, /, path: str | PathLike[str] | None, sha256: str | None, bytes: SupportsIndex | None, uploaded: str | None
    ) -> JobPhoto: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def bytes(self, /) -> int | None:
        """
        The size, once it was read.
        """
    @property
    def path(self, /) -> Path | None:
        """
        The file, unless the photo was given as bytes.
        """
    @property
    def sha256(self, /) -> str | None:
        """
        SHA-256 of the content in hex, once it was read.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """
    @property
    def uploaded(self, /) -> str | None:
        """
        The service's path of it, once it was uploaded.
        """

@final
class Notice:
    """
    Something that a person should know and that stops nothing.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = ("message",)
    type: typing.ClassVar[typing.Literal["notice"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, message: str) -> Notice: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def message(self, /) -> str:
        """
        What.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class PhotoReport:
    """
    What is known of a photo before it is sent.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "path",
        "format",
        "size",
        "bytes",
        "plan",
        "problems",
        "remarks",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls,
        /,
        path: str | PathLike[str] | None,
        format: str | None,
        size: tuple[SupportsIndex, SupportsIndex] | None,
        bytes: SupportsIndex | None,
        plan: str | None,
        problems: SupportsGetItem[int, str],
        remarks: SupportsGetItem[int, str],
    ) -> PhotoReport: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def bytes(self, /) -> int | None:
        """
        The size of the file, if it can be read.
        """
    @property
    def format(self, /) -> str | None:
        """
        The type by its content, such as `jpeg`, if it is a picture.
        """
    @property
    def path(self, /) -> Path | None:
        """
        The file, unless the photo was given as bytes.
        """
    @property
    def plan(self, /) -> str | None:
        """
        What is done to it before it is sent: `as_is`, `cleaned` or `prepared`, unless it is refused.
        """
    @property
    def problems(self, /) -> list[str]:
        """
        Why it is refused. Each follows the photo's name: `is empty`.
        """
    @property
    def remarks(self, /) -> list[str]:
        """
        What makes it train badly. Nothing of this stops it.
        """
    @property
    def size(self, /) -> tuple[int, int] | None:
        """
        Width and height when upright, if they are known.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class PhotoUploaded:
    """
    The service has a photo.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "index",
        "path",
    )
    type: typing.ClassVar[typing.Literal["photo_uploaded"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, index: SupportsIndex, path: str) -> PhotoUploaded: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def index(self, /) -> int:
        """
        Which photo, from 0.
        """
    @property
    def path(self, /) -> str:
        """
        The service's path of it.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class PhotoUploading:
    """
    So much of a photo has gone out: 0 of each before the first is sent.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "index",
        "bytes_sent",
        "bytes",
    )
    type: typing.ClassVar[typing.Literal["photo_uploading"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, index: SupportsIndex, bytes_sent: SupportsIndex, bytes: SupportsIndex) -> PhotoUploading: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def bytes(self, /) -> int:
        """
        Bytes in all.
        """
    @property
    def bytes_sent(self, /) -> int:
        """
        Bytes sent so far.
        """
    @property
    def index(self, /) -> int:
        """
        Which photo, from 0.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class PollSchedule:
    """
    When a task is polled: first `initial` seconds after its creation (at once, if this client didn't create it), then
    after pauses that grow by `factor` up to `max`; all ±20 % by chance, and a `Retry-After` comes instead.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "initial",
        "factor",
        "max",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls,
        /,
        initial: SupportsFloat | SupportsIndex,
        factor: SupportsFloat | SupportsIndex,
        max: SupportsFloat | SupportsIndex,
    ) -> PollSchedule: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def factor(self, /) -> float:
        """
        By how much each pause is longer than the one before; at least 1.
        """
    @property
    def initial(self, /) -> float:
        """
        Seconds from the task's creation to the first poll; more than 0.
        """
    @property
    def max(self, /) -> float:
        """
        The longest pause in seconds; at least `initial`.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Portrait:
    """
    One style of a job, and what has become of it.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "style",
        "style_id",
        "task_id",
        "state",
        "urls",
        "files",
        "error",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls,
        /,
        style: str,
        style_id: str | None,
        task_id: str | None,
        state: str | None,
        urls: SupportsGetItem[int, str],
        files: SupportsGetItem[int, str | PathLike[str]],
        error: XiezhenError | None,
    ) -> Portrait: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    def _repr_html_(self, /) -> str: ...
    @property
    def error(self, /) -> XiezhenError | None:
        """
        What went wrong with this style.
        """
    @property
    def files(self, /) -> list[Path]:
        """
        The pictures on disk.
        """
    @property
    def state(self, /) -> TaskState | None:
        """
        The task's state, as it was last seen.
        """
    @property
    def style(self, /) -> str:
        """
        The style, as the job asked for it: a name or an id.
        """
    @property
    def style_id(self, /) -> str | None:
        """
        The style's id, once it is known.
        """
    @property
    def task_id(self, /) -> str | None:
        """
        The generation's task, once it was created.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """
    @property
    def urls(self, /) -> list[str]:
        """
        The addresses of the pictures; they may expire.
        """

@final
class Received:
    """
    What a receiver is to answer, and what it was told.
    """
    def __repr__(self, /) -> str: ...
    @property
    def hint(self, /) -> Hint | None:
        """
        The hint, where there is one.
        """
    @property
    def status(self, /) -> int:
        """
        204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long.
        """

@final
class Retrying:
    """
    A call failed and is made again.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "call",
        "error",
        "delay",
    )
    type: typing.ClassVar[typing.Literal["retrying"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls,
        /,
        call: Literal["upload_file"]
        | Literal["create_user_model"]
        | Literal["list_styles"]
        | Literal["create_task"]
        | Literal["query_task"]
        | Literal["save_results"],
        error: XiezhenError,
        delay: SupportsFloat | SupportsIndex,
    ) -> Retrying: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def call(
        self, /
    ) -> (
        Literal["upload_file"]
        | Literal["create_user_model"]
        | Literal["list_styles"]
        | Literal["create_task"]
        | Literal["query_task"]
        | Literal["save_results"]
    ):
        """
        The call's name.
        """
    @property
    def delay(self, /) -> float:
        """
        How long until it is made again, in seconds where it is a number.
        """
    @property
    def error(self, /) -> XiezhenError:
        """
        Why it failed.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class RunEvents:
    """
    Runs a job while its events are asked for. Leaving it, or `close`, cancels the run.
    """
    def __iter__(self, /) -> RunEvents: ...
    def __next__(self, /) -> xiezhen.events.Event: ...
    def close(self, /) -> None:
        """
        Cancels the run, and waits until it has let go of the job.
        """

@final
class Saved:
    """
    A picture is on disk.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "style",
        "path",
    )
    type: typing.ClassVar[typing.Literal["saved"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, style: str, path: str | PathLike[str]) -> Saved: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def path(self, /) -> Path:
        """
        The file.
        """
    @property
    def style(self, /) -> str:
        """
        The style, as the job asked for it.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Style:
    """
    A style that pictures can be generated in.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "name",
        "style",
        "template",
        "sex",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, name: str, style: str, template: str, sex: str) -> Style: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    def _repr_html_(self, /) -> str: ...
    @property
    def name(self, /) -> str:
        """
        What people call it.
        """
    @property
    def sex(self, /) -> str:
        """
        Whom it is for, in the vendor's words (女, 男).
        """
    @property
    def style(self, /) -> str:
        """
        Its id: generations are created with it.
        """
    @property
    def template(self, /) -> str:
        """
        The address of a sample picture.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Task:
    """
    Something that the service does for minutes.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "id",
        "state",
        "raw_state",
        "kind",
        "result_paths",
        "reason",
    )
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(
        cls,
        /,
        id: str,
        state: str,
        raw_state: SupportsIndex,
        kind: str,
        result_paths: SupportsGetItem[int, str],
        reason: str | None = ...,
    ) -> Task: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def id(self, /) -> str:
        """
        The task's id.
        """
    @property
    def kind(self, /) -> TaskKind:
        """
        What it is for.
        """
    @property
    def raw_state(self, /) -> int:
        """
        The state as the service wrote it.
        """
    @property
    def reason(self, /) -> str | None:
        """
        Why the service gave the task up, in its own words, if it said so.
        """
    @property
    def result_paths(self, /) -> list[str]:
        """
        The addresses of the pictures, once there are any.
        """
    @property
    def state(self, /) -> TaskState:
        """
        How far it is.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class Trained:
    """
    The user model is there.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = ("user_id",)
    type: typing.ClassVar[typing.Literal["trained"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, user_id: str) -> Trained: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """
    @property
    def user_id(self, /) -> str:
        """
        Its id: a later job can use it again.
        """

@final
class Training:
    """
    The training was started, found in progress by a run, or has reached another state.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "task_id",
        "state",
    )
    type: typing.ClassVar[typing.Literal["training"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, task_id: str, state: str) -> Training: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def state(self, /) -> TaskState:
        """
        Its state.
        """
    @property
    def task_id(self, /) -> str:
        """
        The training's task.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

@final
class UnknownState:
    """
    The service gave a state that its document does not name; the job waits on.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, typing.Any]]
    __dataclass_params__: typing.ClassVar[typing.Any]
    __match_args__ = (
        "task_id",
        "raw_state",
    )
    type: typing.ClassVar[typing.Literal["unknown_state"]]
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, task_id: str, raw_state: SupportsIndex) -> UnknownState: ...
    def __reduce__(self, /) -> tuple[builtins.type, tuple[object, ...]]: ...
    def __replace__(self, /, **changes: typing.Any) -> typing_extensions.Self: ...
    def __repr__(self, /) -> str: ...
    @property
    def raw_state(self, /) -> int:
        """
        The number.
        """
    @property
    def task_id(self, /) -> str:
        """
        The task.
        """
    def to_dict(self, /) -> dict[str, typing.Any]:
        """
        All fields as a `dict` that `json.dumps` takes.
        """

def _after_fork() -> None: ...
def _awaited(client: Client) -> typing.Any:
    """
    The same client, whose calls are `asyncio` futures: for `xiezhen.AsyncClient` only.
    """

def _check_key(key: str) -> None:
    """
    Refuses what can't be a job's key.
    """

def _check_photos_async(
    photos: Iterable[str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes]],
) -> asyncio.Future[list[PhotoReport]]:
    """
    What `check_photos_async` awaits once it has read the files.
    """

def _error_kinds() -> list[tuple[str, str]]:
    """
    The code and the class name of every kind of error, from the core's one table.
    """

def _finalize() -> None: ...
def _intents(json: str) -> tuple[bool, bool]:
    """
    Of a job's JSON: whether an intent waits for its answer, and whether the outcome of a create is unknown.
    """

def _portraits_html(portraits: SupportsGetItem[int, Portrait]) -> str:
    """
    A part of a page that shows portraits, for `xiezhen._lists`.
    """

def _share_rate(client: Client, reserve: collections.abc.Callable[[int], tuple[int, int]]) -> None:
    """
    Has the client take its permits from `reserve`, which is called with how many it needs, on a thread of the runtime;
    it returns the microseconds until the first, and between two.
    """

def _store_texts() -> tuple[dict[str, str], dict[str, str]]:
    """
    The scripts of Redis and the statements of PostgreSQL, by operation.
    """

def _styles_html(styles: SupportsGetItem[int, Style]) -> str:
    """
    A part of a page that shows styles, for `xiezhen._lists`.
    """

def check_photos(
    photos: Iterable[str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes]],
) -> list[PhotoReport]:
    """
    Looks at photos as a job would: decodes each, says what would be done to it before it is sent, whether it would be
    refused, and what makes it train badly. Needs no client, and sends nothing.

    photos: paths, bytes or binary files, which are read at once.

    What is wrong with a photo is in its report. In asyncio, use `check_photos_async`, which leaves the loop free.
    """

def main(arguments: SupportsGetItem[int, str]) -> int:
    """
    Runs the command `xiezhen` with these arguments (the program's name first). Returns what to exit with.
    """
