// Options and tasks of users, as the addon takes them.

import type {
  AdvanceSettings as Advance,
  ChangedOptions as Changed,
  ClientOptions as Client,
  PollSchedule,
  RunSettings as Run,
  RunManySettings as RunMany,
  Task,
  TaskKind,
  TaskState,
} from '../native'
import {
  address,
  bare,
  type Check,
  type Fields,
  fields,
  flag,
  list,
  number,
  object,
  optional,
  path,
  text,
  word,
} from './check'
import { type HeaderSource, pairs } from './headers'

/** Options whose values may be a `URL` rather than text. */
type Locatable = 'baseUrl' | 'caFile' | 'saveTo' | 'checkpoint' | 'checkpoints'

/** Options as users may give them. */
type Given<T> = {
  [K in keyof T]: (K extends Locatable ? T[K] | URL : K extends 'headers' ? HeaderSource : T[K]) | undefined
}

export type { Run }
/** What a client is made of. */
export type ClientSettings = Given<Client>
/** What differs of a client that shares another's connections. */
export type ChangedOptions = Given<Changed>
/** How a job is advanced. */
export type AdvanceSettings = Given<Advance>
/** How a job is run. */
export type RunSettings = Given<Run>
/** How many jobs are run. */
export type RunManySettings = Given<RunMany>

const schedule = (name: string, value: unknown): PollSchedule =>
  fields<PollSchedule>({ initialMs: number, factor: number, maxMs: number }, value, name)

const headers: Check<[string, string][]> = (name, value) => pairs(object(name, value) as HeaderSource)

/** What may differ between clients that share connections. */
export const ofChanges: Fields<Changed> = {
  timeoutMs: optional(number),
  maxRetries: optional(number),
  trainingSchedule: optional(schedule),
  generationSchedule: optional(schedule),
  stage: optional(text),
  headers: optional(headers),
}
export const ofClient: Fields<Client> = {
  baseUrl: optional(address),
  appCode: optional(text),
  appKey: optional(text),
  appSecret: optional(text),
  ...ofChanges,
  connectTimeoutMs: optional(number),
  requestsPerSecond: optional(number),
  uploadConcurrency: optional(number),
  maxPhotoBytes: optional(number),
  maxPictures: optional(number),
  preparePhotos: optional(flag),
  caFile: optional(path),
  proxy: optional(text),
  allowHttp: optional(flag),
  allowPrivateResults: optional(flag),
  requireHttpsResults: optional(flag),
}
const ofJobs = { saveTo: optional(path), recreate: optional(flag) }
export const ofAdvance: Fields<Advance> = { ...ofJobs, callbackKey: optional(text), timeoutMs: optional(number) }
export const ofRun: Fields<Run> = {
  ...ofAdvance,
  checkpoint: optional(path),
  progress: optional(flag),
}

export const ofRunMany: Fields<RunMany> = {
  ...ofJobs,
  checkpoints: optional(path),
  concurrency: optional(number),
  timeoutMs: optional(number),
}

const states: Record<TaskState, true> = {
  waiting: true,
  running: true,
  succeeded: true,
  partly_succeeded: true,
  failed: true,
  unknown: true,
}
const kinds: Record<TaskKind, true> = { training: true, generation: true, unknown: true }
const ofTask: Fields<Task> = {
  id: text,
  state: word(states),
  rawState: number,
  kind: word(kinds),
  resultPaths: list(text),
  reason: optional(text),
}

/** A task that a call has resolved with. */
export const taskOf = (name: string, given: unknown): Task => fields(ofTask, given, name, true)

const variables = [
  'XIEZHEN_BASE_URL',
  'XIEZHEN_APP_CODE',
  'XIEZHEN_APP_KEY',
  'XIEZHEN_APP_SECRET',
  'XIEZHEN_CALLBACK_URL',
  'XIEZHEN_CALLBACK_SECRET',
  // Node's own, which it reads at its start: authorities to trust beside the system's.
  'NODE_EXTRA_CA_CERTS',
]

/** What this thread's environment says: a worker may have another than its process. */
export function environment(): Record<string, string> {
  const set = bare<Record<string, string>>()
  for (const name of variables) if (Object.hasOwn(process.env, name)) set[name] = String(process.env[name])
  return set
}
