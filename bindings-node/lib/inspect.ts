// What `console.log` shows of an object: by itself it sees none of the private fields.

import { type InspectOptions, inspect } from 'node:util'

/** The class of an object, and `facts` of it unless it is shown too deep within others. */
export function inspectAs(of: object, facts: object, depth: number, options: InspectOptions): string {
  const { name } = of.constructor
  return depth < 0 ? `[${name}]` : `${name} ${inspect(facts, options)}`
}
