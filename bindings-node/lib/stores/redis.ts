// The store of a fleet in Redis, on a connection of ioredis.

import { createHash } from 'node:crypto'
import { Client } from '../index'
import {
  answerOf,
  type Claim,
  ConflictError,
  checked,
  flag,
  hintText,
  MOST_HINTS,
  type NotClaimed,
  nonce,
  PAUSES_MS,
  pause,
  type Reply,
  readClaim,
  readSave,
  type Store,
  StoreError,
} from './contract'

/** What a store needs of an ioredis connection. */
export interface RedisConnection {
  info(): Promise<string>
  pipeline(): RedisPipeline
}

/** What a store needs of an ioredis pipeline. */
export interface RedisPipeline {
  call(command: string, ...args: (string | number)[]): unknown
  exec(): Promise<[error: Error | null, result: unknown][] | null>
}

/** How jobs are kept in Redis. */
export interface RedisStoreOptions {
  /** What all keys begin with: one fleet, one prefix. `xiezhen` by default. */
  prefix?: string | undefined
  /** How long a job is held for without a word of its worker. 120 s. */
  leaseMs?: number | undefined
  /** So many replicas must have an intent before its create is sent (`WAIT`, `WAITAOF`). 0. */
  replicas?: number | undefined
  /**
   * How long a row is kept once its job is over; for ever by default. Submitting such a key again is harmless only while
   * the row is there.
   */
  keepMs?: number | undefined
}

const scripts = Object.entries(Client.fleet.storeTexts().redis).map(
  ([name, script]) => [name, { script, sha: createHash('sha1').update(script).digest('hex') }] as const,
)
const SCRIPTS = new Map(scripts)
const OLDEST = [6, 2] as const
/** How long an intent may take to get to disk, and to replicas. */
const DURABLE_MS = 3000

/** A fleet's store in Redis 6.2 or newer, on an ioredis connection of yours. */
export class RedisStore implements Store {
  readonly leaseMs: number
  #redis: RedisConnection
  #prefix: string
  #replicas: number
  #keepMs: number
  /** How a write is made durable, once the server has said what it can. */
  #wait: readonly (string | number)[] | undefined
  #checked = false

  constructor(redis: RedisConnection, options: RedisStoreOptions = {}) {
    this.#redis = redis
    this.leaseMs = options.leaseMs ?? 120_000
    this.#prefix = options.prefix ?? 'xiezhen'
    this.#replicas = options.replicas ?? 0
    this.#keepMs = options.keepMs ?? 0
  }

  async put(key: string, json: string): Promise<boolean> {
    const { open, unknown } = Client.fleet.intents(json)
    const args = [checked(key), 0, nonce(), json, flag(open), flag(unknown)]
    return (await this.#run('put', key, args, true))?.[0] === 'put'
  }

  async claim(key: string, options: { reopen?: boolean | undefined } = {}): Promise<Claim | NotClaimed> {
    return readClaim(key, await this.#run('claim', key, [checked(key), this.leaseMs, nonce(), flag(options.reopen)]))
  }

  async save(claim: Claim, json: string): Promise<void> {
    const { open, unknown } = Client.fleet.intents(json)
    const { key, version, late } = claim
    const args = [key, this.leaseMs, nonce(), version, json, flag(open), flag(unknown), flag(late)]
    await this.#ask('save', this.#keys(key), args, open, (reply) => readSave(claim, json, reply))
  }

  async release(claim: Claim, ms: number | null): Promise<boolean> {
    const args = [claim.key, claim.version, ms === null ? -1 : Math.max(0, Math.round(ms)), this.#keepMs]
    return (await this.#run('release', claim.key, args))?.[0] === 'released'
  }

  async wake(key: string, hint?: unknown): Promise<boolean> {
    return (await this.#run('wake', key, [checked(key), hintText(hint), MOST_HINTS]))?.[0] === 'woken'
  }

  async due(limit = 100): Promise<string[]> {
    return ((await this.#run('due', '', [limit, this.leaseMs])) ?? []).map(String)
  }

  async get(key: string): Promise<string | null> {
    const json = (await this.#ask('get', this.#keys(checked(key)), [])) as string | null | undefined
    return json ?? null
  }

  async reserve(count: number, requestsPerSecond: number): Promise<number[]> {
    const keys = [`{${this.#prefix}}:permits`, `{${this.#prefix}}:due`]
    return ((await this.#ask('reserve', keys, [count, requestsPerSecond])) as string[]).map(Number)
  }

  #keys(key: string): string[] {
    return [`{${this.#prefix}}:job:${key}`, `{${this.#prefix}}:due`]
  }

  async #run(name: string, key: string, args: (string | number)[], durable = false): Promise<Reply> {
    return (await this.#ask(name, this.#keys(key), args, durable)) as Reply
  }

  async #ask(
    name: string,
    keys: string[],
    args: (string | number)[],
    durable = false,
    read?: (reply: Reply) => void,
  ): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (!this.#checked) this.#check(await answerOf(this.#redis.info()))
        return await this.#once(name, [keys.length, ...keys, ...args], durable ? this.#wait : undefined, read)
      } catch (error) {
        const ms = PAUSES_MS[attempt]
        const refused = error instanceof StoreError || error instanceof ConflictError
        const answered = refused || (error as Error | undefined)?.name === 'ReplyError'
        if (answered || ms === undefined) throw error
        await pause(ms)
      }
    }
  }

  async #once(
    name: string,
    args: (string | number)[],
    wait: readonly (string | number)[] | undefined,
    read: ((reply: Reply) => void) | undefined,
  ) {
    const { script, sha } = SCRIPTS.get(name) as { script: string; sha: string }
    let replies: [error: Error | null, result: unknown][] = []
    for (const [command, source] of [
      ['EVALSHA', sha],
      ['EVAL', script],
    ] as const) {
      // On one connection: what is waited for is what that connection wrote.
      const pipeline = this.#redis.pipeline()
      pipeline.call(command, source, ...args)
      if (wait !== undefined) pipeline.call(wait[0] as string, ...wait.slice(1))
      replies = (await answerOf(pipeline.exec())) ?? []
      if (!replies[0]?.[0]?.message.startsWith('NOSCRIPT')) break
    }
    const [[error, reply] = [null, undefined], waited] = replies
    if (error) throw error
    // Before it is refused: the claim goes with what is stored, on disk or not.
    read?.(reply as Reply)
    if (wait !== undefined) this.#refuseVolatile(wait, waited)
    return reply
  }

  /** Takes note of what the server is, and says what may lose a job. */
  #check(text: string): void {
    const info = new Map(text.split('\r\n').map((line) => line.split(':', 2) as [string, string]))
    const shown = info.get('redis_version') ?? '0.0'
    const [major = 0, minor = 0] = shown.split('.').map(Number)
    const since = (version: readonly [number, number]) =>
      major > version[0] || (major === version[0] && minor >= version[1])
    if (!since(OLDEST)) throw new StoreError(`Redis ${shown} is too old: a fleet needs 6.2 or newer`)
    const logged = info.get('aof_enabled') === '1'
    if (logged && since([7, 2])) this.#wait = ['WAITAOF', 1, this.#replicas, DURABLE_MS]
    else if (this.#replicas > 0) this.#wait = ['WAIT', this.#replicas, DURABLE_MS]
    const policy = info.get('maxmemory_policy') ?? 'noeviction'
    if (!logged) {
      warn('appendonly is off: a crash loses what was billed since the last snapshot. Set appendonly yes')
    }
    if (policy !== 'noeviction') warn(`maxmemory-policy is ${policy}: jobs may be evicted. Set it to noeviction`)
    this.#checked = true
  }

  /** Refuses an intent that is not where a crash leaves it alone: nothing is sent then. */
  #refuseVolatile(
    wait: readonly (string | number)[],
    waited: [error: Error | null, result: unknown] | undefined,
  ): void {
    const [error, reply] = waited ?? [null, undefined]
    if (error) throw new StoreError(`Redis can't make a save durable: ${error.message}`)
    const [local, replicas] = (wait[0] === 'WAITAOF' ? reply : [1, reply]) as [number, number]
    if (Number(local) >= 1 && Number(replicas) >= this.#replicas) return
    throw new StoreError(
      `Redis has not made a save durable within ${DURABLE_MS} ms: ${replicas} of ${this.#replicas} replicas have it` +
        (Number(local) >= 1 ? '' : ', and its own append-only file has not'),
    )
  }
}

function warn(problem: string): void {
  process.emitWarning(`Redis as the store of a fleet: ${problem}`)
}
