// Every code of the one table of errors, and what an error carries.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { ConflictError, type ErrorCode, Job, XiezhenError } from 'xiezhen'
import { addonPackage, first, photos, quick, type Space, simulator, style } from './simulator.mjs'

const space = await simulator()
const require = createRequire(import.meta.url)

/** A gateway's refusal. */
const refusal = (status: number, code: string, message: string, more = {}) => ({
  call: 'any',
  reply: { status, headers: { 'X-Ca-Error-Code': code, 'X-Ca-Error-Message': message, ...more } },
})

/** How each kind comes about. `internal` is a defect, of which there is none to show. */
const provoke: Record<Exclude<ErrorCode, 'internal'>, (world: Space) => Promise<unknown>> = {
  invalid_argument: (world) => world.client().uploadFile('/nowhere.jpg'),
  authentication: (world) => world.client({ appCode: 'wrong' }).listStyles(),
  permission: async (world) => {
    await world.fault(refusal(403, 'A403IP', 'Unauthorized'))
    return world.client().listStyles()
  },
  quota: async (world) => {
    await world.fault(refusal(403, 'B403MQ', 'Api Market Subscription quota exhausted'))
    return world.client().listStyles()
  },
  rate_limited: async (world) => {
    await world.fault(refusal(429, 'T429ID', 'Throttled by API', { 'Retry-After': '7' }))
    return world.client({ maxRetries: 0 }).listStyles()
  },
  api: (world) => world.client().queryTask('nobody'),
  protocol: async (world) => {
    await world.fault({ call: 'any', reply: { status: 200, body: '<html>a page</html>' } })
    return world.client({ maxRetries: 0 }).listStyles()
  },
  transport: async (world) => {
    await world.fault({ call: 'any', close: 'before' })
    return world.client({ maxRetries: 0 }).listStyles()
  },
  timeout: async (world) => {
    const client = world.client()
    return client.waitTask(await world.endless(client), { timeoutMs: 100 })
  },
  outcome_unknown: async (world) => {
    await world.fault({ call: 'create_task', close: 'after' })
    const client = world.client()
    return client.createTask(await world.trained(client), style.id)
  },
  task_failed: async (world) => {
    await world.set({ generation_outcome: 5 })
    const client = world.client()
    return client.waitTask((await client.createTask(await world.trained(client), style.id)).taskId)
  },
  cancelled: async (world) => {
    const client = world.client()
    const wait = client.waitTask(await world.endless(client))
    setTimeout(() => client.close(), 50)
    return wait
  },
  io: async (world) => {
    const checkpoint = join(await mkdtemp(join(tmpdir(), 'xiezhen-')), 'job.json')
    await writeFile(checkpoint, 'no job')
    return world.client().run(new Job({ photos }), { checkpoint })
  },
}

const caught = async (work: Promise<unknown>): Promise<XiezhenError> => {
  const error = await work.then(
    (value) => assert.fail(`resolved with ${inspect(value)}`),
    (error) => error,
  )
  assert.ok(error instanceof XiezhenError && error instanceof Error, inspect(error))
  return error
}

test('each code of the core is reached, or known to be a defect', async () => {
  const codes: string[] = require(addonPackage()).errorCodes()
  assert.deepEqual([...Object.keys(provoke), 'internal'].sort(), [...codes].sort())
  for (const [code, start] of Object.entries(provoke)) {
    const world = space(code)
    const error = await caught(start(world))
    assert.equal(error.code, code, inspect(error))
    assert.equal(error.name, 'XiezhenError')
    assert.ok(error.message.length > 10)
    const retryable = ['rate_limited', 'transport', 'timeout', 'cancelled'].includes(code)
    assert.equal(error.retryable, retryable, code)
    world.close()
  }
})

test('an error carries what is known', async () => {
  const world = space('facts')
  const client = world.client()
  const refused = await caught(client.queryTask('nobody'))
  assert.deepEqual([refused.httpStatus, refused.ret, refused.taskId], [200, 5001, 'nobody'])
  assert.ok(refused.requestId && refused.message.includes('no such task'))

  const photosMissing = await caught(client.run(new Job({ photos: [...photos.slice(2), '/no/1.jpg', '/no/2.jpg'] })))
  assert.equal(photosMissing.problems?.length, 2)

  const unknown = await caught(provoke.outcome_unknown(space('sent')))
  assert.match(unknown.sent ?? '', /20057d0c/)
  assert.ok(unknown.cause instanceof XiezhenError && unknown.cause.code === 'transport', inspect(unknown))
  assert.ok(unknown.cause.cause instanceof Error)

  const failed = await caught(provoke.task_failed(space('task')))
  assert.deepEqual([failed.task?.state, failed.task?.rawState, failed.taskId], ['failed', 5, failed.task?.id])

  const slow = await caught(provoke.rate_limited(space('slow')))
  assert.deepEqual([slow.retryAfterMs, slow.httpStatus, slow.gatewayCode], [7000, 429, 'T429ID'])
  assert.match((await caught(provoke.protocol(space('page')))).bodyStart ?? '', /^<html>/)
  assert.ok((await caught(provoke.io(space('file')))).path?.endsWith('job.json'))
})

test('a connection that is refused is a transport error with its cause', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const world = space('closed')
  const error = await caught(world.client({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 0 }).listStyles())
  assert.equal(error.code, 'transport')
  assert.match(inspect(error), /refused/)
})

test('a portrait says what went wrong with it, and the others are finished', async () => {
  const world = space('portrait')
  const other = '9ea64839-47df-4839-9823-cacac81eb933'
  await world.fault({ call: 'create_task', times: 1, reply: { status: 200, body: { ret: 77, msg: 'no', body: null } } })
  const job = new Job({ userId: await world.trained(), styles: [style.id, other] })
  const error = await caught(world.client().run(job))
  assert.equal(error.ret, 77)
  const [bad, good] = job.portraits.toSorted((one) => (one.error === undefined ? 1 : -1))
  assert.ok(bad?.error instanceof XiezhenError && bad.error.ret === 77)
  assert.deepEqual([good?.state, good?.error, job.stage], ['succeeded', undefined, 'failed'])
  assert.deepEqual([job.error?.ret, job.adoptable], [77, []])
})

test('the stack points at the line of the call', async () => {
  const client = space('stack').client()
  const line = (error: XiezhenError) => error.stack?.split('\n')[1] ?? ''
  const functions: [string, () => Promise<unknown>][] = [
    [
      'queryTask',
      async function atQueryTask() {
        return client.queryTask('')
      },
    ],
    [
      'waitMany',
      async function atWaitMany() {
        return client.waitMany('' as unknown as string[])
      },
    ],
    [
      'run',
      async function atRun() {
        return client.run(new Job())
      },
    ],
    [
      'uploadFile',
      async function atUploadFile() {
        return client.uploadFile('/nowhere.jpg')
      },
    ],
  ]
  for (const [name, start] of functions) {
    const error = await caught(start())
    assert.match(line(error), /errors\.test\.m/, `${name}: ${error.stack}`)
    assert.match(error.stack ?? '', new RegExp(`^XiezhenError \\[invalid_argument\\]: .*\\n.*at${name}`, 'is'))
    assert.ok(error.stack?.startsWith(`XiezhenError [${error.code}]: ${error.message}`))
  }
  const many = Array.from({ length: 600 }, () => caught(client.queryTask('nobody')))
  for (const error of await Promise.all(many)) assert.match(line(error), /errors\.test\.m/)
  const thrown = await caught(client.notify(5 as unknown as string))
  assert.match(line(thrown), /errors\.test\.m/)
})

test('errors that are handed over as values point at the call, too', async () => {
  const world = space('values')
  const client = world.client()
  const line = (error: unknown) => (error as Error).stack?.split('\n')[1] ?? ''
  const told: unknown[] = []
  async function atWaitMany() {
    return client.waitMany(['nobody'], { onEnd: (_, outcome) => told.push(outcome) })
  }
  told.push(...(await atWaitMany()))
  assert.equal(told.length, 2)
  for (const error of told) assert.match(line(error), /atWaitMany.*errors\.test\.m/)

  await world.fault({ call: 'upload_file', times: 1, reply: { status: 503 } })
  const retries: XiezhenError[] = []
  async function atRun() {
    return client.run(new Job({ photos }), {
      onEvent: (event) => event.type === 'retrying' && retries.push(event.error),
    })
  }
  await atRun()
  assert.match(line(retries[0]), /atRun.*errors\.test\.m/)

  await world.fault({ call: 'create_task', times: 1, reply: { status: 200, body: { ret: 77, msg: 'no', body: null } } })
  const job = new Job({ userId: await world.trained(), styles: [style.id] })
  await caught(client.run(job))
  function atPortraits() {
    return job.portraits[0]?.error
  }
  assert.match(line(atPortraits()), /atPortraits.*errors\.test\.m/)
})

test('whatever a program makes of stacks, a call settles', async () => {
  const client = space('stacks').client()
  const own = Error.prepareStackTrace
  const ways: (() => unknown)[] = [
    () => 5,
    () => [],
    () => {
      throw new Error('no stack')
    },
  ]
  try {
    for (const way of ways) {
      Error.prepareStackTrace = way
      const ended = await Promise.allSettled([client.queryTask('nobody'), client.waitMany(['nobody'])])
      Error.prepareStackTrace = own
      assert.equal(ended[0].status, 'rejected')
    }
  } finally {
    Error.prepareStackTrace = own
  }
})

test('what is refused is told in the names of Node', async () => {
  const client = space('names').client()
  assert.equal((await caught(client.createTask('', 's'))).problems?.[0], 'userId is empty')
  const path = await caught(client.uploadFile('/nowhere/user_id/task_id.jpg'))
  assert.match(path.message, /\/nowhere\/user_id\/task_id\.jpg/)
  assert.match((await caught(client.uploadFile('timeout'))).message, /photo timeout can't be read/)
  const job = new Job({ userId: 'u', styles: ['user_id'] })
  assert.match((await caught(client.run(job))).message, /"user_id"/)
})

test('in a realm of its own, as Jest has it, the package is the same', async () => {
  const folder = dirname(require.resolve('xiezhen'))
  const realm = createContext({ process, DOMException, AbortController, TextDecoder, Buffer })
  const loaded = new Map<string, { exports: Record<string, unknown> }>()
  const load = (file: string): Record<string, unknown> => {
    const known = loaded.get(file)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    loaded.set(file, module)
    const wanted = (id: string) =>
      id.startsWith('.') && !id.endsWith('.node') ? load(`${resolve(dirname(file), id)}.js`) : createRequire(file)(id)
    const source = `(function (exports, require, module, __dirname) {${readFileSync(file, 'utf8')}\n})`
    runInContext(source, realm, { filename: file })(module.exports, wanted, module, dirname(file))
    return module.exports
  }
  const inside = load(join(folder, 'index.js')) as unknown as typeof import('xiezhen')
  const options = { ...quick, baseUrl: space('realm').url }
  for (const refused of [() => new inside.Client({}), () => inside.Job.fromJSON('{}')]) {
    assert.throws(refused, (error) => error instanceof inside.XiezhenError && error.code === 'invalid_argument')
  }
  const client = new inside.Client(options)
  const refused = await client.waitTask('').catch((error) => error)
  assert.ok(!(refused instanceof XiezhenError) && XiezhenError.from(refused)?.code === 'invalid_argument')
  await assert.rejects(client.waitTask(''), (error) => error instanceof inside.XiezhenError)
  await assert.rejects(client.uploadFile(pathToFileURL('/nowhere.jpg')), /nowhere\.jpg can't be read/)

  // What is made by the addon is of the package's realm.
  const isOwn: (value: unknown) => boolean = runInContext(
    `(function own(value) {
      if (typeof value !== 'object' || value === null) return true
      return value instanceof Object && Array.isArray(value) === value instanceof Array && Object.values(value).every(own)
    })`,
    realm,
  )
  const job = new inside.Job({ photos, styles: [style.id] })
  const made: unknown[] = [job.photos, job.portraits, job.adoptable, job.missingPhotos()]
  await client.run(job, { onEvent: (event) => made.push(event) })
  made.push(job.portraits, await client.listStyles(), await inside.checkPhotos([first]))
  made.push(await client.queryTask('').catch((error) => error.problems))
  assert.equal(isOwn(made), false)
  for (const value of made) assert.ok(isOwn(value), inspect(value))
})

test('no credential is in an error', async () => {
  const secret = 'a-credential-of-mine'
  const error = await caught(space('secret').client({ appCode: secret }).uploadFile(first))
  assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret))
  assert.ok(!inspect(space('secret').client({ appCode: secret }), { depth: 9, showHidden: true }).includes(secret))
})

test('one class for ECMAScript modules and CommonJS', async () => {
  const common = require('xiezhen')
  assert.equal(common.XiezhenError, XiezhenError)
  assert.equal(common.Job, Job)
  assert.deepEqual(Object.keys(common).sort(), Object.keys(await import('xiezhen')).sort())
  const client = new common.Client({ baseUrl: 'https://x.test', appCode: 'x' })
  await assert.rejects(client.queryTask(''), XiezhenError)
  assert.ok(new common.XiezhenError({ code: 'io', message: 'mine' }) instanceof XiezhenError)
  // The stores are a bundle of their own, with none of these classes in it.
  const stores = require('xiezhen/stores')
  assert.ok(new stores.ConflictError({ json: '{}' }) instanceof ConflictError)
})
