"""Client of an asynchronous AI portrait (写真) API: photos of a person in, portraits on disk.

client = xiezhen.Client()                      # or AsyncClient, with the same methods to await
job = client.run(xiezhen.Job(photos, styles), save_to="out", checkpoint="ann.json")
"""

from . import errors, events
from ._async import AsyncClient
from ._words import Stage, TaskKind, TaskState
from ._xiezhen import Client, Created, Hint, Job, JobPhoto, PollSchedule, Portrait, Received, Style, Task, __version__
from .callbacks import Callbacks, Receiver
from .errors import (
    ApiError,
    AuthenticationError,
    Cancelled,
    FileError,
    InternalError,
    InvalidArgument,
    OutcomeUnknown,
    PermissionDenied,
    ProtocolError,
    QuotaExhausted,
    RateLimited,
    TaskFailed,
    Timeout,
    TransportError,
    XiezhenError,
)
from .events import (
    Event,
    Finished,
    Generated,
    Generating,
    PhotoUploaded,
    PhotoUploading,
    Retrying,
    Saved,
    Trained,
    Training,
    UnknownState,
)

# The name of the event, in every language; not in __all__, where it would hide the builtin.
from .events import Notice as Notice

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "Callbacks",
    "Cancelled",
    "Client",
    "Created",
    "Event",
    "FileError",
    "Finished",
    "Generated",
    "Generating",
    "Hint",
    "InternalError",
    "InvalidArgument",
    "Job",
    "JobPhoto",
    "OutcomeUnknown",
    "PermissionDenied",
    "PhotoUploaded",
    "PhotoUploading",
    "PollSchedule",
    "Portrait",
    "ProtocolError",
    "QuotaExhausted",
    "RateLimited",
    "Received",
    "Receiver",
    "Retrying",
    "Saved",
    "Stage",
    "Style",
    "Task",
    "TaskFailed",
    "TaskKind",
    "TaskState",
    "Timeout",
    "Trained",
    "Training",
    "TransportError",
    "UnknownState",
    "XiezhenError",
    "__version__",
    "errors",
    "events",
]
