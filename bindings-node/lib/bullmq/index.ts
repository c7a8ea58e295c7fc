// Portraits on a BullMQ that you have: jobs are rows in a store, and BullMQ carries the keys of those that are due. Nothing
// waits in the queue: no delays, no retries. A timer of each worker hands due keys over; a message that is lost or comes
// twice means nothing.

import { type ConnectionOptions, Queue, Worker, type WorkerOptions } from 'bullmq'
import { Client, type Event, Job, type StepOptions, type Turn } from '../index'
import type { Store } from '../store'

/** How portraits are made. */
export interface PortraitsOptions extends Omit<StepOptions, 'onEvent' | 'recreate'> {
  /** BullMQ's connection to its Redis. */
  connection: ConnectionOptions
  /** What all of its keys begin with, as in BullMQ. */
  prefix?: string | undefined
  /** A client, or what makes one. Who only submits needs none. */
  client?: Client | (() => Client) | undefined
  /** Hears of progress. */
  onEvent?: ((key: string, event: Event) => unknown) | undefined
  /** At most so many calls of the whole fleet in any second, in place of each client's own. */
  requestsPerSecond?: number | undefined
}

/** How often a worker asks which jobs are due, and how soon again if there were more than it could take. */
const ROUND_MS = 1000
const SOON_MS = 100
/** So many messages may wait for each turn of a worker; more keys are left to the store, which hands them out once. */
const BACKLOG = 2

/** The portraits of a fleet, under one name of a queue: in workers and in those who submit. */
export class Portraits {
  readonly store: Store
  readonly queue: Queue
  #name: string
  #options: PortraitsOptions
  #client: Client | undefined
  #worker: Worker | undefined
  #round: NodeJS.Timeout | undefined
  #handing: Promise<void> = Promise.resolve()
  #isClosing = false

  constructor(name: string, store: Store, options: PortraitsOptions) {
    this.#name = name
    this.store = store
    this.#options = options
    const { connection, prefix } = options
    this.queue = new Queue(name, { connection, ...(prefix === undefined ? {} : { prefix }) })
    this.queue.on('error', (error) => warn('the queue', error))
  }

  /** Has the job made, under a key of yours. False, and nothing is changed, if that key was submitted before. */
  submit(key: string, job: Job): Promise<boolean> {
    return this.store.put(key, JSON.stringify(job))
  }

  /** Has the job polled now: a callback came. False if it is over or was never submitted. */
  wake(key: string, hint?: unknown): Promise<boolean> {
    return this.store.wake(key, hint)
  }

  /** The job as it was last saved. */
  async job(key: string): Promise<Job | undefined> {
    const json = await this.store.get(key)
    return json === null ? undefined : Job.fromJSON(json)
  }

  /**
   * Takes over a task that the vendor's side shows, for a create whose outcome is unknown; the job goes on. `style`: which
   * portrait, if several are unknown.
   */
  async adopt(
    key: string,
    taskId: string,
    options: { userId?: string | undefined; style?: string | undefined } = {},
  ): Promise<void> {
    const claim = await this.store.claim(key, { reopen: true })
    if (claim.state !== 'claimed') throw new Error(`job ${key} can't be taken up now: ${claim.state}`)
    try {
      const job = Job.fromJSON(claim.json)
      if (options.style === undefined) job.adopt(taskId, { userId: options.userId })
      else job.adoptPortrait(taskId, options.style)
      await this.store.save(claim, JSON.stringify(job))
    } finally {
      await this.store.release(claim, 0)
    }
  }

  /** Takes up a job that is over, and starts again, and is billed for, what failed or is unknown. One turn, here. */
  recreate(key: string): Promise<Turn> {
    return this.#turn(key, true)
  }

  /** Starts a worker: `concurrency` turns side by side. */
  work(options: Omit<WorkerOptions, 'connection' | 'prefix'> = {}): Worker {
    if (this.#worker !== undefined) return this.#worker
    const { connection, prefix } = this.#options
    const worker = new Worker(this.#name, (message) => this.#turn(String(message.data.key), false), {
      concurrency: 8,
      // The store says who has a job. This count is never reset: with 1, two kills in a message's life end it.
      maxStalledCount: 1_000_000,
      ...options,
      connection,
      ...(prefix === undefined ? {} : { prefix }),
    })
    worker.on('error', (error) => warn('the worker', error))
    worker.on('failed', (message, error) => warn(`job ${message?.data?.key}`, error))
    this.#worker = worker
    this.#next(worker, ROUND_MS)
    return worker
  }

  /** Lets turns that have begun end, and leaves the queue. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#round)
    await this.#handing
    await this.#worker?.close()
    await this.queue.close()
  }

  /** The client of this process. */
  get client(): Client {
    this.#client ??= this.#made()
    return this.#client
  }

  #made(): Client {
    const { client: given, requestsPerSecond: rate } = this.#options
    const client = typeof given === 'function' ? given() : given
    if (client === undefined) throw new TypeError('Portraits was given no client: a worker needs one')
    if (rate !== undefined) Client.fleet.shareRate(client, (count) => this.store.reserve(count, rate))
    return client
  }

  #turn(key: string, recreate: boolean): Promise<Turn> {
    const { saveTo, photos, onDone, onUnknown, onEvent, callback } = this.#options
    const hear = onEvent && ((event: Event) => onEvent(key, event))
    return this.client.step(this.store, key, { saveTo, photos, onDone, onUnknown, onEvent: hear, recreate, callback })
  }

  #next(worker: Worker, ms: number): void {
    this.#round = setTimeout(() => {
      this.#handing = this.#handOver(worker).then((pauseMs) => {
        if (!this.#isClosing) this.#next(worker, pauseMs)
      })
    }, ms)
  }

  /** Hands over what is due, as long as the queue can take it; says when to do so again. */
  async #handOver(worker: Worker): Promise<number> {
    try {
      const room = BACKLOG * worker.concurrency - (await this.queue.getWaitingCount())
      const keys = room > 0 ? await this.store.due(room) : []
      const gone = { removeOnComplete: true, removeOnFail: true }
      if (keys.length > 0) {
        await this.queue.addBulk(keys.map((key) => ({ name: 'turn', data: { key }, opts: gone })))
      }
      return keys.length === room || room <= 0 ? SOON_MS : ROUND_MS
    } catch (error) {
      warn('what is due', error)
      return ROUND_MS
    }
  }
}

function warn(what: string, error: unknown): void {
  process.emitWarning(`${what} of xiezhen's portraits on BullMQ: ${error instanceof Error ? error.message : error}`)
}
