"""Stores of a fleet: a job is a row in your Redis or PostgreSQL, and whoever holds its lease works on it.

store = RedisStore(redis.Redis())                             # or AsyncRedisStore(redis.asyncio.Redis())
store = PostgresStore(lambda: psycopg.connect("dbname=app"))  # or a pool, or a connection; AsyncPostgresStore

They run the same scripts and statements as the package for Node: one fleet may mix both. Time is the store's.
"""

from ._contract import Absent, Busy, Claim, ConflictError, Early, Over, StoreError
from ._postgres import POSTGRES_SCHEMA, AsyncPostgresStore, PostgresStore
from ._redis import AsyncRedisStore, RedisStore

__all__ = [
    "POSTGRES_SCHEMA",
    "Absent",
    "AsyncPostgresStore",
    "AsyncRedisStore",
    "Busy",
    "Claim",
    "ConflictError",
    "Early",
    "Over",
    "PostgresStore",
    "RedisStore",
    "StoreError",
]
