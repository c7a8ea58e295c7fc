// Callbacks: addresses that the service may call, a receiver, and adapters for web servers. Everything is decided by the
// addon: an adapter reads a request, and writes the status.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type InspectOptions, inspect } from 'node:util'
import type { Callbacks as Handle, RawHint, Receiver as RawReceiver } from '../native'
import { native } from './addon'
import { type Abortable, abortSignal, call, calls, withCallSite } from './call'
import { address, type Check, callable, checked, type Fields, fields, list, number, optional, text } from './check'
import { callSite, refused } from './error'
import { type HeaderSource, pairs } from './headers'
import { inspectAs } from './inspect'
import { environment } from './options'

/** What is done with a hint, beyond polling the task at once. */
export type OnHint = (hint: Hint) => unknown

/** Where callbacks come in, and what proves that an address is ours. */
export interface CallbacksOptions {
  /**
   * Where the receiver can be reached from outside, `https://…` (or `http://` on this machine); addresses are appended
   * to it. Without it, `XIEZHEN_CALLBACK_URL`.
   */
  publicUrl?: string | URL | undefined
  /**
   * Signs the addresses; at least 16 bytes. Several for rotation: the first signs, all are accepted. Without it,
   * `XIEZHEN_CALLBACK_SECRET`, where several are separated by commas.
   */
  secret?: string | Iterable<string> | undefined
}

/** How callbacks are received. */
export interface ListenOptions extends Abortable {
  /** Closes the receiver. */
  signal?: AbortSignal | undefined
  /** Hears of every hint, for as long as the receiver is open; that keeps the process alive. */
  onHint?: OnHint | undefined
}

/** How long a hint is waited for. */
export interface NextOptions extends Abortable {
  /** Without it, until the receiver is closed. */
  timeoutMs?: number | undefined
}

/** What a receiver of your own is to answer, and what it was told. */
export interface Received {
  /** 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long. */
  status: number
  /** The hint, where there is one. */
  hint?: Hint | undefined
}

/** A callback that came: a reason to poll now, and never more than that. */
export class Hint {
  /** The job's id, the store's key, or what `Callbacks.url` was given. */
  readonly key: string
  /** `t` for the training, a style's index for its generation; absent for a single call. */
  readonly slot: string | undefined
  /** Which create of that slot it belongs to; 0 for a single call. */
  readonly attempt: number
  /** Whatever looked like a task's id. */
  readonly taskIds: readonly string[]
  /** What looked like the user's id, if there was only one. */
  readonly userId: string | undefined
  /** Whether the address was made with one of our secrets. The content is a stranger's all the same. */
  readonly verified: boolean

  /** @internal Users get hints, or read them with `fromJSON`. */
  constructor(raw: RawHint) {
    this.key = raw.key
    this.slot = raw.slot
    this.attempt = raw.attempt
    this.taskIds = raw.taskIds
    this.userId = raw.userId
    this.verified = raw.verified
  }

  /** A hint as `JSON.stringify` wrote it, as text or parsed. Only take it from where nobody else can write. */
  static fromJSON(json: unknown): Hint {
    const written = typeof json === 'string' ? json : (JSON.stringify(json) ?? '')
    return new Hint(withCallSite(callSite(Hint.fromJSON), () => native.hintFromText(written)))
  }

  /** What `JSON.stringify` writes, for another process: the same in every language. */
  toJSON(): unknown {
    const { key, slot = null, attempt, taskIds, userId = null, verified } = this
    return { key, slot, attempt, task_ids: taskIds, user_id: userId, verified }
  }
}

/** A hint of this package, or one like it. */
export const hintText: Check<string> = (name, value) => {
  if (value instanceof Hint) return JSON.stringify(value)
  throw refused(`${name} must be a Hint`)
}

const ofCallbacks = {
  publicUrl: optional(address),
  secret: optional<string[]>((name, value) => (typeof value === 'string' ? [value] : list(text)(name, value))),
}
const onHintOf = optional(callable<OnHint>())
const ofSignal = { signal: optional(abortSignal) }
const ofListen: Fields<ListenOptions> = { ...ofSignal, onHint: onHintOf }
const ofNext: Fields<NextOptions> = { ...ofSignal, timeoutMs: optional(number) }

/** What `fastify` needs of an instance. */
interface FastifyLike {
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parse: (request: unknown, payload: IncomingMessage, done: (error: Error | null, body?: Buffer) => void) => void,
  ): unknown
  all(path: string, handle: (request: FastifyRequestLike, reply: FastifyReplyLike) => unknown): unknown
}
interface FastifyRequestLike {
  method: string
  raw: IncomingMessage
  body: unknown
}
interface FastifyReplyLike {
  code(status: number): FastifyReplyLike
  headers(headers: Record<string, string>): FastifyReplyLike
  send(body?: string): FastifyReplyLike
}

/**
 * Makes the callback addresses of creates, and recognises what comes back. Pass it to `run` as `callback`, and receive
 * with `listen`, or with an adapter in a web server of your own. What comes is handed to the jobs of this process that run
 * with this object, and then to `onHint`, if there is one.
 */
export class Callbacks {
  #handle: Handle

  /** Checks the options. */
  constructor(options?: CallbacksOptions) {
    this.#handle = withCallSite(callSite(Callbacks), () => {
      const { publicUrl, secret } = fields(ofCallbacks, options === undefined ? {} : options)
      return new native.Callbacks(publicUrl, secret, environment())
    })
  }

  /** @internal What the addon takes. */
  static handleOf(name: string, value: unknown): Handle {
    if (typeof value === 'object' && value !== null && #handle in value) return value.#handle
    throw refused(`${name} must be a Callbacks`)
  }

  /** Where addresses begin, without a trailing slash. */
  get publicUrl(): string {
    return this.#handle.publicUrl
  }

  /** The address for a single call, such as `createTask`. What is sent to it comes back as a `Hint` with this `key`. */
  url(key: string): string {
    return withCallSite(callSite(this.url), () => this.#handle.url(text('key', key)))
  }

  /**
   * Reads one request that came to a receiver of your own. Nobody is told: see `deliver`. Of the target, only the path's
   * last part and the query count; of a body, 64 KiB and one byte.
   */
  receive(method: string, target: string, headers: HeaderSource, body: Uint8Array): Received {
    return withCallSite(callSite(this.receive), () => {
      const { status, hint } = this.#handle.receive(
        text('method', method),
        text('target', target),
        pairs(headers),
        body,
      )
      return hint === undefined || hint === null ? { status } : { status, hint: new Hint(hint) }
    })
  }

  /** Hands a hint to the jobs of this process that run with these callbacks. What `listen` and the adapters do. */
  deliver(hint: Hint): void {
    withCallSite(callSite(this.deliver), () => this.#handle.deliver(hintText('hint', hint)))
  }

  /**
   * Receives callbacks on `address` (`127.0.0.1:8787`; port 0 takes a free one) until the receiver is closed. Plain HTTP:
   * a reverse proxy or a tunnel makes it public. Rejects with `io` if the address is in use or not allowed.
   */
  async listen(address: string, options?: ListenOptions): Promise<Receiver> {
    const given = () => checked({ address: [text, address] }, ofListen, options)
    let taken: ListenOptions = {}
    const start = ({ address, ...listening }: ReturnType<typeof given>) => {
      taken = listening
      return this.#handle.listen(calls, address)
    }
    const raw: RawReceiver = await call(this, callSite(this.listen), given, start)
    const receiver = new Receiver(raw, taken.onHint)
    if (taken.signal?.aborted === true) receiver.close()
    taken.signal?.addEventListener('abort', () => receiver.close(), { once: true })
    return receiver
  }

  /** For servers that speak `Request` and `Response`: Next, Hono, Bun, Deno. */
  fetch(onHint?: OnHint): (request: Request) => Promise<Response> {
    return async (request) => {
      const body = await read(request.body ?? [])
      const status = await this.#answer(request.method, request.url, request.headers, body, onHint)
      return new Response(null, { status, headers: answerHeaders(status) })
    }
  }

  /**
   * For `node:http`, and for Express: `app.use('/hooks', callbacks.node())`, before `express.json()` and other parsers of
   * bodies. One that comes first answers 400 to a body that is no JSON, and the hint is lost.
   */
  node(onHint?: OnHint): (request: IncomingMessage, response: ServerResponse) => void {
    return (request, response) => {
      const answer = async () => {
        const parsed = (request as { body?: unknown }).body
        const body = parsed === undefined ? await read(request) : again(parsed)
        const target = request.url ?? ''
        const status = await this.#answer(request.method ?? '', target, request.headers, body, onHint)
        response.writeHead(status, answerHeaders(status)).end()
      }
      // A peer that left in the middle of its body wants no answer.
      answer().catch(() => response.destroy())
    }
  }

  /** A plugin for Fastify: `app.register(callbacks.fastify(), { prefix: '/hooks' })`. It accepts every content type. */
  fastify(onHint?: OnHint): (instance: unknown) => Promise<void> {
    return async (given) => {
      const instance = given as FastifyLike
      instance.removeAllContentTypeParsers()
      instance.addContentTypeParser('*', (_request, payload, done) => {
        read(payload).then((body) => done(null, body), done)
      })
      const handle = async ({ method, raw, body }: FastifyRequestLike, reply: FastifyReplyLike) => {
        const status = await this.#answer(method, raw.url ?? '', raw.headers, again(body), onHint)
        return reply.code(status).headers(answerHeaders(status)).send()
      }
      instance.all('/', handle)
      instance.all('/*', handle)
    }
  }

  async #answer(
    method: string,
    target: string,
    headers: HeaderSource,
    body: Uint8Array,
    onHint: OnHint | undefined,
  ): Promise<number> {
    const { status, hint } = this.receive(method, target, headers, body)
    if (hint !== undefined) {
      this.deliver(hint)
      await tell(onHint, hint)
    }
    return status
  }

  /** @internal What `console.log` shows: where, and no secret. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return #handle in this ? inspectAs(this, { publicUrl: this.publicUrl }, depth, options) : '[Callbacks]'
  }
}

/** Receives callbacks until it is closed; iterating gives every hint. It keeps no process alive; waiting for hints does. */
export class Receiver implements AsyncIterable<Hint> {
  #handle: RawReceiver

  /** @internal `Callbacks.listen` makes it. */
  constructor(handle: RawReceiver, onHint: OnHint | undefined) {
    this.#handle = handle
    if (onHint !== undefined) this.#tell(onHint)
  }

  /** Where it listens, with the port that was chosen for port 0. */
  get address(): string {
    return this.#handle.address
  }

  /** The next hint; `null` once the receiver is closed, or if none comes within `timeoutMs`. */
  async next(options?: NextOptions): Promise<Hint | null> {
    const given = () => checked({}, ofNext, options)
    const start = ({ timeoutMs }: ReturnType<typeof given>) => this.#handle.next(calls, timeoutMs)
    const hint: RawHint | null | undefined = await call(this, callSite(this.next), given, start)
    return hint === null || hint === undefined ? null : new Hint(hint)
  }

  /** Stops listening. */
  close(): void {
    this.#handle.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Hint, void, undefined> {
    for (let hint = await this.next(); hint !== null; hint = await this.next()) yield hint
  }

  async #tell(onHint: OnHint): Promise<void> {
    for await (const hint of this) await tell(onHint, hint)
  }
}

/** A callback's answer does not depend on what is made of it. */
async function tell(onHint: OnHint | undefined, hint: Hint): Promise<void> {
  try {
    await onHint?.(hint)
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error))
  }
}

/** A body, or the most of it that is of use. The rest is read and forgotten, so that its sender hears the answer. */
async function read(body: AsyncIterable<unknown> | Iterable<never>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of body) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array)
    if (length <= native.MAX_CALLBACK_BYTES) pieces.push(bytes)
    length += bytes.length
    if (length > 16 * native.MAX_CALLBACK_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, native.MAX_CALLBACK_BYTES + 1)
}

/** A body that somebody has parsed already. */
function again(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array()
  if (body instanceof Uint8Array) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function answerHeaders(status: number): Record<string, string> {
  return status === 405 ? { Allow: native.CALLBACK_METHODS } : {}
}
