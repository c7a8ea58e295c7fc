"""What every store answers (docs/design.md §10), and how that is read from a script's or a statement's reply."""

from __future__ import annotations

import json as _json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._xiezhen import _check_key, _intents

if TYPE_CHECKING:
    from collections.abc import Sequence

# A row keeps this many hints: the newest.
MOST_HINTS = 16


@dataclass(slots=True)
class Claim:
    """A job that is held. `save` and `release` take it; each `save` brings `version` and `json` up to date."""

    key: str
    json: str
    version: int
    # The hint of each `wake` since the last turn; None for one without a hint.
    woken: tuple[str | None, ...] = ()
    # Seconds by which a `wake` brought this turn forward.
    early: float = 0.0
    # The job has been over before, and was taken up again.
    ended: bool = False
    # Held by somebody else: what is saved is an answer that came late.
    late: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds the job, for so many seconds at most."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Early:
    """The job is due in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is to be done of the job."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No job has this key."""


class StoreError(Exception):
    """The store can't do what it was asked for."""


class ConflictError(StoreError):
    """The job was claimed or saved by somebody else meanwhile. `newest` is what the store has; None: nothing."""

    def __init__(self, newest: Claim | None) -> None:
        super().__init__("another worker has this job now" if newest else "the job is not in the store any more")
        self.newest = newest


def text(value: Any) -> str:
    """A reply's text, whether or not the connection decodes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def nonce() -> str:
    """Marks one write: sent again by a connection that lost the answer, it is done once."""
    return secrets.token_hex(8)


def check_key(key: str) -> str:
    _check_key(key)
    return key


def intents(json: str) -> tuple[bool, bool]:
    """Whether an intent waits for its answer, and whether the outcome of a create is unknown."""
    return _intents(json)


def hint_text(hint: object) -> str:
    """A hint as it is stored."""
    if hint is None or isinstance(hint, str):
        return hint or ""
    to_json = getattr(hint, "to_json", None)
    return str(to_json()) if callable(to_json) else _json.dumps(hint)


def milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def read_claim(key: str, reply: Sequence[Any] | None) -> Claim | Busy | Early | Over | Absent:
    state = text(reply[0]) if reply else "absent"
    if reply is None or state == "absent":
        return Absent()
    if state == "over":
        return Over()
    seconds = int(reply[1]) / 1000
    if state == "busy":
        return Busy(seconds)
    if state == "early":
        return Early(seconds)
    woken = tuple(hint or None for hint in _json.loads(text(reply[4])))
    return Claim(key, text(reply[3]), int(reply[2]), woken, early=seconds, ended=text(reply[5]) == "1")


def read_save(claim: Claim, json: str, reply: Sequence[Any] | None) -> None:
    state = text(reply[0]) if reply else "absent"
    if reply is None or state == "absent":
        raise ConflictError(None)
    if state == "conflict":
        raise ConflictError(Claim(claim.key, text(reply[3]), int(reply[2]), late=True))
    claim.version = int(reply[2])
    claim.json = json


def read_state(expected: str, reply: Sequence[Any] | None) -> bool:
    return bool(reply) and reply is not None and text(reply[0]) == expected
