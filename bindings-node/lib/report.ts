// Photos, checked by themselves.

import type { PhotoReport } from '../native'
import { native } from './addon'
import { type Abortable, abortSignal, call, calls } from './call'
import { checked, list, optional, photo } from './check'
import { callSite } from './error'
import type { Photo } from './job'

/** How photos are checked. */
export interface CheckOptions extends Abortable {}

const ofCheck = { signal: optional(abortSignal) }

/**
 * Looks at photos as a job would, on another thread: decodes each, says what would be done to it before it is sent,
 * whether it would be refused, and what makes it train badly. Needs no client, and sends nothing: what is wrong with a
 * photo is in its report.
 */
export function checkPhotos(photos: Iterable<Photo>, options?: CheckOptions): Promise<PhotoReport[]> {
  const given = () => checked({ photos: [list(photo), photos] }, ofCheck, options)
  return call(undefined, callSite(checkPhotos), given, ({ photos }) => native.checkPhotos(calls, photos))
}
