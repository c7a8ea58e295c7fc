// A run, event by event.

import type { Event } from './event'

/** A run that has begun. */
export interface Begun {
  /** Settles with the run. */
  ended: Promise<unknown>
  /** Cancels it. */
  stop: () => void
}

/** Somebody who waits for the next event. */
interface Asking {
  resolve: (result: IteratorResult<Event, undefined>) => void
  reject: (error: unknown) => void
}

const done = Object.freeze({ done: true, value: undefined })

/** The events of a run. Written by hand: a generator can't be left while it waits for the next one. */
export class Events implements AsyncGenerator<Event, undefined, undefined> {
  readonly #begin: (onEvent: (event: Event) => void) => Begun
  #run: Begun | undefined
  readonly #told: Event[] = []
  readonly #asking: Asking[] = []
  /** Whether there is no more to come, and what the loop is to end with. */
  #over: { failed?: { error: unknown } } | undefined

  /** The run begins when the first event is asked for. */
  constructor(begin: (onEvent: (event: Event) => void) => Begun) {
    this.#begin = begin
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    return new Promise((resolve, reject) => {
      this.#asking.push({ resolve, reject })
      this.#start()
      this.#answer()
    })
  }

  /** Cancels the run and waits until it has let go of the job. Whoever waits for an event hears that there is none. */
  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#over = {}
    this.#told.length = 0
    this.#run?.stop()
    this.#answer()
    await this.#run?.ended.catch(() => {})
    return done
  }

  async throw(error: unknown): Promise<IteratorResult<Event, undefined>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #start(): void {
    if (this.#run !== undefined || this.#over !== undefined) return
    this.#run = this.#begin((event) => {
      if (this.#over === undefined) this.#told.push(event)
      this.#answer()
    })
    this.#run.ended.then(
      () => this.#end({}),
      (error) => this.#end({ failed: { error } }),
    )
  }

  #end(how: { failed?: { error: unknown } }): void {
    this.#over ??= how
    this.#answer()
  }

  /** Gives those who ask what there is, in order; a failure to one of them, once. */
  #answer(): void {
    while (this.#asking.length > 0) {
      const value = this.#told.shift()
      if (value === undefined && this.#over === undefined) return
      const asking = this.#asking.shift()
      const failed = value === undefined ? this.#over?.failed : undefined
      if (value !== undefined) asking?.resolve({ done: false, value })
      else if (failed === undefined) asking?.resolve(done)
      else {
        this.#over = {}
        asking?.reject(failed.error)
      }
    }
  }
}
