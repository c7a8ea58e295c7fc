// What the client needs of a store that holds a fleet's jobs (docs/design.md §10). Those in `stores/` are above the client.

/** A job that is held. `save` and `release` take it; each `save` brings `version` and `json` up to date. */
export interface Claim {
  state: 'claimed'
  key: string
  json: string
  version: number
  /** The hint of each `wake` since the last turn; `null` for one without a hint. */
  woken: (string | null)[]
  /** By how much a `wake` brought this turn forward. */
  earlyMs: number
  /** The job has been over before, and was taken up again. */
  ended: boolean
  /** Held by somebody else: what is saved is an answer that came late. */
  late: boolean
}

/** Why there is no claim. */
export type NotClaimed =
  /** Somebody else holds the job, for `ms` at most. */
  | { state: 'busy'; ms: number }
  /** The job is due in `ms`. */
  | { state: 'early'; ms: number }
  /** Nothing more is to be done of the job. */
  | { state: 'over' }
  /** No job has this key. */
  | { state: 'absent' }

/** Where a fleet keeps its jobs. */
export interface Store {
  /** How long a job is held for, from its claim or its last save. */
  readonly leaseMs: number
  /** Stores a job that is due now. False, and nothing is changed, if the key is there. */
  put(key: string, json: string): Promise<boolean>
  /** Takes the lease of a job that is due. `reopen` takes up one that is over or not due, too. */
  claim(key: string, options?: { reopen?: boolean | undefined }): Promise<Claim | NotClaimed>
  /** Stores the job and extends its lease. Rejects with `ConflictError` if somebody else has claimed or saved it. */
  save(claim: Claim, json: string): Promise<void>
  /**
   * Gives the lease back: due in `ms`, or at once if it was woken; `null`: over. False if an intent is open, whose
   * answer may come (the lease runs out instead), or somebody else has the job.
   */
  release(claim: Claim, ms: number | null): Promise<boolean>
  /** Makes a job due now, or once it is released. False if it is over or absent. */
  wake(key: string, hint?: unknown): Promise<boolean>
  /** Keys of jobs that are due; each is given to one caller, and again after the lease if nothing came of it. */
  due(limit?: number): Promise<string[]>
  /** The job as it was last saved. */
  get(key: string): Promise<string | null>
  /** Permits of the fleet's rate: microseconds until the first, and between two. */
  reserve(count: number, requestsPerSecond: number): Promise<number[]>
}
