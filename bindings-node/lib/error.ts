// The one class of errors, and how what the addon throws becomes one.

import { types } from 'node:util'
import type { Cause, Failure, Task } from '../native'
import { inOurWords } from './words'

/** Why something failed: the same codes in every language of the SDK. */
export type ErrorCode =
  | 'invalid_argument'
  | 'authentication'
  | 'permission'
  | 'quota'
  | 'rate_limited'
  | 'api'
  | 'protocol'
  | 'transport'
  | 'timeout'
  | 'outcome_unknown'
  | 'task_failed'
  | 'cancelled'
  | 'io'
  | 'internal'

/** What is known of an error, beside its message. */
export interface ErrorFacts extends Omit<Failure, 'code' | 'causes' | 'retryable'> {
  code: ErrorCode
  retryable?: boolean
  cause?: unknown
}

/** A call that failed: `code` to branch on, `message` to read, and what is known beside. */
export class XiezhenError extends Error {
  /** The kind to branch on. */
  declare readonly code: ErrorCode
  /** The HTTP status, where there was an answer. */
  declare readonly httpStatus?: number
  /** The service's own `ret`, where it was not 0. */
  declare readonly ret?: number
  /** The id that the vendor's support asks for. */
  declare readonly requestId?: string
  /** The gateway's own code, such as `B403MQ`. */
  declare readonly gatewayCode?: string
  /** The task that this is about: a wait can be taken up again with it. */
  declare readonly taskId?: string
  /** How long the gateway asked to wait. */
  declare readonly retryAfterMs?: number
  /** Whether the same call may succeed later, at no risk, with nothing changed. */
  declare readonly retryable: boolean
  /** Each thing that was wrong, where arguments were refused. */
  declare readonly problems?: string[]
  /** The task as it was last seen, where it failed. */
  declare readonly task?: Task
  /** The local file that this is about. */
  declare readonly path?: string
  /** What a create with an unknown outcome had sent, as JSON. */
  declare readonly sent?: string
  /** How the answer began that could not be read. */
  declare readonly bodyStart?: string
  /** What this was caused by. */
  declare readonly cause?: unknown

  constructor({ message, cause, ...facts }: ErrorFacts) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, { retryable: false }, facts)
  }

  static {
    // On the prototype, where Error has its own: printed errors show it once.
    Object.defineProperty(XiezhenError.prototype, 'name', { value: 'XiezhenError', configurable: true, writable: true })
  }
}

/** The stack of a caller, taken while it is still there. */
export type Place = { stack?: string }

/** A method or a class. */
type Callable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)

/** Where `method` was called. */
export function here(method: Callable): Place {
  const place: Place = {}
  Error.captureStackTrace(place, method)
  return place
}

/** The stack of a place, if there is one: programs may give stacks another form, or fail to. */
function stackOf(place: Place): string | undefined {
  try {
    return typeof place.stack === 'string' ? place.stack : undefined
  } catch {
    return undefined
  }
}

const places = new Map<string, Place>()

/**
 * A place that is the same object for the same stack: calls in their thousands come from few lines. It is written out
 * for that, where a place that is only taken costs less time.
 */
export function shared(place: Place): Place {
  const stack = stackOf(place)
  if (stack === undefined) return place
  const same = places.get(stack)
  if (same !== undefined) return same
  if (places.size >= 100) places.clear()
  const written = { stack }
  places.set(stack, written)
  return written
}

/** An argument that has no meaning. */
export function refused(problem: string): XiezhenError {
  return new XiezhenError({ code: 'invalid_argument', message: problem, problems: [problem] })
}

/** The causes of an error, as a chain. */
function chain([first, ...rest]: Cause[]): Error | undefined {
  if (first === undefined) return undefined
  const cause = chain(rest)
  if (first.code !== undefined)
    return new XiezhenError({ code: first.code as ErrorCode, message: first.message, cause })
  return cause === undefined ? new Error(first.message) : new Error(first.message, { cause })
}

/** The error that users see for what the addon knows of it. It points at the call, whose caller stood at `place`. */
export function fromFailure({ code, causes, ...facts }: Failure, place: Place): XiezhenError {
  if (code === 'invalid_argument') {
    facts.message = inOurWords(facts.message)
    if (facts.problems !== undefined) facts.problems = facts.problems.map(inOurWords)
  }
  return placed(new XiezhenError({ ...facts, code: code as ErrorCode, cause: chain(causes) }), place)
}

/** The error, with the stack of a caller. */
function placed(error: XiezhenError, place: Place): XiezhenError {
  const stack = stackOf(place)
  const frames = stack?.indexOf('\n    at ') ?? -1
  if (stack !== undefined && frames >= 0) {
    const value = `XiezhenError: ${error.message}${stack.slice(frames)}`
    Object.defineProperty(error, 'stack', { value, configurable: true, writable: true })
  }
  return error
}

/** What was thrown, as a `XiezhenError` that points at the caller; what is not of this package stays as it is. */
export function translated(thrown: unknown, place: Place): unknown {
  if (thrown instanceof XiezhenError) return placed(thrown, place)
  // Of any realm: Jest gives the addon another one than the package.
  if (!types.isNativeError(thrown)) return thrown
  if ('failure' in thrown) return fromFailure(thrown.failure as Failure, place)
  const error = 'code' in thrown ? fromStatus(thrown, String(thrown.code)) : undefined
  return error === undefined ? thrown : placed(error, place)
}

/** napi's own error. Its message of a wrong argument has the value in it, which may be a credential. */
function fromStatus(thrown: Error, status: string): XiezhenError | undefined {
  if (/^(InvalidArg|[A-Z][A-Za-z]+Expected)$/.test(status)) return refused('an argument is not of its type')
  if (!/^(GenericFailure|PendingException|Cancelled|QueueFull|Closing|Unknown)$/.test(status)) return undefined
  const message = `a defect of xiezhen, please report it: ${thrown.message}`
  return new XiezhenError({ code: 'internal', message, cause: thrown })
}
