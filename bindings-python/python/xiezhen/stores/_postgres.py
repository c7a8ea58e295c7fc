"""The store of a fleet in PostgreSQL, on connections of psycopg 3."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from contextlib import asynccontextmanager, contextmanager
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
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Protocol

    import psycopg

    from ._contract import Absent, Busy, Claim, Early, Over

    class ConnectionPool(Protocol):
        """A `psycopg_pool.ConnectionPool`, or what lends connections like one."""

        def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]: ...

    class AsyncConnectionPool(Protocol):
        """A `psycopg_pool.AsyncConnectionPool`, or what lends connections like one."""

        def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]: ...


TABLE = "xiezhen_jobs"
_STATEMENTS = _store_texts()[1]
# The tables, for whoever makes them by a migration. A store makes them itself where it may.
POSTGRES_SCHEMA: str = _STATEMENTS["schema"]
OLDEST = 120000
# What failed without an answer is asked again: the nonce of a write makes sure that it is done once.
PAUSES = (0.1, 0.5, None)


class _Statements:
    """What both kinds of connection have in common: which statement runs, and what its reply means."""

    def __init__(self, table: str, lease: float) -> None:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,40}(\.[a-z_][a-z0-9_]{0,40})?", table):
            raise ValueError(f"table must be a plain name of PostgreSQL, not {table!r}")
        self._texts = {name: _named(statement, table) for name, statement in _STATEMENTS.items()}
        self._lease = milliseconds(lease)
        self._checked = False

    @property
    def lease(self) -> float:
        """Seconds that a job is held for, from its claim or its last save."""
        return self._lease / 1000

    def _put(self, key: str, json: str) -> tuple[object, ...]:
        return (check_key(key), nonce(), json, *intents(json))

    def _claim(self, key: str, reopen: bool) -> tuple[object, ...]:
        return (check_key(key), nonce(), self._lease, reopen)

    def _save(self, claim: Claim, json: str) -> tuple[object, ...]:
        open_, unknown = intents(json)
        return (claim.key, nonce(), self._lease, claim.version, json, open_, unknown, claim.late)

    def _release(self, claim: Claim, seconds: float | None) -> tuple[object, ...]:
        return (claim.key, claim.version, -1 if seconds is None else milliseconds(seconds))

    def _usable(self, connection: Any) -> bool:
        """Whether a statement is a transaction of its own. Refuses what would not be committed, and old servers."""
        import psycopg

        if connection.info.transaction_status.name == "UNKNOWN":
            raise psycopg.OperationalError("the connection of the store is lost")
        if connection.info.transaction_status.name != "IDLE":
            raise StoreError(
                "this connection is in a transaction: a store needs one of its own, to commit what it writes"
            )
        if not self._checked and connection.info.server_version < OLDEST:
            raise StoreError(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: a fleet needs 12 or newer"
            )
        self._checked = True
        return bool(connection.autocommit)


def _named(statement: str, table: str) -> str:
    """The statement for this table; an index has no schema of its own."""
    bare = table.rpartition(".")[2]
    statement = statement.replace(f"{TABLE}_hand_out", f"{bare}_hand_out")
    return re.sub(rf"\b{TABLE}(?=\b|_rates)", table, statement)


def _refused_schema(error: Exception) -> StoreError:
    return StoreError(
        f"the tables of the store are missing, and can't be made: {error}; run xiezhen.stores.POSTGRES_SCHEMA"
    )


class PostgresStore(_Statements):
    """A fleet's store in PostgreSQL 12 or newer. May be shared by threads, and after a fork unless it is a connection.

    connection: a function that makes a connection, called once a process and thread; or a
        `psycopg_pool.ConnectionPool`; or one `psycopg.Connection`, which the store then has for itself.
    table: where jobs are; made if it is missing (see POSTGRES_SCHEMA).
    lease: seconds that a job is held for without a word of its worker.
    """

    def __init__(
        self,
        connection: Callable[[], psycopg.Connection[Any]] | psycopg.Connection[Any] | ConnectionPool,
        *,
        table: str = TABLE,
        lease: float = 120.0,
    ) -> None:
        super().__init__(table, lease)
        self._source: Any = connection
        self._one_at_a_time = threading.RLock()
        self._made = threading.local()

    def put(self, key: str, json: str) -> bool:
        """Stores a job that is due now. False, and nothing is changed, if the key is there."""
        return read_state("put", self._one("put", self._put(key, json)))

    def claim(self, key: str, *, reopen: bool = False) -> Claim | Busy | Early | Over | Absent:
        """Takes the lease of a job that is due. `reopen` takes up one that is over or not due, too."""
        return read_claim(key, self._one("claim", self._claim(key, reopen)))

    def save(self, claim: Claim, json: str) -> None:
        """Stores the job and extends its lease. Raises ConflictError if somebody else has claimed or saved it."""
        read_save(claim, json, self._one("save", self._save(claim, json)))

    def release(self, claim: Claim, seconds: float | None) -> bool:
        """Gives the lease back: due in so many seconds, or at once if it was woken; None: over.

        False if an intent is open, whose answer may come (the lease runs out instead), or somebody else has the job.
        """
        return read_state("released", self._one("release", self._release(claim, seconds)))

    def wake(self, key: str, hint: object = None) -> bool:
        """Makes a job due now, or once it is released. False if it is over or absent.

        hint: what the next claim has in `woken`; kept while the job is held.
        """
        return read_state("woken", self._one("wake", (check_key(key), hint_text(hint), MOST_HINTS)))

    def due(self, limit: int = 100) -> list[str]:
        """Keys of jobs that are due; each is given to one caller, and again after the lease if nothing came of it."""
        return [row[0] for row in self._run("due", (limit, self._lease))]

    def get(self, key: str) -> str | None:
        """The job as it was last saved."""
        row = self._one("get", (check_key(key),))
        return None if row is None else str(row[0])

    def reserve(self, count: int, requests_per_second: float) -> tuple[int, int]:
        """Permits of the fleet's rate: microseconds until the first, and between two."""
        row = self._one("reserve", ("permits", count, float(requests_per_second)))
        assert row is not None
        return int(row[0]), int(row[1])

    def _one(self, name: str, arguments: tuple[object, ...]) -> Sequence[Any] | None:
        rows = self._run(name, arguments)
        return rows[0] if rows else None

    def _run(self, name: str, arguments: tuple[object, ...]) -> list[Sequence[Any]]:
        import psycopg

        for pause in PAUSES:
            try:
                return self._once(self._texts[name], arguments)
            except psycopg.errors.UndefinedTable:
                if pause is None:
                    raise
                self._make_tables()
            except psycopg.OperationalError:
                if pause is None:
                    raise
                time.sleep(pause)
        raise AssertionError

    def _once(self, statement: str, arguments: tuple[object, ...] | None) -> list[Sequence[Any]]:
        from psycopg import RawCursor

        with self._connection() as connection:
            autocommit = self._usable(connection)
            cursor = RawCursor(connection)
            if autocommit:
                cursor.execute(statement, arguments)
                return cursor.fetchall() if cursor.description else []
            with connection.transaction():
                cursor.execute(statement, arguments)
                return cursor.fetchall() if cursor.description else []

    def _make_tables(self) -> None:
        import psycopg

        try:
            self._once(self._texts["schema"], None)
        except psycopg.ProgrammingError as error:
            raise _refused_schema(error) from error

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        if isinstance(self._source, psycopg.Connection):
            with self._one_at_a_time:
                yield self._source
        elif callable(self._source):
            yield self._own()
        else:
            with self._source.connection() as connection:
                yield connection

    def _own(self) -> psycopg.Connection[Any]:
        """The connection of this process and thread: one of a parent's is left alone."""
        process, connection = getattr(self._made, "connection", (0, None))
        if connection is None or process != os.getpid() or connection.closed:
            connection = self._source()
            self._made.connection = (os.getpid(), connection)
        made: psycopg.Connection[Any] = connection
        return made


class AsyncPostgresStore(_Statements):
    """`PostgresStore` for asyncio: the same methods, awaited.

    connection: a coroutine function that makes a `psycopg.AsyncConnection`, called once; or a
        `psycopg_pool.AsyncConnectionPool`; or one connection, which the store then has for itself.
    """

    def __init__(
        self,
        connection: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]
        | psycopg.AsyncConnection[Any]
        | AsyncConnectionPool,
        *,
        table: str = TABLE,
        lease: float = 120.0,
    ) -> None:
        super().__init__(table, lease)
        self._source: Any = connection
        self._one_at_a_time = asyncio.Lock()
        self._made: psycopg.AsyncConnection[Any] | None = None

    async def put(self, key: str, json: str) -> bool:
        """See `PostgresStore.put`."""
        return read_state("put", await self._one("put", self._put(key, json)))

    async def claim(self, key: str, *, reopen: bool = False) -> Claim | Busy | Early | Over | Absent:
        """See `PostgresStore.claim`."""
        return read_claim(key, await self._one("claim", self._claim(key, reopen)))

    async def save(self, claim: Claim, json: str) -> None:
        """See `PostgresStore.save`."""
        read_save(claim, json, await self._one("save", self._save(claim, json)))

    async def release(self, claim: Claim, seconds: float | None) -> bool:
        """See `PostgresStore.release`."""
        return read_state("released", await self._one("release", self._release(claim, seconds)))

    async def wake(self, key: str, hint: object = None) -> bool:
        """See `PostgresStore.wake`."""
        return read_state("woken", await self._one("wake", (check_key(key), hint_text(hint), MOST_HINTS)))

    async def due(self, limit: int = 100) -> list[str]:
        """See `PostgresStore.due`."""
        return [row[0] for row in await self._run("due", (limit, self._lease))]

    async def get(self, key: str) -> str | None:
        """See `PostgresStore.get`."""
        row = await self._one("get", (check_key(key),))
        return None if row is None else str(row[0])

    async def reserve(self, count: int, requests_per_second: float) -> tuple[int, int]:
        """See `PostgresStore.reserve`."""
        row = await self._one("reserve", ("permits", count, float(requests_per_second)))
        assert row is not None
        return int(row[0]), int(row[1])

    async def _one(self, name: str, arguments: tuple[object, ...]) -> Sequence[Any] | None:
        rows = await self._run(name, arguments)
        return rows[0] if rows else None

    async def _run(self, name: str, arguments: tuple[object, ...]) -> list[Sequence[Any]]:
        import psycopg

        for pause in PAUSES:
            try:
                return await self._once(self._texts[name], arguments)
            except psycopg.errors.UndefinedTable:
                if pause is None:
                    raise
                await self._make_tables()
            except psycopg.OperationalError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError

    async def _once(self, statement: str, arguments: tuple[object, ...] | None) -> list[Sequence[Any]]:
        from psycopg import AsyncRawCursor

        async with self._connection() as connection:
            autocommit = self._usable(connection)
            cursor = AsyncRawCursor(connection)
            if autocommit:
                await cursor.execute(statement, arguments)
                return await cursor.fetchall() if cursor.description else []
            async with connection.transaction():
                await cursor.execute(statement, arguments)
                return await cursor.fetchall() if cursor.description else []

    async def _make_tables(self) -> None:
        import psycopg

        try:
            await self._once(self._texts["schema"], None)
        except psycopg.ProgrammingError as error:
            raise _refused_schema(error) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        import psycopg

        if isinstance(self._source, psycopg.AsyncConnection):
            async with self._one_at_a_time:
                yield self._source
        elif callable(self._source):
            async with self._one_at_a_time:
                if self._made is None or self._made.closed:
                    self._made = await self._source()
                yield self._made
        else:
            async with self._source.connection() as connection:
                yield connection
