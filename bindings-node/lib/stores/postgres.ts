// The store of a fleet in PostgreSQL, on connections of pg.

import { Client } from '../index'
import {
  answerOf,
  type Claim,
  checked,
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

/** What a store needs of a `pg.Pool`, or of a `pg.Client` that it has for itself. */
export interface PostgresConnection {
  query(query: { text: string; values?: unknown[]; rowMode?: 'array' }): Promise<{ rows: unknown[] }>
}

/** How jobs are kept in PostgreSQL. */
export interface PostgresStoreOptions {
  /** Where jobs are; made if it is missing (see `postgresSchema`). `xiezhen_jobs` by default. */
  table?: string | undefined
  /** How long a job is held for without a word of its worker. 120 s. */
  leaseMs?: number | undefined
}

const TABLE = 'xiezhen_jobs'
const STATEMENTS = Client.fleet.storeTexts().postgres
const OLDEST = 120_000

/** The tables, for whoever makes them by a migration. A store makes them itself where it may. */
export const postgresSchema: string = STATEMENTS.schema as string

/** The statement for this table; an index has no schema of its own. */
function named(statement: string, table: string): string {
  const bare = table.slice(table.lastIndexOf('.') + 1)
  return statement
    .replaceAll(`${TABLE}_hand_out`, `${bare}_hand_out`)
    .replaceAll(new RegExp(`\\b${TABLE}(?=\\b|_rates)`, 'g'), table)
}

/** A fleet's store in PostgreSQL 12 or newer, on a `pg.Pool` of yours. */
export class PostgresStore implements Store {
  readonly leaseMs: number
  #connection: PostgresConnection
  #texts: Map<string, string>
  #checked = false

  constructor(connection: PostgresConnection, options: PostgresStoreOptions = {}) {
    const table = options.table ?? TABLE
    if (!/^[a-z_][a-z0-9_]{0,40}(\.[a-z_][a-z0-9_]{0,40})?$/.test(table)) {
      throw new TypeError(`table must be a plain name of PostgreSQL, not ${table}`)
    }
    this.#connection = connection
    this.leaseMs = options.leaseMs ?? 120_000
    this.#texts = new Map(Object.entries(STATEMENTS).map(([name, text]) => [name, named(text, table)]))
  }

  async put(key: string, json: string): Promise<boolean> {
    const { open, unknown } = Client.fleet.intents(json)
    return (await this.#one('put', [checked(key), nonce(), json, open, unknown]))?.[0] === 'put'
  }

  async claim(key: string, options: { reopen?: boolean | undefined } = {}): Promise<Claim | NotClaimed> {
    return readClaim(key, await this.#one('claim', [checked(key), nonce(), this.leaseMs, options.reopen === true]))
  }

  async save(claim: Claim, json: string): Promise<void> {
    const { open, unknown } = Client.fleet.intents(json)
    const { key, version, late } = claim
    readSave(claim, json, await this.#one('save', [key, nonce(), this.leaseMs, version, json, open, unknown, late]))
  }

  async release(claim: Claim, ms: number | null): Promise<boolean> {
    const after = ms === null ? -1 : Math.max(0, Math.round(ms))
    return (await this.#one('release', [claim.key, claim.version, after]))?.[0] === 'released'
  }

  async wake(key: string, hint?: unknown): Promise<boolean> {
    return (await this.#one('wake', [checked(key), hintText(hint), MOST_HINTS]))?.[0] === 'woken'
  }

  async due(limit = 100): Promise<string[]> {
    return (await this.#run('due', [limit, this.leaseMs])).map(([key]) => String(key))
  }

  async get(key: string): Promise<string | null> {
    const row = await this.#one('get', [checked(key)])
    return row === undefined ? null : String(row[0])
  }

  async reserve(count: number, requestsPerSecond: number): Promise<number[]> {
    const row = await this.#one('reserve', ['permits', count, requestsPerSecond])
    return (row ?? []).slice(0, 2).map(Number)
  }

  async #one(name: string, values: unknown[]): Promise<Reply> {
    return (await this.#run(name, values))[0]
  }

  async #run(name: string, values: unknown[]): Promise<(readonly unknown[])[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (!this.#checked) await this.#check()
        const text = this.#texts.get(name) as string
        const { rows } = await answerOf(this.#connection.query({ text, values, rowMode: 'array' }))
        return rows as (readonly unknown[])[]
      } catch (error) {
        const ms = PAUSES_MS[attempt]
        if (error instanceof StoreError || ms === undefined) throw error
        const code = (error as { code?: unknown }).code
        if (code === '42P01') await this.#makeTables()
        else if (isFinal(code)) throw error
        else await pause(ms)
      }
    }
  }

  async #check(): Promise<void> {
    const { rows } = await this.#connection.query({ text: 'SHOW server_version_num', rowMode: 'array' })
    const version = Number((rows[0] as unknown[])[0])
    if (version < OLDEST) {
      throw new StoreError(`PostgreSQL ${Math.floor(version / 10_000)} is too old: a fleet needs 12 or newer`)
    }
    this.#checked = true
  }

  async #makeTables(): Promise<void> {
    try {
      await this.#connection.query({ text: this.#texts.get('schema') as string })
    } catch (error) {
      throw new StoreError(
        `the tables of the store are missing, and can't be made: ${(error as Error).message}; run postgresSchema`,
        { cause: error },
      )
    }
  }
}

/** An answer of the server that asking again won't change: not a lost connection, a shutdown, a deadlock. */
function isFinal(code: unknown): boolean {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|40|53|57P)/.test(code)
}
