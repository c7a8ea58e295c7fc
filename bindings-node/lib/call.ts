// One call of the addon: its promise, what stops it, and what the caller's callbacks throw.

import { setImmediate } from 'node:timers'
import type { Failure, Ticket } from '../native'
import { native } from './addon'
import { fromFailure, type Place, refused, shared, translated } from './error'

/** What every call takes. */
export interface CallOptions {
  /** Stops the call at once; it rejects with the signal's `reason`. A create that is under way runs on unseen. */
  signal?: AbortSignal
}

/** A call whose end is not known yet. */
interface Pending {
  resolve: (value: never) => void
  reject: (error: unknown) => void
  place: Place
  signal: AbortSignal | undefined
  callbacks: Callbacks | undefined
}

/** By ticket. */
const pending: (Pending | undefined)[] = []
let underWay = 0
/** With more calls than this under way, their places share memory. */
const MANY = 256

/** What the addon has under way on this thread. */
export const calls = new native.Calls(read)

/** Reads what the addon has to tell; there may be more than a turn of the loop has time for. */
function read(): void {
  let more = true
  try {
    more = calls.read(told, resolved, rejected)
  } finally {
    if (more) setImmediate(read)
  }
}

function told(ticket: Ticket, what: unknown): void {
  pending[ticket]?.callbacks?.told(what)
}

function resolved(ticket: Ticket, value: unknown): void {
  const call = ended(ticket)
  if (call?.callbacks?.thrown === undefined) call?.resolve(value as never)
  else call.reject(call.callbacks.thrown.value)
}

function rejected(ticket: Ticket, failure: Failure): void {
  const call = ended(ticket)
  call?.reject(why(call, failure))
}

/** The call, unless it could not even begin. */
function ended(ticket: Ticket): Pending | undefined {
  const call = pending[ticket]
  if (call === undefined) return undefined
  pending[ticket] = undefined
  underWay--
  if (call.callbacks !== undefined) call.callbacks.over = true
  if (call.signal !== undefined) unwatch(call.signal, ticket)
  return call
}

/** What a call rejects with. */
function why({ place, signal, callbacks }: Pending, failure: Failure): unknown {
  if (callbacks?.thrown !== undefined) return callbacks.thrown.value
  if (signal?.aborted === true && failure.code === 'cancelled') return signal.reason
  return translated(fromFailure(failure), place)
}

/** The callbacks of one call: what one of them throws ends the call, and is what it rejects with. */
export class Callbacks {
  ticket: Ticket | undefined
  thrown: { value: unknown } | undefined
  over = false
  #tell: ((raw: never) => unknown) | undefined

  /** Has `callback` told of what happens: nothing after the call has ended, or after it has thrown. */
  hear<R, A extends unknown[] | []>(
    name: string,
    callback: ((...told: A) => unknown) | undefined,
    convert: (raw: R) => A,
  ): boolean {
    if (callback === undefined || callback === null) return false
    if (typeof callback !== 'function') throw refused(`${name} must be a function`)
    this.#tell = (raw: R) => callback(...convert(raw))
    return true
  }

  told(raw: unknown): void {
    if (this.over || this.thrown !== undefined) return
    try {
      const returned = this.#tell?.(raw as never)
      if (returned instanceof Promise) returned.catch((error) => this.#failed(error))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** `save` as the addon calls it: it learns only whether that succeeded. */
  save(save: () => unknown): () => Promise<boolean> {
    if (typeof save !== 'function') throw refused('save must be a function')
    return async () => {
      try {
        await save()
        return true
      } catch (error) {
        // The answer of a create whose caller has gone away: nobody else is left to be told.
        if (this.over) process.emitWarning(error instanceof Error ? error : String(error))
        this.thrown ??= { value: error }
        return false
      }
    }
  }

  /** Stops the call. */
  stop(): void {
    if (this.ticket !== undefined) calls.stop(this.ticket)
  }

  #failed(error: unknown): void {
    // A promise that rejects after the end is unhandled, as it would be without us.
    if (this.over) throw error
    this.thrown ??= { value: error }
    this.stop()
  }
}

/** Makes a call of the addon. `place` is where its caller stands. */
export function call<T, O extends CallOptions>(
  place: Place,
  given: O | undefined,
  start: (options: Partial<O>) => Ticket,
  callbacks?: Callbacks,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let signal: AbortSignal | undefined
    try {
      const options = checked(given)
      signal = options.signal ?? undefined
      signal?.throwIfAborted()
      const ticket = start(options)
      pending[ticket] = { resolve, reject, place: underWay < MANY ? place : shared(place), signal, callbacks }
      underWay++
      if (callbacks !== undefined) callbacks.ticket = ticket
      if (signal !== undefined) watch(signal, ticket)
    } catch (thrown) {
      if (callbacks !== undefined) callbacks.over = true
      reject(signal?.aborted === true && thrown === signal.reason ? thrown : translated(thrown, place))
    }
  })
}

/** What each signal stops. One listener serves all calls of a signal: Node warns of a leak when there are many. */
const watched = new WeakMap<AbortSignal, { tickets: Set<Ticket>; stop: () => void }>()

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
export function attempt<T>(place: Place, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw translated(thrown, place)
  }
}

const none = Object.freeze({})

function checked<O extends CallOptions>(options: O | undefined): Partial<O> & CallOptions {
  if (options === undefined || options === null) return none
  if (typeof options !== 'object') throw refused(`options must be an object, not ${typeof options}`)
  const { signal } = options
  if (signal === undefined || signal === null) return options
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw refused('signal must be an AbortSignal')
  }
  return options
}
