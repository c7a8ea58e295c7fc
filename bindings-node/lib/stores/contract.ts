// What every store answers (docs/design.md §10), and how that is read from a script's or a statement's reply.

import { randomBytes } from 'node:crypto'
import { Client, ConflictError as JobConflictError } from '../index'
import type { Claim, NotClaimed } from '../store'

export type { Claim, NotClaimed, Store } from '../store'

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
