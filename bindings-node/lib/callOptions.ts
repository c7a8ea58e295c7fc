// The options of each call of a client, and their checks.

import type { LogRecord, Style, Task } from '../native'
import { type Abortable, abortSignal } from './call'
import { type Hint, hintText, Callbacks as Receiving } from './callbacks'
import { address, callable, type Fields, list, number, optional, style, text } from './check'
import type { XiezhenError } from './error'
import type { Event } from './event'
import type { Job } from './job'
import type { JobKey, Jobs } from './jobs'
import {
  type AdvanceSettings,
  ofAdvance as advance,
  type ClientSettings,
  type RunManySettings,
  type RunSettings,
  ofRun as run,
  ofRunMany as runMany,
} from './options'

/**
 * Where, who, and limits. What is absent comes from the environment (`XIEZHEN_BASE_URL`, and `XIEZHEN_APP_CODE` or
 * `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`) or is the default. A credential given here switches the environment's off.
 */
export interface ClientOptions extends ClientSettings {
  /**
   * Hears what the library logs: all clients of this process, those of other threads too. A closed or forgotten client
   * hears no more. If it throws, that is an uncaught exception of the process, as with any event listener.
   */
  onLog?: ((record: LogRecord) => void) | undefined
}

/** How a call is made. */
export interface CallOptions extends Abortable {
  /** Bounds the whole call, its repetitions included, rather than the client's `timeoutMs`; uploads too. */
  timeoutMs?: number | undefined
  /** How often this call may be sent again, in place of the client's `maxRetries`. */
  maxRetries?: number | undefined
}

/** How a create is made. */
export interface CreateOptions extends CallOptions {
  /** Where the service is to report that the task has ended. */
  callbackUrl?: string | URL | undefined
  /** Bounds the whole call rather than the client's `timeoutMs`. A create that was sent and ran out of
   * time is `outcome_unknown`. */
  timeoutMs?: number | undefined
}

/** How long is waited. */
export interface WaitOptions extends Abortable {
  /** Without it, a training may take 2 h and a generation 30 min. */
  timeoutMs?: number | undefined
}

/** How many are waited for. */
export interface WaitManyOptions extends WaitOptions {
  /** Hears of each task as it ends: its index, and the task or why there is none. */
  onEnd?: ((index: number, outcome: Task | XiezhenError) => unknown) | undefined
}

/** How a task is taken over. */
export interface AdoptOptions extends Abortable {
  /** The user id that the training has at the service. */
  userId?: string | undefined
  /** Which of several generations it is: the style as the job was given it. */
  style?: string | Style | undefined
}

/** How results are saved. */
export interface SaveResultsOptions extends CallOptions {
  /** The stem of the files' names. */
  name?: string | undefined
  /** Bounds all downloads together; without it, each may take as long as bytes keep moving. */
  timeoutMs?: number | undefined
}

/** How a job is advanced. */
export interface AdvanceOptions extends AdvanceSettings, Abortable {
  /** Creates tell the service to report to an address of these. */
  callback?: Receiving | undefined
  /** Hints that came for this job, to this process or another: their tasks are polled at once. */
  woken?: Iterable<Hint> | undefined
  /** Hears of progress, in order, all before the call ends. What it throws ends the call. */
  onEvent?: ((event: Event) => unknown) | undefined
}

/** How a job is run. */
export interface RunOptions extends RunSettings, Abortable {
  /** Creates tell the service to report to an address of these, and what comes back is acted on at once. */
  callback?: Receiving | undefined
  /** Hears of progress, in order, all before the run ends. What it throws ends the run. */
  onEvent?: ((event: Event) => unknown) | undefined
}

/** How many jobs are run. */
export interface RunManyOptions<J extends Jobs = Jobs> extends RunManySettings, Abortable {
  /** Creates tell the service to report to an address of these, and what comes back is acted on at once. */
  callback?: Receiving | undefined
  /** Hears of the progress of each job, by its index or its key. What it throws ends the call. */
  onEvent?: ((key: JobKey<J>, event: Event) => unknown) | undefined
  /** Hears of each job as it ends: the job, or why it failed. */
  onEnd?: ((key: JobKey<J>, outcome: Job | XiezhenError) => unknown) | undefined
}

/** The checks of each call's options. */
export const ofSignal: Fields<Abortable> = { signal: optional(abortSignal) }
export const ofWait: Fields<WaitOptions> = { ...ofSignal, timeoutMs: optional(number) }
export const ofWaitMany = { ...ofWait, onEnd: optional(callable<NonNullable<WaitManyOptions['onEnd']>>()) }
export const ofCall: Fields<CallOptions> = { ...ofWait, maxRetries: optional(number) }
export const ofAdopt = { ...ofSignal, userId: optional(text), style: optional(style) }
export const ofCreate = { ...ofCall, callbackUrl: optional(address) }
export const ofSaveResults: Fields<SaveResultsOptions> = { ...ofCall, name: optional(text) }
export const onLog = optional(callable<NonNullable<ClientOptions['onLog']>>())
const onEvent = optional(callable<(event: Event) => unknown>())
const ofCallback = { callback: optional(Receiving.handleOf) }
export const ofRunEvents = { ...ofSignal, ...run, ...ofCallback }
export const ofRun = { ...ofRunEvents, onEvent }
/** Of a job in a store. */
export const ofTurn = { ...ofSignal, ...advance, ...ofCallback, onEvent }
export const ofAdvance = { ...ofTurn, woken: optional(list(hintText)) }
export const ofRunMany = {
  ...ofSignal,
  ...runMany,
  ...ofCallback,
  onEvent: optional(callable<(key: string | number, event: Event) => unknown>()),
  onEnd: optional(callable<(key: string | number, outcome: Job | XiezhenError) => unknown>()),
}
