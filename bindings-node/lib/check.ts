// Arguments on their way to the addon: every problem of a call at once. What is refused is named, with the type that it
// has and never its value: it may be a credential.

import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { refused, XiezhenError } from './error'
import { hint } from './photo'
import { suggestion } from './suggestion'

/** Checks an argument that is called `name` (or is one of a list of that name), and makes of it what the addon takes. */
export type Check<T> = (name: string, value: unknown, index?: number) => T

/** What was wrong so far. */
class Problems {
  readonly #found: string[] = []

  /** The outcome of a check; if it refuses, its problems are noted. What is not of this package is thrown on. */
  gather<T>(check: () => T): T | undefined {
    try {
      return check()
    } catch (thrown) {
      if (!(thrown instanceof XiezhenError) || thrown.problems === undefined) throw thrown
      this.#found.push(...thrown.problems)
      return undefined
    }
  }

  add(problem: string): void {
    this.#found.push(problem)
  }

  /** Throws what was found, if anything was. */
  raise(): void {
    if (this.#found.length > 0) throw refused(...this.#found)
  }
}

/** The type of a value, in words. */
function type(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const maker = typeof value === 'object' ? (value as object).constructor : undefined
  const name = typeof maker === 'function' && maker.name !== '' ? maker.name : typeof value
  return /^([aeio]|un)/i.test(name) ? `an ${name}` : `a ${name}`
}

const called = (name: string, index: number | undefined) => (index === undefined ? name : `${name}[${index}]`)

/** An argument that is not what it has to be. */
function unfit(name: string, index: number | undefined, needed: string, value: unknown, cure = ''): XiezhenError {
  return refused(`${called(name, index)} must be ${needed}, not ${type(value)}${cure}`)
}

/** A check of values that the addon takes as they are. */
function plain<T>(needed: string, fits: (value: unknown) => boolean): Check<T> {
  return (name, value, index) => {
    if (fits(value)) return value as T
    throw unfit(name, index, needed, value)
  }
}

export const text = plain<string>('a string', (value) => typeof value === 'string')
export const number = plain<number>('a number', (value) => typeof value === 'number')
export const position = plain<number>('an index from 0', (value) => Number.isInteger(value) && (value as number) >= 0)
export const flag = plain<boolean>('a boolean', (value) => typeof value === 'boolean')
export const object = plain<Record<string, unknown>>(
  'an object',
  (value) => typeof value === 'object' && value !== null,
)

/** A function. */
export function callable<F extends (...told: never[]) => unknown>(): Check<F> {
  return plain<F>('a function', (value) => typeof value === 'function')
}

/** A text that is one of few. */
export function word<T extends string>(words: Record<T, true>): Check<T> {
  return (name, value, index) => {
    const given = text(name, value, index)
    if (Object.hasOwn(words, given)) return given as T
    throw refused(`${name} must be one of ${Object.keys(words).join(', ')}`)
  }
}

/** A `URL` of any realm, or of who brings a class of their own. */
function isURL(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false
  const { href, protocol } = value as Partial<URL>
  return typeof href === 'string' && typeof protocol === 'string'
}

/** Where something is on the network: text, or a `URL`. */
export const address: Check<string> = (name, value, index) => {
  if (typeof value === 'string') return value
  if (isURL(value)) return value.href
  throw unfit(name, index, 'a string or a URL', value)
}

/** Where something is on disk: text, or a `file:` URL. */
export const path: Check<string> = (name, value, index) => {
  if (typeof value === 'string') return value
  if (isURL(value)) return fromURL(name, value, index)
  throw unfit(name, index, 'a path or a file: URL', value)
}

/** A photo: a path, a `file:` URL or bytes, of this realm or another. */
export const photo: Check<string | Uint8Array> = (name, value, index) => {
  if (typeof value === 'string' || types.isUint8Array(value)) return value
  if (isURL(value)) return fromURL(name, value, index)
  throw unfit(name, index, 'a path, a file: URL or a Uint8Array', value, hint(value))
}

/** A style: its name, its id, or as `listStyles` gives it. */
export const style: Check<string> = (name, value, index) => {
  const id = typeof value === 'object' && value !== null && Object.hasOwn(value, 'style') ? value : undefined
  if (id !== undefined) return text(`${called(name, index)}.style`, (id as { style: unknown }).style)
  return text(name, value, index)
}

function fromURL(name: string, url: URL, index: number | undefined): string {
  if (url.protocol !== 'file:') throw refused(`${called(name, index)} must be a file: URL, not one of ${url.protocol}`)
  try {
    return fileURLToPath(url.href)
  } catch (error) {
    throw refused(`${called(name, index)} is not a path: ${(error as Error).message}`)
  }
}

/** A check that lets pass what is absent; `null` is. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (name, value, index) => (value === undefined || value === null ? undefined : check(name, value, index))
}

/** A check of the members of something iterable; none if it is absent. A string is never meant as a list of letters. */
export function list<T>(check: Check<T>): Check<T[]> {
  return (name, values) => {
    if (values === undefined || values === null) return []
    if (typeof values !== 'object' || typeof (values as Iterable<unknown>)[Symbol.iterator] !== 'function') {
      throw unfit(name, undefined, 'an array', values)
    }
    const problems = new Problems()
    const members = Array.from(values as Iterable<unknown>, (value, index) =>
      problems.gather(() => check(name, value, index)),
    )
    problems.raise()
    return members as T[]
  }
}

/** A check for each field, by its name. */
export type Fields<T> = { [K in keyof Required<T>]: Check<T[K]> }

/** A copy without a prototype: what another package puts on every object is not an option of ours. */
export const bare = <T extends object>(own?: T): T => Object.assign(Object.create(null), own)

/**
 * The fields of an object, called by their own names or `within` its name; what is absent stays absent. Only its own
 * properties count. Of a `record`, those that nobody knows are left out; elsewhere they are refused.
 */
export function fields<T>(checks: Fields<T>, given: unknown, within?: string, record = false): T {
  const values = object(within ?? 'options', given)
  const problems = new Problems()
  const taken = bare<Partial<T>>()
  const full = (name: string) => (within === undefined ? name : `${within}.${name}`)
  for (const name of Object.keys(checks) as (keyof T & string)[]) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    const checked = problems.gather(() => checks[name](full(name), value))
    if (checked !== undefined) taken[name] = checked
  }
  for (const name of record ? [] : Object.keys(values)) {
    if (Object.hasOwn(checks, name) || values[name] === undefined) continue
    problems.add(`${full(name)} is not an option; ${suggestion(name, Object.keys(checks))}`)
  }
  problems.raise()
  return taken as T
}

/** What a call takes one by one: of each argument its check and its value. */
type Positional = Record<string, [check: Check<unknown>, value: unknown]>
/** Arguments that have been checked. */
type Checked<P extends Positional> = { [K in keyof P]: P[K][0] extends Check<infer T> ? T : never }

/** All arguments of a call: what it takes one by one, and its options. */
export function checked<P extends Positional, O>(positional: P, checks: Fields<O>, options: unknown): Checked<P> & O {
  const problems = new Problems()
  const taken = bare<Checked<P>>()
  for (const [name, [check, value]] of Object.entries(positional)) {
    taken[name as keyof P] = problems.gather(() => check(name, value)) as Checked<P>[keyof P]
  }
  const settings = problems.gather(() => fields(checks, options === undefined || options === null ? {} : options))
  problems.raise()
  return Object.assign(taken, settings)
}
