// Stores of a fleet: a job is a row in your Redis or PostgreSQL, and whoever holds its lease works on it. They run the
// same scripts and statements as the package for Python: one fleet may mix both. Time is the store's.

export { type Claim, ConflictError, type NotClaimed, type Store, StoreError } from './contract'
export { type PostgresConnection, PostgresStore, type PostgresStoreOptions, postgresSchema } from './postgres'
export { type RedisConnection, type RedisPipeline, RedisStore, type RedisStoreOptions } from './redis'
