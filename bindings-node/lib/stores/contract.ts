// What every store answers (docs/design.md §10), and how that is read from a script's or a statement's reply.

import { randomBytes } from 'node:crypto'
import { Client, ConflictError as JobConflictError } from '../index'

/** A job that is held. `save` and `release` take it; each `save` brings `version` and `json` up to date. */
export interface Claim {
  state: 'claimed'
  key: string
  json: string
  version: number
  /** The hint of each `wake` since the last turn; `null` for one without a hint. */
  woken: (string | null)[]
  /** By how much a `wake` brought this turn forward. */
  earlyMs: number
  /** The job has been over before, and was taken up again. */
  ended: boolean
  /** Held by somebody else: what is saved is an answer that came late. */
  late: boolean
}

/** Why there is no claim. */
export type NotClaimed =
  /** Somebody else holds the job, for `ms` at most. */
  | { state: 'busy'; ms: number }
  /** The job is due in `ms`. */
  | { state: 'early'; ms: number }
  /** Nothing more is to be done of the job. */
  | { state: 'over' }
  /** No job has this key. */
  | { state: 'absent' }

/** Where a fleet keeps its jobs. */
export interface Store {
  /** How long a job is held for, from its claim or its last save. */
  readonly leaseMs: number
  /** Stores a job that is due now. False, and nothing is changed, if the key is there. */
  put(key: string, json: string): Promise<boolean>
  /** Takes the lease of a job that is due. `reopen` takes up one that is over or not due, too. */
  claim(key: string, options?: { reopen?: boolean | undefined }): Promise<Claim | NotClaimed>
  /** Stores the job and extends its lease. Rejects with `ConflictError` if somebody else has claimed or saved it. */
  save(claim: Claim, json: string): Promise<void>
  /**
   * Gives the lease back: due in `ms`, or at once if it was woken; `null`: over. False if an intent is open, whose
   * answer may come (the lease runs out instead), or somebody else has the job.
   */
  release(claim: Claim, ms: number | null): Promise<boolean>
  /** Makes a job due now, or once it is released. False if it is over or absent. */
  wake(key: string, hint?: unknown): Promise<boolean>
  /** Keys of jobs that are due; each is given to one caller, and again after the lease if nothing came of it. */
  due(limit?: number): Promise<string[]>
  /** The job as it was last saved. */
  get(key: string): Promise<string | null>
  /** Permits of the fleet's rate: microseconds until the first, and between two. */
  reserve(count: number, requestsPerSecond: number): Promise<number[]>
}

/** The store can't do what it was asked for. */
export class StoreError extends Error {
  override name = 'StoreError'
}

/** The job was claimed or saved by somebody else meanwhile: `newest` is what the store has, `claim` what to save it with. */
export class ConflictError extends JobConflictError {
  constructor(readonly claim: Claim) {
    super(claim.json)
  }
}

/** A row keeps this many hints: the newest. */
export const MOST_HINTS = 16
/** What failed without an answer is asked again: the nonce of a write makes sure that it is done once. */
export const PAUSES_MS = [100, 500]
/** How long one answer may take: connections that are being made again may keep a request for ever. */
const ANSWER_MS = 5000

/** Marks one write: sent again by a connection that lost the answer, it is done once. */
export const nonce = () => randomBytes(8).toString('hex')

export const flag = (value: boolean | undefined) => (value === true ? 1 : 0)

/** The answer, or an error once it has taken too long. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the store has not answered within ${ANSWER_MS} ms`)), ANSWER_MS)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A key, unless it can't be one. */
export function checked(key: string): string {
  Client.fleet.checkKey(key)
  return key
}

/** A hint as it is stored. */
export function hintText(hint: unknown): string {
  if (hint === undefined || hint === null) return ''
  return typeof hint === 'string' ? hint : JSON.stringify(hint)
}

/** A reply: what happened, milliseconds, the version, the job, the hints. */
export type Reply = readonly unknown[] | undefined

export function readClaim(key: string, reply: Reply): Claim | NotClaimed {
  const state = reply?.[0]
  const ms = Number(reply?.[1] ?? 0)
  if (state === 'busy' || state === 'early') return { state, ms }
  if (state === 'over') return { state }
  if (state !== 'claimed' || reply === undefined) return { state: 'absent' }
  const woken = (JSON.parse(String(reply[4])) as string[]).map((hint) => hint || null)
  const json = String(reply[3])
  return { state, key, json, version: Number(reply[2]), woken, earlyMs: ms, ended: Number(reply[5]) === 1, late: false }
}

export function readSave(claim: Claim, json: string, reply: Reply): void {
  const state = reply?.[0]
  if (reply === undefined || (state !== 'saved' && state !== 'conflict')) {
    throw new StoreError('the job is not in the store any more')
  }
  const version = Number(reply[2])
  if (state === 'conflict') {
    throw new ConflictError({ ...claim, json: String(reply[3]), version, woken: [], earlyMs: 0, late: true })
  }
  claim.version = version
  claim.json = json
}
