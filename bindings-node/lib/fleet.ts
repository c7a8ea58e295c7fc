// What the entries `xiezhen/stores` and `xiezhen/bullmq` need of this one: they are files of their own, and must not have
// another copy of its classes.

import type { Intents, StoreTexts } from '../native'
import { native } from './addon'
import { withCallSite } from './call'

/** @internal */
export interface Fleet {
  storeTexts(): StoreTexts
  checkKey(key: string): void
  intents(json: string): Intents
}

/** @internal */
export const fleet: Fleet = {
  storeTexts: () => native.storeTexts(),
  checkKey: (key) => withCallSite({}, () => native.checkKey(key)),
  intents: (json) => native.intents(json),
}
