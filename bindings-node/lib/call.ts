// One call of the addon: its promise, what stops it, and what the caller's callbacks throw.

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers'
import type { Failure, MessageKind, Ticket } from '../native'
import { native } from './addon'
import type { Check } from './check'
import { newestOf } from './conflict'
import { type CallSite, fromFailure, refused, sharedSite, translated } from './error'
import { ownRealm } from './realm'

/** What every call takes. */
export interface Abortable {
  /** Stops the call at once; it rejects with the signal's `reason`. A create in flight runs on in the background. */
  signal?: AbortSignal | undefined
}

/** A call whose end is not known yet. */
interface Pending {
  resolve: (value: never) => void
  reject: (error: unknown) => void
  /** The client: it listens to the log for as long as its calls go on, even if nobody else knows of it. */
  owner: unknown
  site: CallSite
  signal: AbortSignal | undefined
  callbacks: Callbacks | undefined
  /** Called when it fails. */
  onFailure: (() => void) | undefined
}

/** By ticket. */
const pending: (Pending | undefined)[] = []
let inFlight = 0
/** With more calls than this in flight, their call sites share memory. */
const MANY = 256

/** The real timers, taken now: under a test's fake ones, no call would ever end. */
const inAnotherTurn = setImmediate
const now = performance.now.bind(performance)
/** How long callbacks keep the loop at a time, in milliseconds. */
const SLICE = 1

/** What the addon has in flight on this thread. */
export const calls = new native.Calls(read)

/** What was taken out of the addon, and how much of it was read: ticket, kind and value of each message. */
let taken: unknown[] = []
let position = 0
/** Whether the addon may have more. */
let more = true

/** Reads what the addon has to tell; there may be more than a turn of the loop has time for. */
function read(): void {
  if (position >= taken.length) {
    taken = []
    position = 0
    more = calls.take(taken)
  }
  try {
    const until = now() + SLICE
    while (position < taken.length) {
      position += 3
      const value = ownRealm(taken[position - 1])
      handle(taken[position - 3] as Ticket, taken[position - 2] as MessageKind, value)
      if (now() >= until) break
    }
  } finally {
    if (more || position < taken.length) inAnotherTurn(read)
  }
}

function handle(ticket: Ticket, kind: MessageKind, value: unknown): void {
  if (kind === native.MessageKind.Progress) pending[ticket]?.callbacks?.told(value)
  else if (kind === native.MessageKind.Resolved) resolved(ticket, value)
  else rejected(ticket, value as Failure)
}

function resolved(ticket: Ticket, value: unknown): void {
  const call = ended(ticket)
  const callbacks = call?.callbacks
  const settle = () => {
    if (callbacks?.thrown === undefined) call?.resolve(value as never)
    else call?.reject(callbacks.thrown.value)
  }
  if (callbacks === undefined) settle()
  else callbacks.settle(settle)
}

function rejected(ticket: Ticket, failure: Failure): void {
  const call = ended(ticket)
  if (call === undefined) return
  if (call.callbacks !== undefined) call.callbacks.settled = true
  call.onFailure?.()
  // A program can change how errors are made. Whatever it does, the promise settles.
  try {
    call.reject(why(call, failure))
  } catch (thrown) {
    call.reject(thrown)
  }
}

/** The call, unless it could not even begin. */
function ended(ticket: Ticket): Pending | undefined {
  const call = pending[ticket]
  if (call === undefined) return undefined
  pending[ticket] = undefined
  inFlight--
  if (call.callbacks !== undefined) call.callbacks.over = true
  if (call.signal !== undefined) {
    try {
      unwatch(call.signal, ticket)
    } catch {
      // What looks like a signal may throw; the call settles all the same.
    }
  }
  return call
}

/** What a call rejects with. */
function why({ site, signal, callbacks }: Pending, failure: Failure): unknown {
  if (callbacks?.thrown !== undefined) return callbacks.thrown.value
  if (signal?.aborted === true && failure.code === 'cancelled') return reason(signal)
  return fromFailure(failure, site)
}

/** The callbacks of one call: what one of them throws ends the call, and is what it rejects with. */
export class Callbacks {
  ticket: Ticket | undefined
  thrown: { value: unknown } | undefined
  /** Whether the call has ended: nothing is told any more. */
  over = false
  /** Whether its promise has. */
  settled = false
  #tell: ((raw: never) => unknown) | undefined
  /** Promises that callbacks have returned and that go on. */
  readonly #unsettled = new Set<Promise<unknown>>()

  /**
   * Lets `callback` hear what happens, until the call has ended or the callback has thrown. It runs in the context (of
   * `AsyncLocalStorage`) that the call was made in, not in the one that the addon was loaded in.
   */
  hear<R, A extends unknown[] | []>(callback: ((...told: A) => unknown) | undefined, convert: (raw: R) => A): boolean {
    if (callback === undefined) return false
    this.#tell = AsyncResource.bind((raw: R) => callback(...convert(raw)))
    return true
  }

  told(raw: unknown): void {
    // Nothing, where the addon told of something that is none of the caller's business.
    if (this.over || this.thrown !== undefined || raw === undefined || raw === null) return
    try {
      const returned = this.#tell?.(raw as never)
      if (isThenable(returned)) this.#follow(Promise.resolve(returned))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** A callback that returns a promise has ended only when that settles: a run that is over waits for it. */
  #follow(returned: Promise<unknown>): void {
    const ended = returned.catch((error) => this.#failed(error)).finally(() => this.#unsettled.delete(ended))
    this.#unsettled.add(ended)
  }

  /** Settles the call's promise once every callback has ended, at once if all have. */
  settle(promise: () => void): void {
    if (this.#unsettled.size > 0) {
      Promise.all(this.#unsettled).then(() => this.settle(promise))
      return
    }
    this.settled = true
    promise()
  }

  /** `save` of a job as the addon calls it: it learns whether that succeeded, or the newest state at a conflict. */
  save(job: unknown, save: () => unknown): () => Promise<boolean | string> {
    const within = [...(saving.getStore() ?? []), job]
    return AsyncResource.bind(async () => {
      try {
        await saving.run(within, save)
        return true
      } catch (error) {
        const newest = newestOf(error)
        if (newest !== undefined) return newest
        // The answer of a create whose caller has gone away: nobody else is left to be told.
        if (this.over) process.emitWarning(error instanceof Error ? error : String(error))
        this.thrown ??= { value: error }
        return false
      }
    })
  }

  /** Stops the call. One that is over has no ticket any more: it may be another call's. */
  stop(): void {
    if (this.ticket !== undefined && !this.over) calls.stop(this.ticket)
  }

  #failed(error: unknown): void {
    // A promise that rejects after the end is unhandled, as it would be without us; the first one has been told.
    if (this.settled && this.thrown === undefined) throw error
    this.thrown ??= { value: error }
    this.stop()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** The jobs whose `save` is being called: each waits for it. */
const saving = new AsyncLocalStorage<unknown[]>()

/** Refuses a job whose `save` this is called from: it would wait for itself. */
export function refuseWithinSave(job: unknown): void {
  if (saving.getStore()?.includes(job))
    throw refused('a job can not be run or advanced by its own save: it waits for that')
}

/** What else a call may have. */
interface CallExtras {
  callbacks?: Callbacks
  onFailure?: () => void
}

/** Makes a call of the addon for `owner`. `site` is where its caller stands; `read` checks its arguments. */
export function call<T, A extends Abortable>(
  owner: unknown,
  site: CallSite,
  read: () => A,
  start: (given: A) => Ticket,
  { callbacks, onFailure }: CallExtras = {},
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    try {
      const given = read()
      const { signal } = given
      if (signal?.aborted === true) return reject(reason(signal))
      const ticket = start(given)
      const shared = inFlight < MANY ? site : sharedSite(site)
      pending[ticket] = { resolve, reject, owner, site: shared, signal, callbacks, onFailure }
      inFlight++
      if (callbacks !== undefined) callbacks.ticket = ticket
      if (signal !== undefined) watchOrStop(signal, ticket)
    } catch (thrown) {
      if (callbacks !== undefined) callbacks.over = callbacks.settled = true
      reject(translated(thrown, site))
    }
  })
}

/** A signal, of this platform or one that looks like it. */
export const abortSignal: Check<AbortSignal> = (name, value) => {
  const { aborted, addEventListener, removeEventListener } = Object(value) as AbortSignal
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  if (typeof aborted === 'boolean' && listens) return value as AbortSignal
  throw refused(`${name} must be an AbortSignal`)
}

/** What a call rejects with that this signal has stopped. */
function reason(signal: AbortSignal): unknown {
  return signal.reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : signal.reason
}

/** What each signal stops. One listener serves all calls of a signal: Node warns of a leak when there are many. */
const watched = new WeakMap<AbortSignal, { tickets: Set<Ticket>; stop: () => void }>()

/** Stops the call with the signal, or at once if nothing can: reading the arguments may have aborted it. */
function watchOrStop(signal: AbortSignal, ticket: Ticket): void {
  try {
    watch(signal, ticket)
    if (signal.aborted) calls.stop(ticket)
  } catch (thrown) {
    calls.stop(ticket)
    throw thrown
  }
}

/** Stops the call with the signal. */
function watch(signal: AbortSignal, ticket: Ticket): void {
  let watch = watched.get(signal)
  if (watch === undefined) {
    const tickets = new Set<Ticket>()
    const stop = () => {
      for (const ticket of tickets) calls.stop(ticket)
    }
    watch = { tickets, stop }
    watched.set(signal, watch)
    signal.addEventListener('abort', stop, { once: true })
  }
  watch.tickets.add(ticket)
}

function unwatch(signal: AbortSignal, ticket: Ticket): void {
  const watch = watched.get(signal)
  if (watch === undefined) return
  watch.tickets.delete(ticket)
  if (watch.tickets.size > 0) return
  watched.delete(signal)
  signal.removeEventListener('abort', watch.stop)
}

/** Does something of the addon that answers at once. */
export function withCallSite<T>(site: CallSite, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw translated(thrown, site)
  }
}
