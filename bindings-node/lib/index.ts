// Client of an asynchronous AI portrait API on Alibaba Cloud's Marketplace: photos of a person in, portraits on disk.

export type {
  Created,
  JobPhoto,
  LogRecord,
  PhotoPlan,
  PhotoReport,
  PollSchedule,
  Stage,
  Style,
  Task,
  TaskKind,
  TaskState,
} from '../native'
export type { Abortable } from './call'
export {
  Callbacks,
  type CallbacksOptions,
  Hint,
  type ListenOptions,
  type NextOptions,
  type OnHint,
  type Received,
  Receiver,
} from './callbacks'
export type {
  AdoptOptions,
  AdvanceOptions,
  CallOptions,
  ClientOptions,
  CreateOptions,
  RunManyOptions,
  RunOptions,
  SaveResultsOptions,
  WaitManyOptions,
  WaitOptions,
} from './callOptions'
export { Client } from './client'
export { ConflictError } from './conflict'
export { type ErrorCode, type ErrorFacts, XiezhenError } from './error'
export type { Event, Retrying } from './event'
export { Job, type JobOptions, type Photo, type Portrait } from './job'
export type { JobKey, Jobs, Outcomes } from './jobs'
export type { ChangedOptions } from './options'
export { type CheckOptions, checkPhotos } from './report'
export type { GivenPhotos, StepOptions, Turn } from './step'
