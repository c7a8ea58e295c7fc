// The client: every call of the core, as a promise.

import { AsyncResource } from 'node:async_hooks'
import { type InspectOptions, inspect } from 'node:util'
import type { Created, Ended, Failure, Client as Handle, JobProgress, RawEvent, Style, Task } from '../native'
import { native } from './addon'
import { type Abortable, Callbacks, call, calls, refuseWithinSave, withCallSite } from './call'
import { Hint, hintText } from './callbacks'
import {
  type AdoptOptions,
  type AdvanceOptions,
  type CallOptions,
  type ClientOptions,
  type CreateOptions,
  ofAdopt,
  ofAdvance,
  ofCall,
  ofCreate,
  ofRun,
  ofRunEvents,
  ofRunMany,
  ofSaveResults,
  ofSignal,
  ofTurn,
  ofWait,
  ofWaitMany,
  onLog,
  type RunManyOptions,
  type RunOptions,
  type SaveResultsOptions,
  type WaitManyOptions,
  type WaitOptions,
} from './callOptions'
import { bare, callable, checked, fields, list, object, path, photo as source, text } from './check'
import { type CallSite, callSite, fromFailure, type XiezhenError } from './error'
import { type Event, event } from './event'
import { Events } from './events'
import { fleet } from './fleet'
import { inspectAs } from './inspect'
import { handleOf, type Job, type Photo } from './job'
import { type JobList, type Jobs, jobList, type Outcomes } from './jobs'
import { type ChangedOptions, environment, ofChanges, ofClient, taskOf } from './options'
import { type AdvanceStored, ofStep, type StepOptions, type Turn, takeTurn } from './step'
import type { Store } from './store'

const LEFT_BEHIND =
  'a create is still in flight whose caller has gone. It may be billed, so its answer is waited for, at most for as long ' +
  'as its own timeout.'
const ofNothing: Abortable = {}

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
    // `withOptions` brings a handle of its own.
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

  /** Uploads one photo and resolves with the service's path of it. It may take as long as bytes keep moving. */
  uploadFile(photo: Photo, options?: CallOptions): Promise<string> {
    const given = () => checked({ photo: [source, photo] }, ofCall, options)
    return call(this, callSite(this.uploadFile), given, ({ photo, timeoutMs, maxRetries }) =>
      this.#handle.uploadFile(calls, photo, timeoutMs, maxRetries),
    )
  }

  /**
   * Starts training a user model from 8 to 20 uploaded photos. This call is billed. It is sent again only if it
   * can't have been carried out; if it may have been, it rejects with `outcome_unknown`.
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
   * only if it can't have been carried out; if it may have been, it rejects with `outcome_unknown`.
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

  /** `waitTask` for many at once: thousands cost little more than their queries. The outcomes come in the order of the ids. */
  async waitMany(taskIds: Iterable<string>, options?: WaitManyOptions): Promise<(Task | XiezhenError)[]> {
    const site = callSite(this.waitMany)
    const callbacks = new Callbacks()
    let outcomes: (Task | XiezhenError)[] = []
    const ended = ({ index, task, error }: Ended): [number, Task | XiezhenError] => {
      const outcome = task ?? fromFailure(error as Failure, site)
      outcomes[index] = outcome
      return [index, outcome]
    }
    const given = () => checked({ taskIds: [list(text), taskIds] }, ofWaitMany, options)
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
    const given = () => checked({ job: [handleOf, job], save: [callable<typeof save>(), save] }, ofAdvance, options)
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
    const given = () => checked({ job: [handleOf, job] }, ofTurn, options)
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
    return this.#run(callSite(this.run), job, ofRun, options, new Callbacks())
  }

  /** `run`, event by event: the last one is `{ type: 'finished', job }`. Leaving the loop cancels the run. */
  runEvents(job: Job, options?: Omit<RunOptions, 'onEvent'>): AsyncGenerator<Event, void, undefined> {
    const site = callSite(this.runEvents)
    return new Events((onEvent) => {
      const callbacks = new Callbacks()
      const ended = this.#run(site, job, ofRunEvents, options, callbacks, onEvent)
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
    const given = () => checked({ jobs: [jobList, jobs] }, ofRunMany, options)
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
    of: Partial<typeof ofRun>,
    options: RunOptions | undefined,
    callbacks: Callbacks,
    tell?: (event: Event) => unknown,
  ): Promise<Job> {
    const given = () => checked({ job: [handleOf, job] }, of as typeof ofRun, options)
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

  /** Cancels all calls in flight and frees the connections. Later calls reject with `invalid_argument`. */
  close(): void {
    withCallSite(callSite(this.close), () => this.#handle.close())
  }

  /** @internal What `console.log` shows: where, and never who. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    // A proxy of a client is none.
    return #handle in this ? inspectAs(this, { baseUrl: this.#handle.baseUrl }, depth, options) : '[Client]'
  }
}
