// The twelve requests, through every web server there is an adapter for, and through the embedded receiver.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server, request as send } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { Callbacks, Client, Hint, Job, XiezhenError } from 'xiezhen'
import { appCode, type Counts, freePort, photos, simulator, style, until } from './simulator.mjs'

const space = await simulator()

interface Asked {
  name: string
  method: string
  path: string
  type?: string
  body?: string | number
  status: number
  task_ids?: string[]
  user_id?: string
}

const repository = process.env.XIEZHEN_REPOSITORY ?? ''
const shared = JSON.parse(readFileSync(join(repository, 'tests', 'callbacks', 'requests.json'), 'utf8'))
// Frameworks are for this test only: they are the repository's, not the package's.
const framework = createRequire(join(repository, 'bindings-node', 'package.json'))
const ours = (): Callbacks => new Callbacks({ publicUrl: 'https://shop.example/hooks', secret: shared.secret })

/** Serves; gives the port and what closes it. */
type Served = { port: number; close: () => unknown }
type Serve = (callbacks: Callbacks, onHint: (hint: Hint) => unknown) => Promise<Served>

function listening(server: Server): Promise<Served> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      resolve({ port, close: () => server.close() })
    })
  })
}

/** A handler of `Request`s on `node:http`, as Next and others have it. */
function onFetch(handle: (request: Request) => Response | Promise<Response>): RequestListener {
  return async (incoming, response) => {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const method = incoming.method ?? ''
    const body = method === 'GET' || pieces.length === 0 ? null : Buffer.concat(pieces)
    const headers = incoming.headers as Record<string, string>
    const answer = await handle(new Request(`http://shop.example${incoming.url}`, { method, headers, body }))
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }
}

const servers: Record<string, Serve> = {
  http: (callbacks, onHint) => listening(createServer(callbacks.node(onHint))),
  express: (callbacks, onHint) => {
    const app = framework('express')()
    app.use('/hooks', callbacks.node(onHint))
    return listening(createServer(app))
  },
  'express with a JSON parser behind it': (callbacks, onHint) => {
    const express = framework('express')
    const app = express()
    app.use('/hooks', callbacks.node(onHint))
    app.use(express.json())
    return listening(createServer(app))
  },
  fastify: async (callbacks, onHint) => {
    const app = framework('fastify')()
    app.register(callbacks.fastify(onHint), { prefix: '/hooks' })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: app.server.address().port, close: () => app.close() }
  },
  hono: (callbacks, onHint) => {
    const { Hono } = framework('hono')
    const app = new Hono()
    const handle = callbacks.fetch(onHint)
    app.all('/hooks/*', (context: { req: { raw: Request } }) => handle(context.req.raw))
    return listening(createServer(onFetch((request) => app.fetch(request))))
  },
  'a route of Next': (callbacks, onHint) => listening(createServer(onFetch(callbacks.fetch(onHint)))),
  embedded: async (callbacks, onHint) => {
    const receiver = await callbacks.listen('127.0.0.1:0', { onHint })
    return { port: Number(receiver.address.split(':').pop()), close: () => receiver.close() }
  },
}

function ask(port: number, callbacks: Callbacks, { method, path, type, body }: Asked): Promise<number> {
  const token = callbacks.url(shared.key).split('/').pop() ?? ''
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`
  const sent = typeof body === 'number' ? ' '.repeat(body) : (body ?? '')
  const headers = {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(method === 'GET' || method === 'DELETE' ? {} : { 'content-length': sent.length }),
  }
  const target = path.replace('TOKEN', token).replace('FORGED', forged)
  return new Promise((resolve, reject) => {
    const asked = send({ port, host: '127.0.0.1', method, path: target, headers }, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode === 405) assert.equal(answer.headers.allow, 'GET, POST, PUT')
        resolve(answer.statusCode ?? 0)
      })
    })
    asked.on('error', reject).end(sent)
  })
}

for (const [name, serve] of Object.entries(servers)) {
  test(`the twelve requests: ${name}`, async () => {
    const callbacks = ours()
    const hints: Hint[] = []
    const { port, close } = await serve(callbacks, (hint) => hints.push(hint))
    const expected: unknown[] = []
    for (const asked of shared.requests as Asked[]) {
      assert.deepEqual([asked.name, await ask(port, callbacks, asked)], [asked.name, asked.status])
      if (asked.status === 204) expected.push([asked.task_ids, asked.user_id, shared.key, undefined, 0, true])
    }
    await until(() => hints.length >= expected.length)
    await close()
    assert.deepEqual(
      hints.map((hint) => [hint.taskIds, hint.userId, hint.key, hint.slot, hint.attempt, hint.verified]),
      expected,
    )
  })
}

test('a JSON parser in front of it takes the body, which is read all the same where it was JSON', async () => {
  const express = framework('express')
  const app = express()
  const hints: Hint[] = []
  app.use(express.json())
  app.use(
    '/hooks',
    ours().node((hint) => hints.push(hint)),
  )
  const { port, close } = await listening(createServer(app))
  assert.equal(await ask(port, ours(), shared.requests[0]), 204)
  // What it costs to come after a parser of bodies.
  assert.equal(await ask(port, ours(), shared.requests[6]), 400)
  await close()
  assert.deepEqual(
    hints.map(({ taskIds }) => taskIds),
    [['a']],
  )
})

test('a receiver is iterated, closed, and says what it can not have', async () => {
  const callbacks = ours()
  const stop = new AbortController()
  const receiver = await callbacks.listen('127.0.0.1:0', { signal: stop.signal })
  assert.equal(await receiver.next({ timeoutMs: 0 }), null)
  await ask(Number(receiver.address.split(':').pop()), callbacks, shared.requests[0])
  const hint = await receiver.next()
  assert.deepEqual(Hint.fromJSON(JSON.stringify(hint)), hint)
  assert.deepEqual(Hint.fromJSON(JSON.parse(JSON.stringify(hint))), hint)
  await assert.rejects(
    callbacks.listen(receiver.address),
    (error) => error instanceof XiezhenError && error.code === 'io' && error.message.includes(receiver.address),
  )
  stop.abort()
  for await (const _ of receiver) assert.fail('closed')
})

test('what does not fit is refused, everything at once', () => {
  const refused = (options: object, problems: number) =>
    assert.throws(
      () => new Callbacks(options),
      (error) => error instanceof XiezhenError && error.problems?.length === problems,
    )
  refused({ publicUrl: 'http://shop.example', secret: 'short' }, 2)
  refused({}, 2)
  refused({ publicUrl: 7, secret: [7] }, 2)
  process.env.XIEZHEN_CALLBACK_URL = 'https://shop.example/'
  process.env.XIEZHEN_CALLBACK_SECRET = 'the first of the secrets, the second of the secrets'
  const callbacks = new Callbacks()
  const old = new Callbacks({ secret: 'the second of the secrets' }).url('k')
  assert.equal(callbacks.receive('POST', old, [], new Uint8Array()).status, 204)
  assert.equal(callbacks.url('k'), new Callbacks({ secret: ['the first of the secrets'] }).url('k'))
  assert.throws(() => Hint.fromJSON('{}'), XiezhenError)
  assert.throws(() => callbacks.deliver({} as Hint), XiezhenError)
})

test('jobs are called back, in this process and from another', async () => {
  const world = space('called-back')
  const port = await freePort()
  const callbacks = new Callbacks({ publicUrl: `http://127.0.0.1:${port}/hooks`, secret: shared.secret })
  // Only a callback ends these waits in time.
  const never = { initialMs: 600_000, factor: 1, maxMs: 600_000 }
  const client = new Client({ baseUrl: world.url, appCode, trainingSchedule: never, generationSchedule: never })
  const receiver = await callbacks.listen(`127.0.0.1:${port}`)
  const job = await client.run(new Job({ photos, styles: [style.name] }), { callback: callbacks, timeoutMs: 30_000 })
  assert.equal(job.stage, 'done')
  assert.equal((await world.control<Counts>('GET', 'counts')).requests.query_task, 2)

  for (let hint = await receiver.next({ timeoutMs: 0 }); hint !== null; ) hint = await receiver.next({ timeoutMs: 0 })
  const worker = new Callbacks({ publicUrl: callbacks.publicUrl, secret: shared.secret })
  const options = { callback: worker, callbackKey: 'row-7' }
  const other = new Job({ userId: job.userId, styles: [style.name] })
  assert.notEqual(await client.advance(other, () => {}, options), null)
  const hint = await receiver.next({ timeoutMs: 30_000 })
  assert.deepEqual([hint?.key, hint?.slot, hint?.attempt], ['row-7', '0', 1])
  assert.equal(await client.advance(other, () => {}, { ...options, woken: [hint as Hint] }), null)
  await client.notify(hint as Hint)
  receiver.close()
})

test('a hint that came to another process ends a wait, and wakes a run, when this one is notified', async () => {
  const world = space('notified')
  const never = { initialMs: 600_000, factor: 1, maxMs: 600_000 }
  const client = new Client({ baseUrl: world.url, appCode, trainingSchedule: never, generationSchedule: never })
  const callbacks = ours()
  /** As the other process receives it, and sends it here as JSON. */
  const told = (url: string, body: object): Hint => {
    const { status, hint } = callbacks.receive('POST', url, [], Buffer.from(JSON.stringify(body)))
    assert.equal(status, 204)
    return Hint.fromJSON(JSON.stringify(hint))
  }

  const taskId = await world.endless()
  const wait = client.waitTask(taskId, { timeoutMs: 30_000 })
  await world.had('query_task')
  await world.control('POST', `tasks/${taskId}`, { state: 3 })
  await client.notify(told(callbacks.url('any key'), { task_id: taskId }))
  assert.equal((await wait).state, 'succeeded')

  const userId = await world.control<{ user_id: string }[]>('GET', 'tasks').then(([task]) => task?.user_id ?? '')
  const job = new Job({ userId, styles: [style.id] })
  const run = client.run(job, { callback: callbacks, timeoutMs: 30_000 })
  const created = async () => (await world.control<{ id: string; callback_url?: string }[]>('GET', 'tasks')).at(-1)
  await until(async () => (await created())?.id !== taskId && job.portraits[0]?.taskId !== undefined)
  const { id, callback_url: url } = (await created()) as { id: string; callback_url: string }
  await world.control('POST', `tasks/${id}`, { state: 3 })
  const hint = told(url, { task_id: id })
  assert.deepEqual([hint.key, hint.slot, hint.verified], [job.id, '0', true])
  await client.notify(hint)
  await run
  assert.equal(job.stage, 'done')
})

test('what an adapter receives wakes the jobs of this process', async () => {
  const world = space('adapter')
  const userId = await world.trained()
  await world.set({ clock_scale: 0 })
  const never = { initialMs: 600_000, factor: 1, maxMs: 600_000 }
  const client = new Client({ baseUrl: world.url, appCode, generationSchedule: never })
  const callbacks = ours()
  const job = new Job({ userId, styles: [style.id] })
  const run = client.run(job, { callback: callbacks, timeoutMs: 30_000 })
  await until(() => job.portraits[0]?.taskId !== undefined)
  const taskId = job.portraits[0]?.taskId
  await world.control('POST', `tasks/${taskId}`, { state: 3 })
  const tasks = await world.control<{ id: string; callback_url?: string }[]>('GET', 'tasks')
  const url = tasks.find(({ id }) => id === taskId)?.callback_url ?? ''
  const answer = (body: string) => callbacks.fetch()(new Request(url, { method: 'POST', body }))
  // Nobody says beforehand how long this is.
  assert.equal((await answer('x'.repeat(70_000))).status, 413)
  assert.equal((await answer(JSON.stringify({ task_id: taskId }))).status, 204)
  assert.equal((await run).stage, 'done')
})
