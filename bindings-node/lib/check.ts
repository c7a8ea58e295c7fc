// Arguments on their way to the addon. What is refused is named, with the type that it has and never its value: it may be
// a credential.

import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { refused, type XiezhenError } from './error'

/** Checks an argument that is called `name` (or is one of a list of that name), and makes of it what the addon takes. */
export type Check<T> = (name: string, value: unknown, index?: number) => T

/** The type of a value, in words. */
function type(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const maker = typeof value === 'object' ? (value as object).constructor : undefined
  const name = typeof maker === 'function' && maker.name !== '' ? maker.name : typeof value
  return /^([aeio]|un)/i.test(name) ? `an ${name}` : `a ${name}`
}

/** An argument that is not what it has to be. */
function unfit(name: string, index: number | undefined, needed: string, value: unknown): XiezhenError {
  const called = index === undefined ? name : `${name}[${index}]`
  return refused(`${called} must be ${needed}, not ${type(value)}`)
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
export const flag = plain<boolean>('a boolean', (value) => typeof value === 'boolean')
export const callable = plain<(...told: never[]) => unknown>('a function', (value) => typeof value === 'function')
const object = plain<Record<string, unknown>>('an object', (value) => typeof value === 'object' && value !== null)

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
  throw unfit(name, index, 'a path, a file: URL or a Uint8Array', value)
}

function fromURL(name: string, url: URL, index: number | undefined): string {
  const called = index === undefined ? name : `${name}[${index}]`
  if (url.protocol !== 'file:') throw refused(`${called} must be a file: URL, not one of ${url.protocol}`)
  try {
    return fileURLToPath(url.href)
  } catch (error) {
    throw refused(`${called} is no path: ${(error as Error).message}`)
  }
}

/** A check that lets pass what is absent; `null` is. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (name, value, index) => (value === undefined || value === null ? undefined : check(name, value, index))
}

/** The members of something iterable; none if it is absent. A string is never meant as a list of its letters. */
export function list<T>(name: string, values: unknown, check: Check<T>): T[] {
  if (values === undefined || values === null) return []
  if (typeof values !== 'object' || typeof (values as Iterable<unknown>)[Symbol.iterator] !== 'function') {
    throw unfit(name, undefined, 'an array', values)
  }
  return Array.from(values as Iterable<unknown>, (value, index) => check(name, value, index))
}

/** A check for each field, by its name. */
export type Fields<T> = { [K in keyof Required<T>]: Check<T[K]> }

/** The fields of an object, called by their own names or `within` its name; what is absent stays absent. */
export function fields<T>(checks: Fields<T>, given: unknown, within?: string): T {
  const values = object(within ?? 'options', given)
  const taken: Partial<T> = {}
  for (const name of Object.keys(checks) as (keyof T & string)[]) {
    const value = checks[name](within === undefined ? name : `${within}.${name}`, values[name])
    if (value !== undefined) taken[name] = value
  }
  return taken as T
}

/** An options object; an empty one if it is absent. */
export function given<T extends object>(options: T | undefined): T {
  return object('options', options ?? {}) as T
}
