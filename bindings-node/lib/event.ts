// What happens to a job.

import type { RawEvent } from '../native'
import { type CallSite, fromFailure, type XiezhenError } from './error'
import type { Job } from './job'

/** Something that happened to a job. Events come in order; none is lost, but upload bytes are coalesced. */
export type Event =
  | Exclude<RawEvent, { type: 'retrying' } | { type: 'finished' }>
  | Retrying
  | { type: 'finished' /** The job, done. */; job: Job }

/** A call failed and is made again. */
export interface Retrying {
  type: 'retrying'
  /** The call's name. */
  call: string
  /** Why it failed. */
  error: XiezhenError
  /** How long until it is made again. */
  delayMs: number
}

/** An event of the addon, as users hear of it whose run began at `site`. */
export function event(raw: RawEvent, job: Job, site: CallSite): Event {
  if (raw.type === 'retrying') {
    const { type, call, error, delay } = raw
    return { type, call, error: fromFailure(error, site), delayMs: delay * 1000 }
  }
  return raw.type === 'finished' ? { ...raw, job } : raw
}
