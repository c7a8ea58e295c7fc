// The one class of errors, and how what the addon throws becomes one.

import type { Cause, Failure, Task } from '../native'

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

const places = new Map<string, Place>()

/**
 * A place that is the same object for the same stack: calls in their thousands come from few lines. It is written out
 * for that, where a place that is only taken costs less time.
 */
export function shared(place: Place): Place {
  const { stack } = place
  // Programs may give stacks another form.
  if (typeof stack !== 'string') return place
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

/** The error that users see for what the addon knows of it. */
export function fromFailure({ code, causes, ...facts }: Failure): XiezhenError {
  return new XiezhenError({ ...facts, code: code as ErrorCode, cause: chain(causes) })
}

/** What was thrown, as a `XiezhenError` that points at the caller. */
export function translated(thrown: unknown, place: Place): unknown {
  const error = known(thrown)
  const frames = place.stack?.indexOf('\n    at ') ?? -1
  if (error !== undefined && frames >= 0) {
    const stack = `XiezhenError: ${error.message}${place.stack?.slice(frames)}`
    Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  }
  return error ?? thrown
}

/** Says of a value in JavaScript's own words that it is not of its type. */
function unfit(_: string, value: string, type: string): string {
  const names: Record<string, string> = { f64: 'Number', bool: 'Boolean' }
  return `${value} was given where a ${names[type] ?? type} is expected`
}

function known(thrown: unknown): XiezhenError | undefined {
  if (thrown instanceof XiezhenError) return thrown
  if (typeof thrown !== 'object' || thrown === null) return undefined
  if ('failure' in thrown) return fromFailure(thrown.failure as Failure)
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  // napi's own: an argument that it could not convert, or a panic.
  if (/^InvalidArg$|Expected$/.test(String(thrown.code))) {
    const message = thrown.message.replace(
      /^Failed to convert JavaScript value `(.+?) *` into rust type `(\w+)`/,
      unfit,
    )
    return new XiezhenError({ code: 'invalid_argument', message, problems: [message], cause: thrown })
  }
  const message = `a defect of xiezhen, please report it: ${thrown.message}`
  return new XiezhenError({ code: 'internal', message, cause: thrown })
}
