// Many jobs in one call: a list of them, or each under a key of its caller's.

import { type Check, object } from './check'
import { refused } from './error'
import { handleOf, type Job } from './job'

/** Jobs as a caller gives them: an array or another iterable, a `Map`, or an object, by their keys. */
export type Jobs = Iterable<Job> | ReadonlyMap<string, Job> | Readonly<Record<string, Job>>

/** What comes of each job, in the order or under the keys that the jobs were given by. */
export type Outcomes<J extends Jobs, T> = J extends ReadonlyMap<infer K, Job>
  ? Map<K, T>
  : J extends Iterable<Job>
    ? T[]
    : { [K in keyof J]: T }

/** How events name a job: by its index in a list, or by its key. */
export type JobKey<J extends Jobs> = J extends ReadonlyMap<infer K, Job>
  ? K
  : J extends Iterable<Job>
    ? number
    : keyof J

/** Jobs in order, with their keys if they have any. */
export interface JobList {
  jobs: Job[]
  keys: string[] | undefined
  /** The outcomes, in the shape that the jobs were given in. */
  shaped: (outcomes: unknown[]) => unknown
}

function keyed(entries: [unknown, unknown][], shaped: (entries: [string, unknown][]) => unknown): JobList {
  const keys = entries.map(([key]) => {
    if (typeof key !== 'string') throw refused('a key of jobs must be a string')
    return key
  })
  for (const [key, job] of entries) handleOf(`jobs[${JSON.stringify(key)}]`, job)
  const jobs = entries.map(([, job]) => job as Job)
  return { jobs, keys, shaped: (outcomes) => shaped(keys.map((key, index) => [key, outcomes[index]])) }
}

export const jobList: Check<JobList> = (name, given) => {
  const values = object(name, given)
  // Of this realm or another.
  if (Object.prototype.toString.call(values) === '[object Map]') {
    return keyed([...(values as unknown as Map<unknown, unknown>)], (entries) => new Map(entries))
  }
  if (Symbol.iterator in values) {
    const jobs = Array.from(values as unknown as Iterable<Job>)
    for (const [index, job] of jobs.entries()) handleOf(`${name}[${index}]`, job)
    return { jobs, keys: undefined, shaped: (outcomes) => outcomes }
  }
  return keyed(Object.entries(values), Object.fromEntries)
}
