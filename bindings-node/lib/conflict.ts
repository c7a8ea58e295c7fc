// What a store says of a job that somebody else has stored meanwhile.

import { jsonText } from './json'

/**
 * Thrown by `save` where the job was stored by somebody else since it was read. The job takes over `newest`; the answer
 * of a create is put into it, and `save` is called again. The call ends with `io`, retryable.
 */
export class ConflictError extends Error {
  /** The job as it is stored now, as JSON. */
  readonly newest: string

  constructor(newest: unknown) {
    super('the job was stored by somebody else meanwhile')
    this.newest = jsonText(newest)
  }

  static {
    Object.defineProperty(ConflictError.prototype, 'name', {
      value: 'ConflictError',
      configurable: true,
      writable: true,
    })
  }
}

/** The newest state that `save` has thrown, if that is what it threw. */
export function newestOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !Object.hasOwn(thrown, 'newest')) return undefined
  return jsonText((thrown as { newest: unknown }).newest)
}
