// Jobs as JSON, in whatever form they are at hand.

import { types } from 'node:util'
import { text } from './check'
import { refused } from './error'

/** The JSON of a job as text: given as text, as its bytes, parsed, or as the job. */
export function jsonText(json: unknown): string {
  if (typeof json === 'string') return json
  if (types.isUint8Array(json)) return new TextDecoder().decode(json)
  try {
    return text('json', JSON.stringify(json))
  } catch (error) {
    // In a circle, or with a BigInt in it.
    throw error instanceof TypeError ? refused('json has a value that JSON can not express') : error
  }
}
