// A job: the whole order of one customer.

import { type InspectOptions, inspect } from 'node:util'
import type { Job as Handle, JobPhoto, Portrait as RawPortrait, Stage, Style } from '../native'
import { native } from './addon'
import { withCallSite } from './call'
import { type Check, checked, fields, list, optional, photo, position, style, text } from './check'
import { callSite, fromFailure, refused, type XiezhenError } from './error'
import { inspectAs } from './inspect'
import { jsonText } from './json'
import { ownRealm } from './realm'

/** A photo: the path of a file, its `file:` URL, or its bytes (a `Buffer` or another `Uint8Array`). */
export type Photo = string | URL | Uint8Array

/** One style of a job, and what has become of it. */
export interface Portrait extends Omit<RawPortrait, 'error'> {
  /** What went wrong with this style. */
  error?: XiezhenError
}

/** What a job is made of. */
export interface JobOptions {
  /** 8 to 20 photos of one person; none if there is a `userId`. */
  photos?: Iterable<Photo> | undefined
  /** Photos that are at the service already, by the paths that `uploadFile` resolved with; they count as photos. */
  uploaded?: Iterable<string> | undefined
  /** The styles to generate, as names, ids or values of `listStyles`. Without styles, the job trains only. */
  styles?: Iterable<string | Style> | undefined
  /** A model that was trained before: no photos, no training. */
  userId?: string | undefined
}

/** Photos of one person and styles, on their way to pictures on disk. It changes in place as it advances. */
export class Job {
  #handle: Handle

  /** Nothing is read or checked until the job runs. */
  constructor(options?: JobOptions, ...rest: never[]) {
    this.#handle = withCallSite(callSite(Job), () => {
      const { photos, uploaded, styles, userId } = parts(options, rest)
      return new native.Job(photos, uploaded, styles, userId)
    })
  }

  /**
   * A job as `JSON.stringify` wrote it, as text, as its bytes, or parsed; one that another language of the SDK wrote, too.
   * Photos that were given as bytes have to be given again.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: taken off its class, as in texts.map(Job.fromJSON)
  static fromJSON<T extends Job = Job>(this: (new () => T) | void, json: unknown): T {
    const handle = withCallSite(callSite(Job.fromJSON), () => native.Job.fromText(jsonText(json)))
    // biome-ignore lint/complexity/noThisInStatic: a class made of this one gives its own
    const job = (typeof this === 'function' ? new this() : new Job()) as T
    job.#handle = handle
    return job
  }

  /**
   * What `JSON.stringify` writes: all that is known, without photos' bytes and without any credential. It is the same in
   * every language of the SDK, so its keys are in snake_case: store it as it is, and read the job's own fields.
   */
  toJSON(): unknown {
    return JSON.parse(withCallSite(callSite(this.toJSON), () => this.#handle.toText()))
  }

  /** What the job is busy with. */
  get stage(): Stage {
    return this.#handle.stage
  }

  /** The user model, once the service has named it. */
  get userId(): string | undefined {
    return this.#handle.userId ?? undefined
  }

  /** Its own id, which it is given when it is made. */
  get id(): string {
    return this.#handle.id
  }

  /** How often it was saved: a store may compare it, so that an older state never replaces a newer one. */
  get revision(): number {
    return this.#handle.revision
  }

  /** The training's task, once it was created. */
  get trainingTaskId(): string | undefined {
    return this.#handle.trainingTaskId ?? undefined
  }

  /** Where pictures are saved, once a run has said so. */
  get saveTo(): string | undefined {
    return this.#handle.saveTo ?? undefined
  }

  /** The photos, in the order given. */
  get photos(): JobPhoto[] {
    return ownRealm(this.#handle.photos)
  }

  /** One portrait a style, in the order given. */
  get portraits(): Portrait[] {
    const raw = ownRealm(this.#handle.portraits)
    const site = raw.some(({ error }) => error !== undefined) ? callSite(getter('portraits')) : {}
    return raw.map(({ error, ...portrait }) =>
      error === undefined ? portrait : { ...portrait, error: fromFailure(error, site) },
    )
  }

  /** What the job fails of, or has failed of: an unknown outcome before all else, then what went wrong first. */
  get error(): XiezhenError | undefined {
    const error = ownRealm(this.#handle.error)
    return error === undefined || error === null ? undefined : fromFailure(error, callSite(getter('error')))
  }

  /**
   * What `adopt` can take a task over for, because the outcome of its create is unknown: `null` for the training, and
   * styles as the job was given them.
   */
  get adoptable(): (string | null)[] {
    return ownRealm(this.#handle.adoptable)
  }

  /** The photos, by their index from 0, that are still to be uploaded and can't be read here: `givePhoto` gives them. */
  missingPhotos(): number[] {
    return ownRealm(this.#handle.missingPhotos())
  }

  /**
   * Gives one of the job's photos again, such as one that was given as bytes to the process that made the job. It is
   * read at once, and refused if it is another photo: its digest tells.
   */
  givePhoto(index: number, given: Photo): void {
    withCallSite(callSite(this.givePhoto), () => {
      const taken = checked({ index: [position, index], photo: [photo, given] }, {}, undefined)
      this.#handle.givePhoto(taken.index, taken.photo)
    })
  }

  /**
   * Takes over a task that the vendor's side shows, for the create whose outcome is unknown. A training is adopted with
   * its user id. Of several generations, this is the first that is unknown: `adoptPortrait` says which.
   */
  adopt(taskId: string, options?: { userId?: string | undefined } | string): void {
    withCallSite(callSite(this.adopt), () => {
      const given = typeof options === 'string' ? { userId: options } : options
      const { taskId: id, userId } = checked({ taskId: [text, taskId] }, { userId: optional(text) }, given)
      this.#handle.adopt(id, userId)
    })
  }

  /** Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it). */
  adoptPortrait(taskId: string, style: string): void {
    withCallSite(callSite(this.adoptPortrait), () =>
      this.#handle.adoptPortrait(text('taskId', taskId), text('style', style)),
    )
  }

  /** @internal What `console.log` shows. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    // A proxy of a job is none.
    if (!(#handle in this)) return '[Job]'
    const { stage, userId, photos, portraits } = this
    return inspectAs(this, { stage, userId, photos, portraits }, depth, options)
  }

  /** @internal */
  static handle(job: Job, name: string): Handle {
    if (typeof job !== 'object' || job === null || !(#handle in job)) throw refused(`${name} must be a Job`)
    return job.#handle
  }
}

/** The addon's half of a job. */
export const handleOf: Check<Handle> = (name, value) => Job.handle(value as Job, name)

const ofJob = { photos: list(photo), uploaded: list(text), styles: list(style), userId: optional(text) }

/** What a job is made of, taken from the one object that it is given. */
function parts(options: unknown, rest: unknown[]) {
  const isList = typeof options === 'object' && options !== null && Symbol.iterator in options
  if (isList || rest.length > 0) throw refused('a Job takes one object: new Job({ photos, styles })')
  return fields(ofJob, options ?? {})
}

/** A getter, as stacks know it. */
const getter = (name: keyof Job) => Object.getOwnPropertyDescriptor(Job.prototype, name)?.get as () => unknown
