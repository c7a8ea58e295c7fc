// The client: every call of the core, as a promise.

import { AsyncResource } from 'node:async_hooks'
import { type InspectOptions, inspect } from 'node:util'
import type {
  Created,
  Ended,
  Failure,
  Client as Handle,
  JobProgress,
  LogRecord,
  RawEvent,
  Style,
  Task,
} from '../native'
import { native } from './addon'
import { type Abortable, abortSignal, Callbacks, call, calls, refuseWithinSave, withCallSite } from './call'
import { Hint, hintText, Callbacks as Receiving } from './callbacks'
import {
  address,
  bare,
  type Check,
  callable,
  checked,
  type Fields,
  fields,
  list,
  number,
  object,
  optional,
  path,
  photo as source,
  style,
  text,
} from './check'
import { type CallSite, callSite, fromFailure, refused, type XiezhenError } from './error'
import { type Event, event } from './event'
import { Events } from './events'
import { fleet } from './fleet'
import { inspectAs } from './inspect'
import { handleOf, type Job, type Photo } from './job'
import { type JobKey, type JobList, type Jobs, jobList, type Outcomes } from './jobs'
import {
  type AdvanceSettings,
  type ChangedOptions,
  type ClientSettings,
  environment,
  ofAdvance,
  ofChanges,
  ofClient,
  ofRun,
  ofRunMany,
  type Run,
  type RunManySettings,
  type RunSettings,
  taskOf,
} from './options'
import { type AdvanceStored, ofStep, type StepOptions, type Turn, takeTurn } from './step'
import type { Store } from './stores/contract'

/**
 * Where, who, and limits. What is absent comes from the environment (`XIEZHEN_BASE_URL`, and `XIEZHEN_APP_CODE` or
 * `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`) or is the default. A credential given here switches the environment's off.
 */
export interface ClientOptions extends ClientSettings {
  /**
   * Hears what the library logs: all clients of this process, those of other threads too. A closed or forgotten client
   * hears no more. What it throws is an uncaught exception of the process, as of any event listener.
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
  /** Bounds all downloads together; without it, each may take as long as bytes move. */
  timeoutMs?: number | undefined
}

/** How a job is advanced. It never waits, and takes no `timeoutMs`. */
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

const LEFT_BEHIND =
  'a create is still in flight whose caller has gone. It may be billed, so its answer is waited for, at most for as long ' +
  'as its own timeout.'
const ofNothing: Abortable = {}
interface RawCallback {
  callback?: ReturnType<typeof Receiving.handleOf> | undefined
}
const ofCallback: Fields<RawCallback> = { callback: optional(Receiving.handleOf) }
const ofSignal: Fields<Abortable> = { signal: optional(abortSignal) }
const ofWait: Fields<WaitOptions> = { ...ofSignal, timeoutMs: optional(number) }
const ofCall: Fields<CallOptions> = { ...ofWait, maxRetries: optional(number) }
const ofAdopt = { ...ofSignal, userId: optional(text), style: optional(style) }
const ofCreate = { ...ofCall, callbackUrl: optional(address) }
const ofSaveResults: Fields<SaveResultsOptions> = { ...ofCall, name: optional(text) }
const onEvent = optional(callable<(event: Event) => unknown>())
const onJobEvent = optional(callable<(key: string | number, event: Event) => unknown>())
const onJobEnd = optional(callable<(key: string | number, outcome: Job | XiezhenError) => unknown>())
const onEnd = optional(callable<NonNullable<WaitManyOptions['onEnd']>>())
const onLog = optional(callable<NonNullable<ClientOptions['onLog']>>())
/** No option of `advance`, and the reason is worth a word. */
const boundless: Check<undefined> = (name, value) => {
  if (value === undefined || value === null) return undefined
  throw refused(`${name} is not an option of advance, which never waits: bound it with a signal`)
}

/** The client that one was made of: it hears the log for as long as any of them is used. */
const originals = new WeakMap<Client, Client>()

/** A connection to the service: where, who, limits. It keeps no process alive; its calls do. */
export class Client {
  /** @internal */
  static readonly fleet = {
    ...fleet,
    shareRate: (client: Client, reserve: (count: number) => Promise<number[]>) =>
      native.shareRate(client.#handle, reserve),
  }

  #handle: Handle
  /** Whether this keeps the process alive for creates whose callers have gone. */
  #awaiting = false

  /** Checks the options. Connects to nobody yet. */
  constructor(options?: ClientOptions) {
    // What `withOptions` makes is made already.
    if (options instanceof native.Client) {
      this.#handle = options
      return
    }
    this.#handle = withCallSite(callSite(Client), () => {
      const { onLog: listener, ...settings } = fields({ ...ofClient, onLog }, options === undefined ? {} : options)
      // In the context that the client was made in, whichever call's record it hears.
      const hear = listener && AsyncResource.bind(listener)
      return new native.Client(bare(settings), environment(), hear)
    })
  }

  /**
   * A client of the same connections, rate limit and uploads at a time, under other options. What is not given is as it
   * was; `headers` are in place of the client's. They close together.
   */
  withOptions(options: ChangedOptions): Client {
    const handle = withCallSite(callSite(this.withOptions), () =>
      this.#handle.withOptions(bare(fields(ofChanges, options))),
    )
    const changed = new Client(handle as ClientOptions)
    originals.set(changed, this)
    return changed
  }

  /** Uploads one photo and resolves with the service's path of it. It may take as long as bytes move. */
  uploadFile(photo: Photo, options?: CallOptions): Promise<string> {
    const given = () => checked({ photo: [source, photo] }, ofCall, options)
    return call(this, callSite(this.uploadFile), given, ({ photo, timeoutMs, maxRetries }) =>
      this.#handle.uploadFile(calls, photo, timeoutMs, maxRetries),
    )
  }

  /**
   * Starts training a user model from 8 to 20 uploaded photos. This call is billed. It is sent again only where nothing
   * can have been carried out: `outcome_unknown` says that it may have.
   */
  createUserModel(imgSet: Iterable<string>, options?: CreateOptions): Promise<Created> {
    const given = () => checked({ imgSet: [list(text), imgSet] }, ofCreate, options)
    const start = ({ imgSet, callbackUrl, timeoutMs, maxRetries }: ReturnType<typeof given>) =>
      this.#handle.createUserModel(calls, imgSet, callbackUrl, timeoutMs, maxRetries)
    return call(this, callSite(this.createUserModel), given, start, { onFailure: this.#awaitCreates })
  }

  /** The styles that pictures can be generated in. */
  listStyles(options?: CallOptions): Promise<Style[]> {
    const given = () => checked({}, ofCall, options)
    return call(this, callSite(this.listStyles), given, ({ timeoutMs, maxRetries }) =>
      this.#handle.listStyles(calls, timeoutMs, maxRetries),
    )
  }

  /**
   * Starts generating pictures of a trained model in one style, given by its id. This call is billed. It is sent again
   * only where nothing can have been carried out: `outcome_unknown` says that it may have.
   */
  createTask(userId: string, style: string, options?: CreateOptions): Promise<Created> {
    const given = () => checked({ userId: [text, userId], style: [text, style] }, ofCreate, options)
    const start = ({ userId, style, callbackUrl, timeoutMs, maxRetries }: ReturnType<typeof given>) =>
      this.#handle.createTask(calls, userId, style, callbackUrl, timeoutMs, maxRetries)
    return call(this, callSite(this.createTask), given, start, { onFailure: this.#awaitCreates })
  }

  /** One poll of a task. A failed task is a value here, not an error. */
  queryTask(taskId: string, options?: CallOptions): Promise<Task> {
    const given = () => checked({ taskId: [text, taskId] }, ofCall, options)
    return call(this, callSite(this.queryTask), given, ({ taskId, timeoutMs, maxRetries }) =>
      this.#handle.queryTask(calls, taskId, timeoutMs, maxRetries),
    )
  }

  /**
   * Polls a task until it has ended; outages are waited out. State 5 rejects with `task_failed`. Every error carries
   * the task's id: wait again to go on.
   */
  waitTask(taskId: string, options?: WaitOptions): Promise<Task> {
    const given = () => checked({ taskId: [text, taskId] }, ofWait, options)
    return call(this, callSite(this.waitTask), given, ({ taskId, timeoutMs }) =>
      this.#handle.waitTask(calls, taskId, timeoutMs),
    )
  }

  /** `waitTask` for many at once: thousands cost little more than their queries. The answers are in the order asked. */
  async waitMany(taskIds: Iterable<string>, options?: WaitManyOptions): Promise<(Task | XiezhenError)[]> {
    const site = callSite(this.waitMany)
    const callbacks = new Callbacks()
    let outcomes: (Task | XiezhenError)[] = []
    const ended = ({ index, task, error }: Ended): [number, Task | XiezhenError] => {
      const outcome = task ?? fromFailure(error as Failure, site)
      outcomes[index] = outcome
      return [index, outcome]
    }
    const given = () => checked({ taskIds: [list(text), taskIds] }, { ...ofWait, onEnd }, options)
    const start = ({ taskIds, timeoutMs, onEnd }: ReturnType<typeof given>) => {
      outcomes = Array(taskIds.length)
      callbacks.hear(onEnd ?? (() => {}), ended)
      return this.#handle.waitMany(calls, taskIds, timeoutMs)
    }
    await call(this, site, given, start, { callbacks })
    return outcomes
  }

  /**
   * "Poll this now", because a callback came: a task's id, or a `Hint` that another process or a receiver of your own has
   * received. Causes at most one poll a second; none if this client neither waits for the task nor runs the job.
   */
  async notify(task: string | Hint): Promise<void> {
    withCallSite(callSite(this.notify), () =>
      task instanceof Hint
        ? this.#handle.notifyHint(hintText('task', task))
        : this.#handle.notify(text('taskId', task)),
    )
  }

  /**
   * Fetches the pictures of a task that has ended into a folder, and resolves with their paths. Files appear whole or
   * not at all, and one that is there is kept.
   */
  saveResults(task: Task, saveTo: string | URL, options?: SaveResultsOptions): Promise<string[]> {
    const given = () => checked({ task: [taskOf, task], saveTo: [path, saveTo] }, ofSaveResults, options)
    return call(this, callSite(this.saveResults), given, ({ task, saveTo, name, timeoutMs, maxRetries }) =>
      this.#handle.saveResults(calls, task, saveTo, name, timeoutMs, maxRetries),
    )
  }

  /**
   * Does all that is due of a job, without waiting for the service's work. Resolves with the milliseconds until it
   * should be called again, or with `null` when the job is over.
   *
   * Before each create, the job notes the intent and `save` is called; if that throws or rejects, nothing is sent.
   * After each answer it is called again.
   */
  async advance(job: Job, save: (job: Job) => unknown, options?: AdvanceOptions): Promise<number | null> {
    const site = callSite(this.advance)
    const callbacks = new Callbacks()
    const of = {
      ...ofSignal,
      ...ofAdvance,
      ...ofCallback,
      woken: optional(list(hintText)),
      onEvent,
      timeoutMs: boundless,
    }
    const given = () => checked({ job: [handleOf, job], save: [callable<typeof save>(), save] }, of, options)
    const start = (taken: ReturnType<typeof given>) => {
      const { job: handle, save, onEvent, signal: _, callback, woken, ...settings } = taken
      refuseWithinSave(job)
      const hear = callbacks.hear(onEvent, (raw: RawEvent) => [event(raw, job, site)])
      return this.#handle.advance(
        calls,
        handle,
        callbacks.save(job, () => save(job)),
        bare(settings),
        hear,
        callback,
        woken,
      )
    }
    const due: number | null | undefined = await call(this, site, given, start, {
      callbacks,
      onFailure: this.#awaitCreates,
    })
    return due ?? null
  }

  /**
   * One turn at a job that a store of `xiezhen/stores` holds: claims it, does all that is due, gives it back. Resolves with
   * the milliseconds until it is due again, `null` when it is over, or why there was no turn.
   *
   * Many processes may call this with one key: one has a turn, and nothing is billed twice.
   */
  async step(store: Store, key: string, options?: StepOptions): Promise<Turn> {
    const given = () => checked({ store: [object, store], key: [text, key] }, ofStep, options)
    const { store: _, key: name, ...how } = withCallSite(callSite(this.step), given)
    return takeTurn(store, name, how, this.#advanceStored)
  }

  #advanceStored: AdvanceStored = async (key, job, save, { woken, ...options }) => {
    const callbacks = new Callbacks()
    const of = { ...ofSignal, ...ofAdvance, ...ofCallback, onEvent }
    const given = () => checked({ job: [handleOf, job] }, of, options)
    const start = ({ job: handle, onEvent, signal: _, callback, ...settings }: ReturnType<typeof given>) => {
      const hear = callbacks.hear(onEvent, (raw: RawEvent) => [event(raw, job, {})])
      const saves = callbacks.save(job, () => save(job))
      return this.#handle.advanceStored(calls, handle, saves, bare(settings), key, woken, hear, callback)
    }
    const due: number | null | undefined = await call(this, {}, given, start, {
      callbacks,
      onFailure: this.#awaitCreates,
    })
    return due ?? null
  }

  /**
   * Brings a job to its end: uploads, trains, generates, waits, saves. Resolves with the same job.
   *
   * With a `checkpoint`, a run that was killed at any instant resumes where it left off: nothing that was confirmed is
   * uploaded or billed again. If it rejects, the job holds all that was known.
   */
  run(job: Job, options?: RunOptions): Promise<Job> {
    return this.#run(callSite(this.run), job, { onEvent }, options, new Callbacks())
  }

  /** `run`, event by event: the last one is `{ type: 'finished', job }`. Leaving the loop cancels the run. */
  runEvents(job: Job, options?: Omit<RunOptions, 'onEvent'>): AsyncGenerator<Event, void, undefined> {
    const site = callSite(this.runEvents)
    return new Events((onEvent) => {
      const callbacks = new Callbacks()
      const ended = this.#run(site, job, {}, options, callbacks, onEvent)
      return { ended, stop: () => callbacks.stop() }
    })
  }

  /**
   * Brings many jobs to their end, side by side under this client's rate limit. Resolves with the job or a `XiezhenError`
   * each: in the order of a list, or under the keys of a `Map` or an object. One that fails stops no other, and aborting
   * leaves every job resumable. The same job twice is refused before anything is sent.
   */
  async runMany<J extends Jobs>(jobs: J, options?: RunManyOptions<J>): Promise<Outcomes<J, Job | XiezhenError>> {
    const site = callSite(this.runMany)
    const callbacks = new Callbacks()
    let outcomes: (Job | XiezhenError)[] = []
    let shaped: JobList['shaped'] = (outcomes) => outcomes
    const of = { ...ofSignal, ...ofRunMany, ...ofCallback, onEvent: onJobEvent, onEnd: onJobEnd }
    const given = () => checked({ jobs: [jobList, jobs] }, of, options)
    const start = ({ jobs: list, onEvent, onEnd, signal: _, callback, ...settings }: ReturnType<typeof given>) => {
      for (const job of list.jobs) refuseWithinSave(job)
      outcomes = [...list.jobs]
      shaped = list.shaped
      const tell = ({ index, event: raw, failure }: JobProgress) => {
        const [job, key] = [list.jobs[index] as Job, list.keys?.[index] ?? index]
        if (raw !== undefined && raw !== null) return onEvent?.(key, event(raw, job, site))
        if (failure !== undefined && failure !== null) outcomes[index] = fromFailure(failure, site)
        return onEnd?.(key, outcomes[index] as Job | XiezhenError)
      }
      callbacks.hear(tell, (raw: JobProgress) => [raw])
      const handles = list.jobs.map((job) => handleOf('job', job))
      return this.#handle.runMany(calls, handles, list.keys, bare(settings), onEvent !== undefined, callback)
    }
    await call(this, site, given, start, { callbacks, onFailure: this.#awaitCreates })
    return shaped(outcomes) as Outcomes<J, Job | XiezhenError>
  }

  async #run(
    site: CallSite,
    job: Job,
    more: Partial<Fields<Pick<RunOptions, 'onEvent'>>>,
    options: RunOptions | undefined,
    callbacks: Callbacks,
    tell?: (event: Event) => unknown,
  ): Promise<Job> {
    const of = { ...ofSignal, ...ofRun, ...ofCallback, ...more } as Fields<
      Abortable & Run & RawCallback & Pick<RunOptions, 'onEvent'>
    >
    const given = () => checked({ job: [handleOf, job] }, of, options)
    const start = ({ job: handle, onEvent, signal: _, callback, ...settings }: ReturnType<typeof given>) => {
      refuseWithinSave(job)
      const hear = callbacks.hear(tell ?? onEvent, (raw: RawEvent) => [event(raw, job, site)])
      return this.#handle.run(calls, handle, bare(settings), hear, callback)
    }
    await call(this, site, given, start, { callbacks, onFailure: this.#awaitCreates })
    return job
  }

  /**
   * Takes over a task that the vendor's side shows, for the job's create whose outcome is unknown, once the service says
   * that it is of the right kind. `job.adopt` does the same, and the next run asks the service.
   */
  adopt(job: Job, taskId: string, options?: AdoptOptions): Promise<void> {
    const given = () => checked({ job: [handleOf, job], taskId: [text, taskId] }, ofAdopt, options)
    return call(this, callSite(this.adopt), given, ({ job, taskId, userId, style }) =>
      this.#handle.adopt(calls, job, taskId, userId, style),
    )
  }

  /**
   * Resolves once every create in flight has its answer, and the answer is saved: those of calls that were aborted, too.
   * A program that ends by itself waits for them; one that calls `process.exit` has to.
   */
  waitForCreates(options?: Abortable): Promise<void> {
    const given = () => checked({}, ofSignal, options)
    return call(this, callSite(this.waitForCreates), given, () => this.#handle.waitForCreates(calls))
  }

  /** Keeps the process alive until creates that a failed call has left behind have their answers. */
  #awaitCreates = (): void => {
    if (this.#awaiting) return
    this.#awaiting = true
    const warn = () => process.emitWarning(LEFT_BEHIND, { type: 'XiezhenWarning' })
    const patience = setTimeout(warn, 2000).unref()
    const ended = call(
      this,
      {},
      () => ofNothing,
      () => this.#handle.waitForCreates(calls),
    )
    ended
      .catch(() => {})
      .then(() => {
        clearTimeout(patience)
        this.#awaiting = false
      })
  }

  /** Cancels what is under way and frees the connections. Later calls reject with `invalid_argument`. */
  close(): void {
    withCallSite(callSite(this.close), () => this.#handle.close())
  }

  /** @internal What `console.log` shows: where, and never who. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    // A proxy of a client is none.
    return #handle in this ? inspectAs(this, { baseUrl: this.#handle.baseUrl }, depth, options) : '[Client]'
  }
}
