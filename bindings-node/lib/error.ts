// The one class of errors, and how what the addon throws becomes one.

import { types } from 'node:util'
import type { Cause, Failure, Task } from '../native'
import { native } from './addon'
import { ownRealm } from './realm'

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
  /** The user model that a create has answered with, where the answer could not be saved. */
  declare readonly userId?: string
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

  /** An error of these facts, such as `toJSON` gives. */
  constructor({ message, cause, name: _, ...facts }: ErrorFacts & { name?: string }) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, { retryable: false }, facts)
  }

  /**
   * The error that came from elsewhere: as `toJSON` gives it, from another thread or realm, or a structured clone, which
   * keeps `code`, `message`, `cause` and the stack, and loses the rest. `undefined` if it is none of this package.
   */
  static from(value: unknown): XiezhenError | undefined {
    if (value instanceof XiezhenError) return value
    const { name, code, message, stack, cause } = Object(value) as Record<string, unknown>
    const trace = typeof stack === 'string' && types.isNativeError(value) ? stack : undefined
    const cloned = /^XiezhenError \[(\w+)\]/.exec(trace ?? '')?.[1]
    const known = codeOf(name === 'XiezhenError' ? code : cloned)
    if (known === undefined || typeof message !== 'string') return undefined
    const facts = { ...(value as object), code: known, message }
    const error = new XiezhenError(cause === undefined ? facts : { ...facts, cause: XiezhenError.from(cause) ?? cause })
    if (trace !== undefined) setStack(error, trace)
    return error
  }

  /** All that is known, for `JSON.stringify`, and for `postMessage`: a clone of an error itself loses most of it. */
  toJSON(): ErrorFacts & { name: string } {
    const { name, message, code, ...facts } = this
    const cause = this.cause === undefined ? {} : { cause: plainCause(this.cause) }
    return { name, message, code, ...facts, ...cause }
  }

  static {
    // On the prototype, where Error has its own: printed errors show it once.
    Object.defineProperty(XiezhenError.prototype, 'name', { value: 'XiezhenError', configurable: true, writable: true })
  }
}

const codes = new Set<unknown>(native.errorCodes())
const codeOf = (code: unknown) => (codes.has(code) ? (code as ErrorCode) : undefined)

function setStack(error: XiezhenError, value: string): void {
  Object.defineProperty(error, 'stack', { value, configurable: true, writable: true })
}

/** A cause as JSON can express it. */
function plainCause(cause: unknown): unknown {
  if (cause instanceof XiezhenError) return cause.toJSON()
  if (!types.isNativeError(cause)) return cause
  const deeper = cause.cause === undefined ? {} : { cause: plainCause(cause.cause) }
  return { name: cause.name, message: cause.message, ...deeper }
}

/** The stack of a caller, taken while it is still there. */
export type CallSite = { stack?: string }

/** A method or a class. */
type Callable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)

/** Where `method` was called. */
export function callSite(method: Callable): CallSite {
  const site: CallSite = {}
  Error.captureStackTrace(site, method)
  return site
}

/** The stack of a site, if there is one: programs may give stacks another form, or fail to. */
function stackOf(site: CallSite): string | undefined {
  try {
    return typeof site.stack === 'string' ? site.stack : undefined
  } catch {
    return undefined
  }
}

const callSites = new Map<string, CallSite>()

/**
 * A site that is the same object for the same stack: calls in their thousands come from few lines. It is written out
 * for that, where a site that is only taken costs less time.
 */
export function sharedSite(site: CallSite): CallSite {
  const stack = stackOf(site)
  if (stack === undefined) return site
  const same = callSites.get(stack)
  if (same !== undefined) return same
  if (callSites.size >= 100) callSites.clear()
  const written = { stack }
  callSites.set(stack, written)
  return written
}

/** The refusal of arguments that make no sense. */
export function refused(...problems: string[]): XiezhenError {
  return new XiezhenError({ code: 'invalid_argument', message: problems.join('; '), problems })
}

/** The causes of an error, as a chain. */
function chain([first, ...rest]: Cause[], site: CallSite): Error | undefined {
  if (first === undefined) return undefined
  const cause = chain(rest, site)
  if (first.code !== undefined)
    return withStackOf(new XiezhenError({ code: first.code as ErrorCode, message: first.message, cause }), site)
  return cause === undefined ? new Error(first.message) : new Error(first.message, { cause })
}

/** The error that users see for what the addon knows of it. It points at the call, whose caller stood at `site`. */
export function fromFailure({ code, causes, ...facts }: Failure, site: CallSite): XiezhenError {
  return withStackOf(new XiezhenError({ ...facts, code: code as ErrorCode, cause: chain(causes, site) }), site)
}

/** The error, with the stack of a caller, and its code in that as Node's own have it: clones of errors keep no more of it. */
function withStackOf(error: XiezhenError, site: CallSite): XiezhenError {
  const stack = stackOf(site)
  const frames = stack?.indexOf('\n    at ') ?? -1
  if (stack !== undefined && frames >= 0) {
    setStack(error, `XiezhenError [${error.code}]: ${error.message}${stack.slice(frames)}`)
  }
  return error
}

/** What was thrown, as a `XiezhenError` that points at the caller; what is not of this package stays as it is. */
export function translated(thrown: unknown, site: CallSite): unknown {
  if (thrown instanceof XiezhenError) return withStackOf(thrown, site)
  // Of any realm: Jest gives the addon another one than the package.
  if (!types.isNativeError(thrown)) return thrown
  if ('failure' in thrown) return fromFailure(ownRealm(thrown.failure as Failure), site)
  const error = 'code' in thrown ? fromStatus(thrown, String(thrown.code)) : undefined
  return error === undefined ? thrown : withStackOf(error, site)
}

/** napi's own error. Its message of a wrong argument has the value in it, which may be a credential. */
function fromStatus(thrown: Error, status: string): XiezhenError | undefined {
  if (/^(InvalidArg|[A-Z][A-Za-z]+Expected)$/.test(status)) return refused('an argument is not of its type')
  if (!/^(GenericFailure|PendingException|Cancelled|QueueFull|Closing|Unknown)$/.test(status)) return undefined
  const message = `a defect of xiezhen, please report it: ${thrown.message}`
  return new XiezhenError({ code: 'internal', message, cause: thrown })
}
