// One call of the addon: what stops it, and what the caller's callbacks throw.

import type { Cancel } from '../native'
import { native } from './addon'
import { type Place, refused, translated, XiezhenError } from './error'

/** What every call takes. */
export interface CallOptions {
  /** Stops the call at once; it rejects with the signal's `reason`. A create that is under way runs on unseen. */
  signal?: AbortSignal
}

/** The callbacks of one call: what one of them throws ends the call, and is what it rejects with. */
export class Callbacks {
  readonly cancel = new native.Cancel()
  thrown: { value: unknown } | undefined
  over = false

  /** `callback` as the addon calls it: it hears nothing after the call has ended, or after it has thrown. */
  hear<R, A extends unknown[] | []>(
    name: string,
    callback: ((...told: A) => unknown) | undefined,
    convert: (raw: R) => A,
  ): ((raw: R | null | undefined) => void) | undefined {
    if (callback === undefined || callback === null) return undefined
    if (typeof callback !== 'function') throw refused(`${name} must be a function`)
    return (raw) => {
      if (raw === null || raw === undefined || this.over || this.thrown !== undefined) return
      try {
        const returned = callback(...convert(raw))
        if (returned instanceof Promise) returned.catch((error) => this.#failed(error))
      } catch (error) {
        this.#failed(error)
      }
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

  #failed(error: unknown): void {
    // A promise that rejects after the end is unhandled, as it would be without us.
    if (this.over) throw error
    this.thrown ??= { value: error }
    this.cancel.cancel()
  }
}

/** Makes a call of the addon. `place` is where its caller stands. */
export async function call<T, O extends CallOptions>(
  place: Place,
  given: O | undefined,
  start: (options: Partial<O>, cancel: Cancel | undefined) => Promise<T>,
  callbacks?: Callbacks,
): Promise<T> {
  let signal: AbortSignal | undefined
  let unwatch: (() => void) | undefined
  try {
    const options = checked(given)
    signal = options.signal ?? undefined
    const cancel = callbacks?.cancel ?? (signal && new native.Cancel())
    if (signal !== undefined && cancel !== undefined) {
      signal.throwIfAborted()
      unwatch = watch(signal, cancel)
    }
    const outcome = await start(options, cancel)
    if (callbacks?.thrown !== undefined) throw callbacks.thrown.value
    return outcome
  } catch (thrown) {
    if (callbacks?.thrown !== undefined) throw callbacks.thrown.value
    if (signal?.aborted === true && thrown === signal.reason) throw thrown
    const error = translated(thrown, place)
    throw signal?.aborted === true && error instanceof XiezhenError && error.code === 'cancelled'
      ? signal.reason
      : error
  } finally {
    if (callbacks !== undefined) callbacks.over = true
    unwatch?.()
  }
}

/** What each signal stops. One listener serves all calls of a signal: Node warns of a leak when there are many. */
const watched = new WeakMap<AbortSignal, { cancels: Set<Cancel>; stop: () => void }>()

/** Cancels with the signal, until the function returned is called. */
function watch(signal: AbortSignal, cancel: Cancel): () => void {
  let watch = watched.get(signal)
  if (watch === undefined) {
    const cancels = new Set<Cancel>()
    const stop = () => {
      for (const cancel of cancels) cancel.cancel()
    }
    watch = { cancels, stop }
    watched.set(signal, watch)
    signal.addEventListener('abort', stop, { once: true })
  }
  const { cancels, stop } = watch
  cancels.add(cancel)
  return () => {
    cancels.delete(cancel)
    if (cancels.size > 0) return
    watched.delete(signal)
    signal.removeEventListener('abort', stop)
  }
}

/** Does something of the addon that answers at once. */
export function attempt<T>(place: Place, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw translated(thrown, place)
  }
}

function checked<O extends CallOptions>(options: O | undefined): Partial<O> & CallOptions {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object') throw refused(`options must be an object, not ${typeof options}`)
  const { signal } = options
  if (signal === undefined || signal === null) return options
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw refused('signal must be an AbortSignal')
  }
  return options
}
