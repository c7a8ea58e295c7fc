// The client: every call of the core, as a promise.

import type {
  AdvanceSettings,
  Created,
  Ended,
  Failure,
  Client as Handle,
  LogRecord,
  RawEvent,
  RunSettings,
  ClientOptions as Settings,
  Style,
  Task,
} from '../native'
import { native } from './addon'
import { attempt, Callbacks, type CallOptions, call, calls } from './call'
import { fromFailure, here, type Place, refused, type XiezhenError } from './error'
import { type Event, event } from './event'
import { Job, list, type Photo, source } from './job'

/**
 * Where, who, and limits. What is absent comes from the environment (`XIEZHEN_BASE_URL`, and `XIEZHEN_APP_CODE` or
 * `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`) or is the default.
 */
export interface ClientOptions extends Settings {
  /** Hears what the library logs, all clients of this process together; a closed or forgotten client hears no more. */
  onLog?: (record: LogRecord) => void
}

/** How a create is made. */
export interface CreateOptions extends CallOptions {
  /** Where the service is to report that the task has ended. */
  callbackUrl?: string
}

/** How long is waited. */
export interface WaitOptions extends CallOptions {
  /** Without it, a training may take 2 h and a generation 30 min. */
  timeoutMs?: number
}

/** How many are waited for. */
export interface WaitManyOptions extends WaitOptions {
  /** Hears of each task as it ends: its index, and the task or why there is none. */
  onEnd?: (index: number, outcome: Task | XiezhenError) => unknown
}

/** How results are saved. */
export interface SaveResultsOptions extends CallOptions {
  /** What the files are called after. */
  style?: string
}

/** How a job is advanced. */
export interface AdvanceOptions extends AdvanceSettings, CallOptions {
  /** Hears of progress, in order, all before the call ends. What it throws ends the call. */
  onEvent?: (event: Event) => unknown
}

/** How a job is run. */
export interface RunOptions extends RunSettings, CallOptions {
  /** Hears of progress, in order, all before the run ends. What it throws ends the run. */
  onEvent?: (event: Event) => unknown
}

/** A connection to the service: where, who, limits. It keeps no process alive; its calls do. */
export class Client {
  #handle: Handle

  /** Checks the options. Connects to nobody yet. */
  constructor(options: ClientOptions = {}) {
    this.#handle = attempt(here(Client), () => {
      const onLog = options?.onLog ?? undefined
      if (onLog !== undefined && typeof onLog !== 'function') throw refused('onLog must be a function')
      return new native.Client(options, onLog)
    })
  }

  /** Uploads one photo and resolves with the service's path of it. It may take as long as bytes move. */
  uploadFile(photo: Photo, options?: CallOptions): Promise<string> {
    return call(here(this.uploadFile), options, () => this.#handle.uploadFile(calls, source(photo)))
  }

  /**
   * Starts training a user model from 8 to 20 uploaded photos. This is paid for, and sent again only where nothing can
   * have been carried out: `outcome_unknown` says that it may have.
   */
  createUserModel(imgSet: Iterable<string>, options?: CreateOptions): Promise<Created> {
    return call(here(this.createUserModel), options, ({ callbackUrl }) =>
      this.#handle.createUserModel(calls, list('imgSet', imgSet), callbackUrl),
    )
  }

  /** The styles that pictures can be generated in. */
  listStyles(options?: CallOptions): Promise<Style[]> {
    return call(here(this.listStyles), options, () => this.#handle.listStyles(calls))
  }

  /**
   * Starts generating pictures of a trained model in one style, given by its id. This is paid for, and sent again only
   * where nothing can have been carried out: `outcome_unknown` says that it may have.
   */
  createTask(userId: string, style: string, options?: CreateOptions): Promise<Created> {
    return call(here(this.createTask), options, ({ callbackUrl }) =>
      this.#handle.createTask(calls, userId, style, callbackUrl),
    )
  }

  /** One look at a task. A failed task is a value here, not an error. */
  queryTask(taskId: string, options?: CallOptions): Promise<Task> {
    return call(here(this.queryTask), options, () => this.#handle.queryTask(calls, taskId))
  }

  /**
   * Looks at a task until it has ended; outages are waited out. State 5 rejects with `task_failed`. Every error carries
   * the task's id: wait again to go on.
   */
  waitTask(taskId: string, options?: WaitOptions): Promise<Task> {
    return call(here(this.waitTask), options, ({ timeoutMs }) => this.#handle.waitTask(calls, taskId, timeoutMs))
  }

  /** `waitTask` for many at once: thousands cost little more than their queries. The answers are in the order asked. */
  async waitMany(taskIds: Iterable<string>, options?: WaitManyOptions): Promise<(Task | XiezhenError)[]> {
    const callbacks = new Callbacks()
    let outcomes: (Task | XiezhenError)[] = []
    const ended = ({ index, task, error }: Ended): [number, Task | XiezhenError] => {
      const outcome = task ?? fromFailure(error as Failure)
      outcomes[index] = outcome
      return [index, outcome]
    }
    const start = ({ timeoutMs, onEnd }: WaitManyOptions) => {
      const tasks = list('taskIds', taskIds)
      outcomes = Array(tasks.length)
      callbacks.hear('onEnd', onEnd ?? (() => {}), ended)
      return this.#handle.waitMany(calls, tasks, timeoutMs)
    }
    await call(here(this.waitMany), options, start, callbacks)
    return outcomes
  }

  /** "Look at this task now", because a callback came. Causes at most one look a second; none if nobody waits for it. */
  notify(taskId: string): void {
    attempt(here(this.notify), () => this.#handle.notify(taskId))
  }

  /**
   * Fetches the pictures of a task that has ended into a folder, and resolves with their paths. Files appear whole or
   * not at all, and one that is there is kept.
   */
  saveResults(task: Task, saveTo: string, options?: SaveResultsOptions): Promise<string[]> {
    return call(here(this.saveResults), options, ({ style }) => this.#handle.saveResults(calls, task, saveTo, style))
  }

  /**
   * Does all that is due of a job, without waiting for the service's work. Resolves with the milliseconds until it
   * should be called again, or with `null` when the job is over.
   *
   * Before each create, the job notes the intent and `save` is called; if that throws or rejects, nothing is sent.
   * After each answer it is called again.
   */
  async advance(job: Job, save: (job: Job) => unknown, options?: AdvanceOptions): Promise<number | null> {
    const callbacks = new Callbacks()
    const start = (options: AdvanceOptions) =>
      this.#handle.advance(
        calls,
        Job.handle(job),
        callbacks.save(typeof save === 'function' ? () => save(job) : save),
        options,
        callbacks.hear('onEvent', options.onEvent, (raw: RawEvent) => [event(raw, job)]),
      )
    return (
      (await call<number | null | undefined, AdvanceOptions>(here(this.advance), options, start, callbacks)) ?? null
    )
  }

  /**
   * Brings a job to its end: uploads, trains, generates, waits, saves. Resolves with the same job.
   *
   * With a `checkpoint`, a run that was cut off at any instant is taken up where it stood: nothing that was confirmed
   * is uploaded or paid for again. If it rejects, the job holds all that was known.
   */
  run(job: Job, options?: RunOptions): Promise<Job> {
    return this.#run(here(this.run), job, options, new Callbacks())
  }

  /** `run`, event by event: the last one is `{ type: 'finished', job }`. Leaving the loop cancels the run. */
  events(job: Job, options?: Omit<RunOptions, 'onEvent'>): AsyncGenerator<Event, void, undefined> {
    return this.#events(here(this.events), job, options)
  }

  async #run(place: Place, job: Job, options: RunOptions | undefined, callbacks: Callbacks): Promise<Job> {
    const start = (options: RunOptions) => {
      const hear = callbacks.hear('onEvent', options.onEvent, (raw: RawEvent) => [event(raw, job)])
      return this.#handle.run(calls, Job.handle(job), options, hear)
    }
    await call(place, options, start, callbacks)
    return job
  }

  async *#events(place: Place, job: Job, options: RunOptions | undefined): AsyncGenerator<Event, void, undefined> {
    const callbacks = new Callbacks()
    const events: Event[] = []
    let over = false
    let wake = () => {}
    const onEvent = (event: Event) => {
      events.push(event)
      wake()
    }
    const run = this.#run(place, job, { ...options, onEvent }, callbacks).finally(() => {
      over = true
      wake()
    })
    // What it rejects with is thrown below, after the events before it.
    run.catch(() => {})

    try {
      for (;;) {
        for (let next = events.shift(); next !== undefined; next = events.shift()) yield next
        if (over) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      await run
    } finally {
      callbacks.stop()
      await run.catch(() => {})
    }
  }

  /** Cancels what is under way and frees the connections. Later calls reject with `invalid_argument`. */
  close(): void {
    attempt(here(this.close), () => this.#handle.close())
  }
}
