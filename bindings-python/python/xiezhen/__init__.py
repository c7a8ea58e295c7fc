"""Client of an asynchronous AI portrait (写真) API: photos of a person in, portraits on disk.

client = xiezhen.Client()                      # or AsyncClient, with the same methods to await
job = client.run(xiezhen.Job(photos, styles), save_to="out", checkpoint="ann.json")
"""

from . import errors, events
from ._async import AsyncClient, check_photos_async
from ._enums import Stage, TaskKind, TaskState
from ._xiezhen import (
    Client,
    Created,
    Hint,
    Job,
    JobPhoto,
    PhotoReport,
    PollSchedule,
    Portrait,
    Received,
    Style,
    Task,
    __version__,
    check_photos,
)
from .callbacks import Callbacks, Receiver
from .errors import (
    ApiError,
    AuthenticationError,
    FileError,
    InternalError,
    InvalidArgumentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExhaustedError,
    RateLimitError,
    TaskFailedError,
    TransportError,
    XiezhenError,
)

# Not in __all__, where they would hide a builtin and asyncio's.
from .errors import CancelledError as CancelledError
from .errors import TimeoutError as TimeoutError  # noqa: A004
from .events import Event

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "Callbacks",
    "Client",
    "Created",
    "Event",
    "FileError",
    "Hint",
    "InternalError",
    "InvalidArgumentError",
    "Job",
    "JobPhoto",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "PhotoReport",
    "PollSchedule",
    "Portrait",
    "ProtocolError",
    "QuotaExhaustedError",
    "RateLimitError",
    "Received",
    "Receiver",
    "Stage",
    "Style",
    "Task",
    "TaskFailedError",
    "TaskKind",
    "TaskState",
    "TransportError",
    "XiezhenError",
    "__version__",
    "check_photos",
    "check_photos_async",
    "errors",
    "events",
]
