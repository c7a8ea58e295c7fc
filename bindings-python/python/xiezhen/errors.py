"""The errors: one class for each kind, all `XiezhenError`, some also the builtin that a Python user expects."""

from __future__ import annotations

import builtins
import os

from ._dataclass import Fields, Params

# `typing` would take as long to import as all the rest; type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ._xiezhen import Task


FACTS = (
    "message",
    "http_status",
    "ret",
    "request_id",
    "gateway_code",
    "task_id",
    "user_id",
    "retry_after",
    "retryable",
    "body_start",
    "sent",
)


class XiezhenError(Exception):
    """Why a call failed: a class or `code` to branch on, a `message` to read, and what is known beside."""

    code = "internal"
    """The kind's code, the same in every language."""
    message: str
    """What happened, to what, and what to do."""
    http_status: int | None
    """The HTTP status, where there was an answer."""
    ret: int | None
    """The service's own `ret`, where it was not 0."""
    request_id: str | None
    """The id that the vendor's support asks for."""
    gateway_code: str | None
    """The gateway's own code, such as `B403MQ`."""
    task_id: str | None
    """The task that this is about: a wait can be taken up again with it."""
    user_id: str | None
    """The user model of a create that was billed and could not be stored."""
    retry_after: float | None
    """How many seconds the gateway asked to wait."""
    retryable: bool
    """Whether the same call may succeed later, at no risk, with nothing changed."""
    problems: list[str]
    """Each thing that was wrong, where arguments were refused."""
    body_start: str | None
    """How the answer began that could not be read."""
    sent: str | None
    """What a create with an unknown outcome had sent, as JSON."""
    task: Task | None
    """The task as it was last seen, where it failed."""
    path: Path | None
    """The local file that this is about."""

    def __init__(
        self,
        message: str = "",
        *,
        http_status: int | None = None,
        ret: int | None = None,
        request_id: str | None = None,
        gateway_code: str | None = None,
        task_id: str | None = None,
        user_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        problems: Sequence[str] = (),
        body_start: str | None = None,
        sent: str | None = None,
        task: Task | None = None,
        path: Path | None = None,
        errno: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.ret = ret
        self.request_id = request_id
        self.gateway_code = gateway_code
        self.task_id = task_id
        self.user_id = user_id
        self.retry_after = retry_after
        self.retryable = retryable
        self.problems = list(problems)
        self.body_start = body_start
        self.sent = sent
        self.task = task
        self.path = path
        if isinstance(self, OSError):
            # Attributes of OSError, which mypy would take for ours.
            vars_of_os_error = {
                "errno": errno,
                "strerror": None if errno is None else os.strerror(errno),
                "filename": None if path is None else str(path),
            }
            for name, value in vars_of_os_error.items():
                setattr(self, name, value)

    def to_dict(self) -> dict[str, object]:
        """All that is known as a `dict` that `json.dumps` takes."""
        facts: dict[str, object] = {"code": self.code, **{name: vars(self)[name] for name in FACTS}}
        facts["problems"] = list(self.problems)
        facts["task"] = None if self.task is None else self.task.to_dict()
        facts["path"] = None if self.path is None else str(self.path)
        return facts

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        facts = {"http_status": self.http_status, "request_id": self.request_id, "task_id": self.task_id}
        shown = "".join(f", {name}={value!r}" for name, value in facts.items() if value is not None)
        return f"{type(self).__name__}({self.message!r}{shown})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, XiezhenError):
            return NotImplemented
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.message))

    def __reduce__(self) -> tuple[type[XiezhenError], tuple[str], dict[str, object]]:
        state = dict(vars(self))
        if isinstance(self, OSError):
            state |= {"errno": self.errno, "strerror": self.strerror, "filename": self.filename}
        return type(self), (self.message,), state


for _name, _made in (("__dataclass_fields__", Fields), ("__dataclass_params__", Params)):
    setattr(XiezhenError, _name, _made(("code", *FACTS, "problems", "task", "path")))


class InvalidArgumentError(XiezhenError, ValueError):
    """Refused before anything was sent, photos included; `problems` has every reason."""

    code = "invalid_argument"


class AuthenticationError(XiezhenError):
    """The AppCode, the key or the signature is wrong."""

    code = "authentication"


class PermissionDeniedError(XiezhenError):
    """Known to the gateway, but not allowed."""

    code = "permission"


class QuotaExhaustedError(XiezhenError):
    """The calls bought are used up or expired, or the account is in arrears."""

    code = "quota"


class RateLimitError(XiezhenError):
    """Still throttled after the retries; `retry_after` may say for how long."""

    code = "rate_limited"


class ApiError(XiezhenError):
    """The service said `ret != 0`, or refused in any other way."""

    code = "api"


class ProtocolError(XiezhenError):
    """An answer that is not what the service documents; `body_start` is how it began."""

    code = "protocol"


class TransportError(XiezhenError, ConnectionError):
    """No connection, TLS, a reset, or a 5xx after the retries."""

    code = "transport"


class TimeoutError(XiezhenError, builtins.TimeoutError):  # noqa: A001 - what people expect it to be called
    """The deadline of a call or a wait has passed; the task, if any, goes on: wait again with `task_id`."""

    code = "timeout"


class OutcomeUnknownError(XiezhenError):
    """A create was sent and its answer was lost: it may have been carried out, and billed. `sent` is what it asked."""

    code = "outcome_unknown"


class TaskFailedError(XiezhenError):
    """The service gave the task up (state 5); `task` is how it was last seen."""

    code = "task_failed"


class CancelledError(XiezhenError):
    """The client was closed during the call. (Await gives `asyncio.CancelledError`, Ctrl-C `KeyboardInterrupt`.)"""

    code = "cancelled"


class FileError(XiezhenError, OSError):
    """A local file could not be read or written; `path` (`filename`), `errno` and `strerror` say which and why."""

    code = "io"


class InternalError(XiezhenError):
    """A defect of this library."""

    code = "internal"
