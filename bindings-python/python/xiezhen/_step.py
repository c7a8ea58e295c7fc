"""One turn at a stored job: claim, photos, advance with the store as `save`, release (docs/design.md §10)."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ._xiezhen import Job
from .errors import XiezhenError
from .stores._contract import Claim, ConflictError, StoreError, intents

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._xiezhen import Client
    from .stores._contract import Absent, Busy, Early, Over

_log = logging.getLogger("xiezhen")

# How long a job rests that can't go on for now, because of an outage.
PAUSE = 30.0
# How long the answer to a billed call is offered to a store that can't be reached.
PATIENCE = 120.0


class End(NamedTuple):
    """How a turn ends: whom to tell, and when the job is due again; None: it is over."""

    tell: str | None
    seconds: float | None


class Turn:
    """What is known of a turn, whichever way its store is spoken to."""

    def __init__(self, claim: Claim, lease: float) -> None:
        self.claim = claim
        self.lease = lease
        # Somebody else has the job: all that may still be saved is an answer that comes late.
        self.is_lost = False
        self.was_unknown = intents(claim.json)[1]
        self._open = False

    def is_answer(self, json: str) -> bool:
        """Whether what is saved may be all that tells of something billed."""
        return self._open and not intents(json)[0]

    def saved(self, json: str) -> None:
        self._open = intents(json)[0]

    def conflict(self, error: ConflictError) -> None:
        self.is_lost = True
        if error.newest is not None:
            self.claim = error.newest

    def got_there(self, conflict: ConflictError, json: str) -> bool:
        """Whether what conflicts with a save is that very save: an earlier attempt, whose answer was lost."""
        newest = conflict.newest
        if newest is None or newest.json != json or newest.version != self.claim.version + 1:
            return False
        self.claim.version, self.claim.json = newest.version, json
        self.saved(json)
        return True

    def end(self, job: Job, pause: float | None, error: Exception | None) -> End:
        over = job.stage in ("done", "failed")
        if over and intents(job.to_json())[1]:
            return self._unknown()
        if over:
            return End("on_done", None)
        if error is None:
            return End(None, pause)
        return End(None, max(getattr(error, "retry_after", None) or 0.0, PAUSE))

    def _unknown(self) -> End:
        """The answer may come late, from a process that was frozen: it has one more lease."""
        if self.claim.ended:
            return End(None, None)
        if self.claim.early > 0:
            return End(None, self.claim.early)
        if not self.was_unknown:
            return End(None, self.lease)
        return End("on_unknown", None)


def _give(job: Job, missing: list[int], photos: Any) -> None:
    """Gives the job its photos again."""
    if isinstance(photos, Mapping):
        for index in missing:
            if index in photos:
                job.give_photo(index, photos[index])
        return
    listed = list(photos)
    for index in missing:
        if index < len(listed):
            job.give_photo(index, listed[index])


def _report_missing(key: str, job: Job) -> None:
    """The core waits for them, and ends the job once that has taken a day."""
    missing = job.missing_photos()
    if missing:
        numbers = ", ".join(str(index + 1) for index in missing)
        _log.error("job %r waits for photos that can't be read here: %s", key, numbers)


def _folder(save_to: Any, key: str) -> Any:
    return save_to(key) if callable(save_to) else save_to


def _hints(claim: Claim) -> list[str]:
    return [hint or "" for hint in claim.woken]


def _report(key: str, job: Job, error: Exception | None, end: End) -> None:
    if error is not None and end.tell is None:
        _log.warning("job %r goes on in %s s: %s", key, end.seconds, error)
    elif error is not None:
        _log.warning("job %r is over: %s", key, error)


class _Saver:
    """`save` for `Client.advance`: the store compares versions. Holds the lease of a turn that takes long."""

    def __init__(self, store: Any, turn: Turn) -> None:
        self._store = store
        self._turn = turn
        self._one_at_a_time = threading.Lock()
        self._over = threading.Event()

    def __call__(self, job: Job) -> None:
        json = job.to_json()
        with self._one_at_a_time:
            give_up = time.monotonic() + (PATIENCE if self._turn.is_answer(json) else 0.0)
            while True:
                try:
                    self._store.save(self._turn.claim, json)
                    return self._turn.saved(json)
                except ConflictError as conflict:
                    if self._turn.got_there(conflict, json):
                        return None
                    self._turn.conflict(conflict)
                    raise
                except StoreError:
                    raise
                except Exception:
                    if time.monotonic() >= give_up:
                        raise
                time.sleep(1.0)

    def __enter__(self) -> _Saver:
        threading.Thread(target=self._renew, name="xiezhen-lease", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()

    def _renew(self) -> None:
        while not self._over.wait(self._turn.lease / 3):
            with self._one_at_a_time:
                if self._turn.is_lost or self._over.is_set():
                    return
                try:
                    self._store.save(self._turn.claim, self._turn.claim.json)
                except ConflictError as conflict:
                    self._turn.conflict(conflict)
                except Exception as error:
                    _log.warning("the lease of job %r could not be extended: %s", self._turn.claim.key, error)


def step(
    client: Client,
    store: Any,
    key: str,
    save_to: Any,
    photos: Callable[[str], Any] | None,
    on_done: Callable[[str, Job], object] | None,
    on_unknown: Callable[[str, Job], object] | None,
    on_event: Callable[[Any], object] | None,
    callback: Any,
    recreate: bool,
) -> float | Busy | Early | Over | Absent | None:
    """See `Client.step`."""
    from .stores._contract import Busy

    claim = store.claim(key, reopen=recreate)
    if not isinstance(claim, Claim):
        return claim  # type: ignore[no-any-return]
    turn = Turn(claim, store.lease)
    job = Job.from_json(claim.json)
    pause: float | None = None
    error: Exception | None = None
    try:
        with _Saver(store, turn) as save:
            missing = job.missing_photos()
            if missing and photos is not None:
                _give(job, missing, photos(key))
            _report_missing(key, job)
            try:
                pause = client._advance_stored(
                    key, job, save, _folder(save_to, key), on_event, recreate, _hints(claim), callback
                )
            except (XiezhenError, StoreError) as raised:
                error = raised
            if turn.is_lost:
                return Busy(0.0)
            end = turn.end(job, pause, error)
            _report(key, job, error, end)
            tell = {"on_done": on_done, "on_unknown": on_unknown or on_done}.get(end.tell or "")
            if tell is not None:
                tell(key, job)
    except BaseException:
        # What the caller's own functions raised, or the store did: the job is due again soon.
        if not turn.is_lost:
            _give_back(store, turn.claim)
        raise
    store.release(turn.claim, end.seconds)
    return end.seconds


def _give_back(store: Any, claim: Claim) -> None:
    try:
        store.release(claim, PAUSE)
    except Exception as error:
        _log.warning("job %r could not be released, its lease runs out: %s", claim.key, error)


class _AsyncSaver:
    """`_Saver` for asyncio."""

    def __init__(self, store: Any, turn: Turn) -> None:
        self._store = store
        self._turn = turn
        self._one_at_a_time = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def __call__(self, job: Job) -> None:
        json = job.to_json()
        async with self._one_at_a_time:
            give_up = time.monotonic() + (PATIENCE if self._turn.is_answer(json) else 0.0)
            while True:
                try:
                    await self._store.save(self._turn.claim, json)
                    return self._turn.saved(json)
                except ConflictError as conflict:
                    if self._turn.got_there(conflict, json):
                        return None
                    self._turn.conflict(conflict)
                    raise
                except StoreError:
                    raise
                except Exception:
                    if time.monotonic() >= give_up:
                        raise
                await asyncio.sleep(1.0)

    async def __aenter__(self) -> _AsyncSaver:
        self._renewing = asyncio.ensure_future(self._renew())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._renewing is not None:
            # Not in the midst of a save, whose answer says which version is ours.
            async with self._one_at_a_time:
                self._renewing.cancel()

    async def _renew(self) -> None:
        while not self._turn.is_lost:
            await asyncio.sleep(self._turn.lease / 3)
            async with self._one_at_a_time:
                try:
                    await self._store.save(self._turn.claim, self._turn.claim.json)
                except ConflictError as conflict:
                    self._turn.conflict(conflict)
                except Exception as error:
                    _log.warning("the lease of job %r could not be extended: %s", self._turn.claim.key, error)


async def _called(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function or a coroutine function returns."""
    returned = function(*arguments)
    return await returned if inspect.isawaitable(returned) else returned


async def async_step(
    client: Client,
    store: Any,
    key: str,
    save_to: Any,
    photos: Callable[[str], Any] | None,
    on_done: Callable[[str, Job], object] | None,
    on_unknown: Callable[[str, Job], object] | None,
    on_event: Callable[[Any], object] | None,
    callback: Any,
    recreate: bool,
) -> float | Busy | Early | Over | Absent | None:
    """See `AsyncClient.step`."""
    from .stores._contract import Busy

    claim = await store.claim(key, reopen=recreate)
    if not isinstance(claim, Claim):
        return claim  # type: ignore[no-any-return]
    turn = Turn(claim, store.lease)
    job = Job.from_json(claim.json)
    pause: float | None = None
    error: Exception | None = None
    try:
        async with _AsyncSaver(store, turn) as save:
            missing = job.missing_photos()
            if missing and photos is not None:
                given = await _called(photos, key)
                await asyncio.to_thread(_give, job, missing, given)
            _report_missing(key, job)
            try:
                pause = await client._advance_stored(
                    key, job, save, _folder(save_to, key), on_event, recreate, _hints(claim), callback
                )
            except (XiezhenError, StoreError) as raised:
                error = raised
            if turn.is_lost:
                return Busy(0.0)
            end = turn.end(job, pause, error)
            _report(key, job, error, end)
            tell = {"on_done": on_done, "on_unknown": on_unknown or on_done}.get(end.tell or "")
            if tell is not None:
                await _called(tell, key, job)
    except BaseException:
        if not turn.is_lost:
            await asyncio.shield(_give_back_async(store, turn.claim))
        raise
    await store.release(turn.claim, end.seconds)
    return end.seconds


async def _give_back_async(store: Any, claim: Claim) -> None:
    try:
        await store.release(claim, PAUSE)
    except Exception as error:
        _log.warning("job %r could not be released, its lease runs out: %s", claim.key, error)
