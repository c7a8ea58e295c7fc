"""The store of a fleet in Redis, on a connection of redis-py."""

from __future__ import annotations

import asyncio
import hashlib
import time
import warnings
from typing import TYPE_CHECKING, Any

from .._xiezhen import _store_texts
from ._contract import (
    MOST_HINTS,
    StoreError,
    check_key,
    hint_text,
    intents,
    milliseconds,
    nonce,
    read_claim,
    read_save,
    read_state,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis
    import redis.asyncio

    from ._contract import Absent, Busy, Claim, Early, Over

SCRIPTS: dict[str, tuple[str, str]] = {
    name: (script, hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest())
    for name, script in _store_texts()[0].items()
}
OLDEST = (6, 2)
# How long an intent may take to get to disk, and to replicas.
DURABLE_MS = 3000
# What failed without an answer is asked again: the nonce of a write makes sure that it is done once.
PAUSES = (0.1, 0.5, None)


class _Scripts:
    """What both kinds of connection have in common: which script runs, and what its reply means."""

    def __init__(self, prefix: str, lease: float, replicas: int, keep: float | None) -> None:
        self._prefix = prefix
        self._lease = milliseconds(lease)
        self._replicas = replicas
        self._keep = milliseconds(keep or 0)
        # How a write is made durable, once the server has said what it can.
        self._wait: tuple[str | int, ...] | None = None
        self._checked = False

    @property
    def lease(self) -> float:
        """Seconds that a job is held for, from its claim or its last save."""
        return self._lease / 1000

    def _keys(self, key: str = "") -> tuple[str, str]:
        return f"{{{self._prefix}}}:job:{key}", f"{{{self._prefix}}}:due"

    def _rate_keys(self) -> tuple[str, str]:
        return f"{{{self._prefix}}}:permits", f"{{{self._prefix}}}:due"

    def _put(self, key: str, json: str) -> tuple[object, ...]:
        open_, unknown = intents(json)
        return (check_key(key), 0, nonce(), json, int(open_), int(unknown))

    def _claim(self, key: str, reopen: bool) -> tuple[object, ...]:
        return (check_key(key), self._lease, nonce(), int(reopen))

    def _save(self, claim: Claim, json: str) -> tuple[object, ...]:
        open_, unknown = intents(json)
        late = int(claim.late)
        return (claim.key, self._lease, nonce(), claim.version, json, int(open_), int(unknown), late)

    def _release(self, claim: Claim, seconds: float | None) -> tuple[object, ...]:
        return (claim.key, claim.version, -1 if seconds is None else milliseconds(seconds), self._keep)

    def _durable(self, durable: bool) -> tuple[str | int, ...] | None:
        return self._wait if durable else None

    def _check(self, info: dict[str, Any]) -> None:
        """Takes note of what the server is, and says what may lose a job."""
        version = tuple(int(part) for part in str(info.get("redis_version", "0.0")).split(".")[:2])
        if version < OLDEST:
            raise StoreError(f"Redis {info.get('redis_version')} is too old: a fleet needs 6.2 or newer")
        logged = bool(int(info.get("aof_enabled", 0)))
        if logged and version >= (7, 2):
            self._wait = ("WAITAOF", 1, self._replicas, DURABLE_MS)
        elif self._replicas:
            self._wait = ("WAIT", self._replicas, DURABLE_MS)
        if not logged:
            _warn("appendonly is off: a crash loses what was billed since the last snapshot. Set appendonly yes")
        policy = info.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            _warn(f"maxmemory-policy is {policy}: jobs may be evicted. Set it to noeviction")
        self._checked = True

    def _answer(self, replies: Sequence[Any], read: Callable[[Any], None] | None) -> Any:
        """The script's reply. It is read before it is refused: the claim goes with what is stored, on disk or not."""
        reply, *waited = replies
        if isinstance(reply, Exception):
            raise reply
        if read is not None:
            read(reply)
        for outcome in waited:
            self._refuse_volatile(outcome)
        return reply

    def _refuse_volatile(self, reply: Any) -> None:
        """Refuses an intent that is not where a crash leaves it alone: nothing is sent then."""
        if self._wait is None:
            return
        if isinstance(reply, Exception):
            raise StoreError(f"Redis can't make a save durable: {reply}")
        local, replicas = reply if self._wait[0] == "WAITAOF" else (1, reply)
        if int(local) < 1 or int(replicas) < self._replicas:
            raise StoreError(
                f"Redis has not made a save durable within {DURABLE_MS} ms: "
                f"{int(replicas)} of {self._replicas} replicas have it"
                + ("" if int(local) else ", and its own append-only file has not")
            )


def _warn(problem: str) -> None:
    warnings.warn(f"Redis as the store of a fleet: {problem}", RuntimeWarning, stacklevel=5)


def _read_permits(reply: Sequence[Any]) -> tuple[int, int]:
    return int(reply[0]), int(reply[1])


class RedisStore(_Scripts):
    """A fleet's store in Redis 6.2 or newer, on a `redis.Redis` of yours; may be shared by threads and after a fork.

    prefix: what all of its keys begin with: one fleet, one prefix.
    lease: seconds that a job is held for without a word of its worker.
    replicas: so many replicas must have an intent before its create is sent (`WAIT`, `WAITAOF`).
    keep: seconds that a row is kept once its job is over; None: for ever. Submitting such a key again is harmless only
        while the row is there.
    """

    def __init__(
        self,
        redis: redis.Redis,
        *,
        prefix: str = "xiezhen",
        lease: float = 120.0,
        replicas: int = 0,
        keep: float | None = None,
    ) -> None:
        super().__init__(prefix, lease, replicas, keep)
        self._redis = redis

    def put(self, key: str, json: str) -> bool:
        """Stores a job that is due now. False, and nothing is changed, if the key is there."""
        return read_state("put", self._run("put", self._keys(key), self._put(key, json), durable=True))

    def claim(self, key: str, *, reopen: bool = False) -> Claim | Busy | Early | Over | Absent:
        """Takes the lease of a job that is due. `reopen` takes up one that is over or not due, too."""
        return read_claim(key, self._run("claim", self._keys(key), self._claim(key, reopen)))

    def save(self, claim: Claim, json: str) -> None:
        """Stores the job and extends its lease. Raises ConflictError if somebody else has claimed or saved it."""
        durable = intents(json)[0]
        save = self._save(claim, json)
        self._run("save", self._keys(claim.key), save, durable, lambda reply: read_save(claim, json, reply))

    def release(self, claim: Claim, seconds: float | None) -> bool:
        """Gives the lease back: due in so many seconds, or at once if it was woken; None: over.

        False if an intent is open, whose answer may come (the lease runs out instead), or somebody else has the job.
        """
        return read_state("released", self._run("release", self._keys(claim.key), self._release(claim, seconds)))

    def wake(self, key: str, hint: object = None) -> bool:
        """Makes a job due now, or once it is released. False if it is over or absent.

        hint: what the next claim has in `woken`; kept while the job is held.
        """
        return read_state("woken", self._run("wake", self._keys(key), (check_key(key), hint_text(hint), MOST_HINTS)))

    def due(self, limit: int = 100) -> list[str]:
        """Keys of jobs that are due; each is given to one caller, and again after the lease if nothing came of it."""
        return [text(key) for key in self._run("due", self._keys(), (limit, self._lease))]

    def get(self, key: str) -> str | None:
        """The job as it was last saved."""
        json = self._run("get", self._keys(check_key(key)), ())
        return None if json is None else text(json)

    def reserve(self, count: int, requests_per_second: float) -> tuple[int, int]:
        """Permits of the fleet's rate: microseconds until the first, and between two."""
        return _read_permits(self._run("reserve", self._rate_keys(), (count, requests_per_second)))

    def _run(
        self,
        name: str,
        keys: tuple[str, str],
        arguments: tuple[object, ...],
        durable: bool = False,
        read: Callable[[Any], None] | None = None,
    ) -> Any:
        import redis

        for pause in PAUSES:
            try:
                if not self._checked:
                    self._check(self._redis.info())
                return self._once(SCRIPTS[name], keys, arguments, self._durable(durable), read)
            except (redis.ConnectionError, redis.TimeoutError):
                if pause is None:
                    raise
                time.sleep(pause)

    def _once(
        self,
        script: tuple[str, str],
        keys: tuple[str, str],
        arguments: tuple[object, ...],
        wait: tuple[str | int, ...] | None,
        read: Callable[[Any], None] | None,
    ) -> Any:
        from redis.exceptions import NoScriptError

        # On one connection: what is waited for is what that connection wrote.
        for command, source in (("EVALSHA", script[1]), ("EVAL", script[0])):
            pipe: Any
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.execute_command(command, source, len(keys), *keys, *arguments)
                if wait is not None:
                    pipe.execute_command(*wait)
                replies = pipe.execute(raise_on_error=False)
            if not isinstance(replies[0], NoScriptError):
                break
        return self._answer(replies, read)


class AsyncRedisStore(_Scripts):
    """`RedisStore` on a `redis.asyncio.Redis`: the same methods, awaited."""

    def __init__(
        self,
        redis: redis.asyncio.Redis,
        *,
        prefix: str = "xiezhen",
        lease: float = 120.0,
        replicas: int = 0,
        keep: float | None = None,
    ) -> None:
        super().__init__(prefix, lease, replicas, keep)
        self._redis = redis

    async def put(self, key: str, json: str) -> bool:
        """See `RedisStore.put`."""
        return read_state("put", await self._run("put", self._keys(key), self._put(key, json), durable=True))

    async def claim(self, key: str, *, reopen: bool = False) -> Claim | Busy | Early | Over | Absent:
        """See `RedisStore.claim`."""
        return read_claim(key, await self._run("claim", self._keys(key), self._claim(key, reopen)))

    async def save(self, claim: Claim, json: str) -> None:
        """See `RedisStore.save`."""
        durable = intents(json)[0]
        save = self._save(claim, json)
        await self._run("save", self._keys(claim.key), save, durable, lambda reply: read_save(claim, json, reply))

    async def release(self, claim: Claim, seconds: float | None) -> bool:
        """See `RedisStore.release`."""
        reply = await self._run("release", self._keys(claim.key), self._release(claim, seconds))
        return read_state("released", reply)

    async def wake(self, key: str, hint: object = None) -> bool:
        """See `RedisStore.wake`."""
        reply = await self._run("wake", self._keys(key), (check_key(key), hint_text(hint), MOST_HINTS))
        return read_state("woken", reply)

    async def due(self, limit: int = 100) -> list[str]:
        """See `RedisStore.due`."""
        return [text(key) for key in await self._run("due", self._keys(), (limit, self._lease))]

    async def get(self, key: str) -> str | None:
        """See `RedisStore.get`."""
        json = await self._run("get", self._keys(check_key(key)), ())
        return None if json is None else text(json)

    async def reserve(self, count: int, requests_per_second: float) -> tuple[int, int]:
        """See `RedisStore.reserve`."""
        return _read_permits(await self._run("reserve", self._rate_keys(), (count, requests_per_second)))

    async def _run(
        self,
        name: str,
        keys: tuple[str, str],
        arguments: tuple[object, ...],
        durable: bool = False,
        read: Callable[[Any], None] | None = None,
    ) -> Any:
        import redis

        for pause in PAUSES:
            try:
                if not self._checked:
                    self._check(await self._redis.info())
                return await self._once(SCRIPTS[name], keys, arguments, self._durable(durable), read)
            except (redis.ConnectionError, redis.TimeoutError):
                if pause is None:
                    raise
                await asyncio.sleep(pause)

    async def _once(
        self,
        script: tuple[str, str],
        keys: tuple[str, str],
        arguments: tuple[object, ...],
        wait: tuple[str | int, ...] | None,
        read: Callable[[Any], None] | None,
    ) -> Any:
        from redis.exceptions import NoScriptError

        for command, source in (("EVALSHA", script[1]), ("EVAL", script[0])):
            pipe: Any
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.execute_command(command, source, len(keys), *keys, *arguments)
                if wait is not None:
                    pipe.execute_command(*wait)
                replies = await pipe.execute(raise_on_error=False)
            if not isinstance(replies[0], NoScriptError):
                break
        return self._answer(replies, read)
