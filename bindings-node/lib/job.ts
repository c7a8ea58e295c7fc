// A job: the whole wish of one customer.

import { fileURLToPath } from 'node:url'
import type { Job as Handle, JobPhoto, RawPortrait, Stage } from '../native'
import { native } from './addon'
import { attempt } from './call'
import { fromFailure, here, refused, type XiezhenError } from './error'

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
  photos?: Iterable<Photo>
  /** The styles to generate, as names or ids. Without styles, the job trains only. */
  styles?: Iterable<string>
  /** A model that was trained before: no photos, no training. */
  userId?: string
}

/** Photos of one person and styles, on their way to pictures on disk. It changes in place as it advances. */
export class Job {
  #handle: Handle

  /** Nothing is read or checked until the job runs. */
  constructor({ photos, styles, userId }: JobOptions = {}) {
    this.#handle = attempt(
      here(Job),
      () => new native.Job(list('photos', photos).map(source), list('styles', styles), userId),
    )
  }

  /** A job as `JSON.stringify` wrote it, as text or parsed. Photos that were given as bytes have to be given again. */
  static fromJSON(json: unknown): Job {
    const text = typeof json === 'string' ? json : JSON.stringify(json)
    const job = new Job()
    job.#handle = attempt(here(Job.fromJSON), () => native.Job.fromText(text))
    return job
  }

  /** What `JSON.stringify` writes: all that is known, without photos' bytes and without any credential. */
  toJSON(): unknown {
    return JSON.parse(attempt(here(this.toJSON), () => this.#handle.toText()))
  }

  /** What the job is busy with. */
  get stage(): Stage {
    return this.#handle.stage
  }

  /** The user model, once the service has named it. */
  get userId(): string | undefined {
    return this.#handle.userId ?? undefined
  }

  /** The photos, in the order given. */
  get photos(): JobPhoto[] {
    return this.#handle.photos
  }

  /** One portrait a style, in the order given. */
  get portraits(): Portrait[] {
    return this.#handle.portraits.map(({ error, ...portrait }) =>
      error === undefined ? portrait : { ...portrait, error: fromFailure(error) },
    )
  }

  /**
   * Takes over a task that the vendor's side shows, for the create whose outcome is unknown. A training is adopted with
   * its user id. Of several generations, this is the first that is unknown: `adoptPortrait` says which.
   */
  adopt(taskId: string, options?: { userId?: string } | string): void {
    const userId = typeof options === 'string' ? options : options?.userId
    attempt(here(this.adopt), () => this.#handle.adopt(taskId, userId))
  }

  /** Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it). */
  adoptPortrait(taskId: string, style: string): void {
    attempt(here(this.adoptPortrait), () => this.#handle.adoptPortrait(taskId, style))
  }

  /** @internal */
  static handle(job: Job): Handle {
    if (typeof job !== 'object' || job === null || !(#handle in job)) throw refused('job must be a Job')
    return job.#handle
  }
}

/** A photo as the addon takes it. */
export function source(photo: Photo): string | Uint8Array {
  if (!(photo instanceof URL)) return photo
  if (photo.protocol !== 'file:') throw refused(`a photo's URL must be a file: URL, not ${photo.protocol}`)
  return fileURLToPath(photo)
}

/** A string is iterable too, but never meant as a list of its letters. */
export function list<T>(name: string, values: Iterable<T> | undefined): T[] {
  if (values === undefined || values === null) return []
  if (typeof values === 'string' || typeof values[Symbol.iterator] !== 'function') {
    throw refused(`${name} must be an array`)
  }
  return Array.from(values)
}
