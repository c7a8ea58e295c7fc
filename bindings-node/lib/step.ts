// One turn at a job that a store holds: claim, photos, advance with the store as `save`, release (docs/design.md §10).

import { native } from './addon'
import type { Callbacks } from './callbacks'
import { callable, type Fields, flag, optional, path } from './check'
import type { Event } from './event'
import { Job, type Photo } from './job'
import type { Claim, NotClaimed, Store } from './store'

/** What a job's photos are given again as: all of them in their order, or some by their index. */
export type GivenPhotos = Iterable<Photo> | { [index: number]: Photo }

/** How a turn at a stored job is taken. */
export interface StepOptions {
  /** The folder for pictures, or a function that returns it for a key. */
  saveTo?: string | URL | ((key: string) => string | URL) | undefined
  /** Returns the photos of a key's job; called where some can't be read. */
  photos?: ((key: string) => GivenPhotos | Promise<GivenPhotos>) | undefined
  /** Hears of the job before it is over, done or failed; again if the process dies meanwhile. */
  onDone?: ((key: string, job: Job) => unknown) | undefined
  /** Hears of a job if nobody has learned the outcome of a create; otherwise `onDone` does. */
  onUnknown?: ((key: string, job: Job) => unknown) | undefined
  /** Hears of progress. */
  onEvent?: ((event: Event) => unknown) | undefined
  /** Takes up a job that is over, and starts again, and is billed for, what failed or is unknown. */
  recreate?: boolean | undefined
  /** Creates tell the service to report to an address of these, which has the job's key. */
  callback?: Callbacks | undefined
}

const told = optional(callable<(key: string, job: Job) => unknown>())
/** The checks of a turn's options; what it is called back by is checked where it is used. */
export const ofStep: Fields<StepOptions> = {
  saveTo: optional((name, value, index) =>
    typeof value === 'function' ? (value as (key: string) => string) : path(name, value, index),
  ),
  photos: optional(callable<NonNullable<StepOptions['photos']>>()),
  onDone: told,
  onUnknown: told,
  onEvent: optional(callable<(event: Event) => unknown>()),
  recreate: optional(flag),
  callback: (_, value) => value as Callbacks | undefined,
}

/** The milliseconds until the job is due again, `null` when it is over, or why there was no turn. */
export type Turn = number | null | NotClaimed

/** How the client advances a stored job. */
export type AdvanceStored = (
  key: string,
  job: Job,
  save: (job: Job) => Promise<void>,
  options: Pick<StepOptions, 'onEvent' | 'recreate' | 'callback'> & {
    saveTo: string | URL | undefined
    woken: string[]
  },
) => Promise<number | null>

/** How long a job is left alone that can't go on for now: an outage, a service that is away. */
const PAUSE_MS = 30_000
/** How long the answer to something billed is offered to a store that is away. */
const PATIENCE_MS = 120_000

/** How a turn ends: whom to tell, and when the job is due again; `null`: it is over. */
interface End {
  tell?: 'onDone' | 'onUnknown'
  ms: number | null
}

/** `save` for `advance`: the store compares versions. Holds the lease of a turn that takes long. */
class Saver {
  /** Somebody else has the job: all that may still be saved is an answer that comes late. */
  isLost = false
  #open = false
  #last: Promise<unknown> = Promise.resolve()
  #renewal: NodeJS.Timeout

  constructor(
    readonly store: Store,
    public claim: Claim,
  ) {
    this.#renewal = setInterval(() => this.#renew(), store.leaseMs / 3).unref()
  }

  /** One save after the other: each brings the claim's version up to date. */
  save(json: string): Promise<void> {
    const saved = this.#last.then(() => this.#save(json))
    this.#last = saved.catch(() => {})
    return saved
  }

  async stop(): Promise<void> {
    clearInterval(this.#renewal)
    await this.#last
  }

  async #save(json: string): Promise<void> {
    const { open } = native.intents(json)
    // What may be all that tells of something billed is offered for longer.
    const giveUp = Date.now() + (this.#open && !open ? PATIENCE_MS : 0)
    for (;;) {
      try {
        await this.store.save(this.claim, json)
        this.#open = open
        return
      } catch (error) {
        const { name, claim } = error as { name?: unknown; claim?: Claim }
        // An earlier attempt got there, whose answer was lost.
        if (name === 'ConflictError' && claim?.json === json && claim.version === this.claim.version + 1) {
          Object.assign(this.claim, { json, version: claim.version })
          this.#open = open
          return
        }
        if (name === 'ConflictError' || name === 'StoreError') {
          this.isLost ||= name === 'ConflictError'
          if (claim !== undefined) this.claim = claim
          throw error
        }
        if (Date.now() >= giveUp) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }

  #renew(): void {
    this.#last = this.#last.then(async () => {
      if (this.isLost) return
      try {
        await this.store.save(this.claim, this.claim.json)
      } catch (error) {
        this.isLost ||= (error as { name?: unknown }).name === 'ConflictError'
        process.emitWarning(`the lease of job ${this.claim.key} could not be extended: ${(error as Error).message}`)
      }
    })
  }
}

function give(job: Job, missing: number[], photos: GivenPhotos): void {
  const given = Symbol.iterator in photos ? [...(photos as Iterable<Photo>)] : photos
  for (const index of missing) {
    const photo = given[index]
    if (photo !== undefined) job.givePhoto(index, photo)
  }
}

/** The answer to a create may come late, from a process that was frozen: it has one more lease. */
function unknown(claim: Claim, leaseMs: number): End {
  if (claim.ended) return { ms: null }
  if (claim.earlyMs > 0) return { ms: claim.earlyMs }
  if (!native.intents(claim.json).unknown) return { ms: leaseMs }
  return { tell: 'onUnknown', ms: null }
}

function endOf(job: Job, first: Claim, leaseMs: number, due: number | null, error: unknown): End {
  const isOver = job.stage === 'done' || job.stage === 'failed'
  if (isOver && native.intents(JSON.stringify(job)).unknown) return unknown(first, leaseMs)
  if (isOver) return { tell: 'onDone', ms: null }
  if (error === undefined) return { ms: due }
  const { retryAfterMs } = error as { retryAfterMs?: number }
  return { ms: Math.max(retryAfterMs ?? 0, PAUSE_MS) }
}

/** One turn at the job `key` of `store`. */
export async function takeTurn(store: Store, key: string, options: StepOptions, advance: AdvanceStored): Promise<Turn> {
  const claimed = await store.claim(key, { reopen: options.recreate })
  if (claimed.state !== 'claimed') return claimed
  const first = { ...claimed }
  const saver = new Saver(store, claimed)
  let end: End
  try {
    const job = Job.fromJSON(claimed.json)
    end = await turn(key, job, first, saver, options, advance)
    if (saver.isLost) return { state: 'busy', ms: 0 }
    const tell = end.tell === 'onUnknown' ? (options.onUnknown ?? options.onDone) : end.tell && options.onDone
    await tell?.(key, job)
  } catch (error) {
    // What the caller's own functions threw, or the store did: the job is due again soon.
    await saver.stop()
    if (!saver.isLost) await store.release(saver.claim, PAUSE_MS).catch(() => {})
    throw error
  } finally {
    await saver.stop()
  }
  await store.release(saver.claim, end.ms)
  return end.ms
}

async function turn(
  key: string,
  job: Job,
  first: Claim,
  saver: Saver,
  options: StepOptions,
  advance: AdvanceStored,
): Promise<End> {
  const { leaseMs } = saver.store
  const missing = job.missingPhotos()
  if (missing.length > 0 && options.photos !== undefined) give(job, missing, await options.photos(key))
  const lacks = job.missingPhotos().map((index) => index + 1)
  // The core waits for them, and ends the job once that has taken a day.
  if (lacks.length > 0) {
    process.emitWarning(`job ${key} waits for photos that can't be read here: ${lacks.join(', ')}`)
  }
  const saveTo = typeof options.saveTo === 'function' ? options.saveTo(key) : options.saveTo
  const woken = first.woken.map((hint) => hint ?? '')
  const { onEvent, recreate, callback } = options
  const how = { saveTo, woken, onEvent, recreate, callback }
  let due: number | null = null
  let failure: unknown
  try {
    due = await advance(key, job, (job) => saver.save(JSON.stringify(job)), how)
  } catch (error) {
    const { code, name } = error as { code?: unknown; name?: unknown }
    if (name !== 'XiezhenError' && name !== 'StoreError' && typeof code !== 'string') throw error
    failure = error
  }
  const end = endOf(job, first, leaseMs, due, failure)
  if (failure !== undefined && !saver.isLost) {
    const then = end.tell === undefined ? `goes on in ${end.ms} ms` : 'is over'
    process.emitWarning(`job ${key} ${then}: ${(failure as Error).message}`)
  }
  return end
}
