// Every call, with what it takes and what it gives.

import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { Client, Job, type Task, XiezhenError } from 'xiezhen'
import { appCode, first, photos, simulator, style } from './simulator.mjs'

const space = await simulator()

const invalid = (about: RegExp) => (error: unknown) =>
  error instanceof XiezhenError && error.code === 'invalid_argument' && about.test(error.message)

test('a photo is a path, a file: URL, a Buffer or a Uint8Array', async () => {
  const world = space('photos')
  const client = world.client()
  const bytes = await readFile(first)
  for (const photo of [first, pathToFileURL(first), bytes, new Uint8Array(bytes)]) {
    assert.match(await client.uploadFile(photo), /^user_upload\//)
  }
  const journal = await world.control<{ body: { sha256: string } }[]>('GET', 'journal')
  assert.equal(new Set(journal.map((entry) => entry.body.sha256)).size, 1)
})

test('a training, a generation, and their pictures', async () => {
  const world = space('whole')
  const client = world.client()
  const styles = await client.listStyles()
  assert.equal(styles.find((one) => one.name === style.name)?.style, style.id)

  const uploaded = await Promise.all(photos.map((photo) => client.uploadFile(photo)))
  const training = await client.createUserModel(uploaded, { callbackUrl: 'https://example.com/ended' })
  const model: Task = await client.waitTask(training.taskId, { timeoutMs: 60_000 })
  assert.deepEqual([model.id, model.kind, model.state, model.rawState], [training.taskId, 'training', 'succeeded', 3])

  const { taskId } = await client.createTask(training.userId, style.id)
  assert.equal((await client.queryTask(taskId)).kind, 'generation')
  const task = await client.waitTask(taskId)
  assert.equal(task.resultPaths.length, 3)

  const folder = await mkdtemp(join(tmpdir(), 'xiezhen-'))
  const files = await client.saveResults(task, folder, { name: '她' })
  assert.equal(files.length, 3)
  for (const file of files) assert.ok((await readFile(file)).length > 1000 && file.startsWith(join(folder, '她-')))

  const tasks = await world.control<{ id: string; callback_url: string | null }[]>('GET', 'tasks')
  assert.equal(tasks.find((one) => one.id === training.taskId)?.callback_url, 'https://example.com/ended')
})

test('many waits end in the order asked, and each is told of once', async () => {
  const client = space('many').client()
  const userId = await space('many').trained(client)
  const ids = await Promise.all([1, 2, 3].map(async () => (await client.createTask(userId, style.id)).taskId))
  const told = new Map<number, Task | XiezhenError>()
  const ended = await client.waitMany([...ids, 'nobody', ''], { onEnd: (index, outcome) => told.set(index, outcome) })
  assert.deepEqual(
    ended.map((one) => (one instanceof XiezhenError ? one.code : one.id)),
    [...ids, 'api', 'invalid_argument'],
  )
  assert.deepEqual([...told.keys()].sort(), [0, 1, 2, 3, 4])
  assert.ok(told.get(3) instanceof XiezhenError && (told.get(0) as Task).state === 'succeeded')
})

test('a thousand outcomes are all told before the call ends', async () => {
  const client = space('thousands').client()
  let told = 0
  const ended = await client.waitMany(Array(3000).fill(''), { onEnd: () => told++ })
  assert.deepEqual([ended.length, told], [3000, 3000])
})

test('notify makes a wait poll now', async () => {
  const world = space('notify')
  const trained = world.client()
  const taskId = await world.endless(trained)
  const rare = { initialMs: 60_000, factor: 1, maxMs: 60_000 }
  const client = world.client({ generationSchedule: rare, trainingSchedule: rare })
  await world.control('DELETE', 'journal')
  const wait = client.waitTask(taskId)
  await world.had('query_task')
  await world.control('POST', `tasks/${taskId}`, { state: 3 })
  assert.equal(await client.notify(taskId), undefined)
  assert.equal((await wait).state, 'succeeded')
})

test('wrong arguments are refused and nothing is sent', async () => {
  const world = space('wrong')
  const client = world.client()
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const wrong = client as any
  const task = { id: 'x', state: 'gone', rawState: 3, kind: 'generation', resultPaths: [] }
  const refusals: [RegExp, () => unknown][] = [
    [/^taskId must be a string, not a number$/, () => wrong.queryTask(5)],
    [/^taskId .* undefined$/, () => wrong.queryTask()],
    [/^taskId .* a symbol$/, () => wrong.queryTask(Symbol('x'))],
    [/^taskId is empty$/, () => wrong.queryTask('')],
    [/^taskId .* an Object$/, () => wrong.notify({})],
    [/^photo must be a path, a file: URL or a Uint8Array, not an Object$/, () => wrong.uploadFile({})],
    [/^photo .* null$/, () => wrong.uploadFile(null)],
    [/^photo must be a file: URL, not one of https:$/, () => wrong.uploadFile(new URL('https://example.com/a.jpg'))],
    [/^photo is not a path: .*host/, () => wrong.uploadFile(new URL('file://host/a.jpg'))],
    [/^imgSet must be an array, not a string$/, () => wrong.createUserModel('ab')],
    [/^imgSet\[1\] must be a string, not a Buffer$/, () => wrong.createUserModel(['a', Buffer.from('b')])],
    [/^imgSet has 0 paths/, () => wrong.createUserModel()],
    [/^callbackUrl is/, () => wrong.createTask('u', 's', { callbackUrl: 'nowhere' })],
    [/^callbackUrl must be a string or a URL, not an Array$/, () => wrong.createTask('u', 's', { callbackUrl: [] })],
    [/^style must/, () => wrong.createTask('u')],
    [/^options must be an object, not a string$/, () => wrong.createTask('u', 's', 'https://example.com')],
    [/^timeoutMs/, () => wrong.waitTask('t', { timeoutMs: -1 })],
    [/^timeoutMs/, () => wrong.queryTask('t', { timeoutMs: Number.NaN })],
    [/^timeoutMs must be a number, not a string$/, () => wrong.waitTask('t', { timeoutMs: '5' })],
    [/^timeoutMs/, () => wrong.advance(new Job({ photos }), () => {}, { timeoutMs: -1 })],
    [/^taskIds must/, () => wrong.waitMany('abc')],
    [/^taskIds\[0\] must/, () => wrong.waitMany([5])],
    [/^onEnd must/, () => wrong.waitMany([], { onEnd: 5 })],
    [/^signal must/, () => wrong.listStyles({ signal: 'stop' })],
    [/^task.state must be one of waiting, /, () => wrong.saveResults(task, '/tmp')],
    [/^task.resultPaths must/, () => wrong.saveResults({ ...task, state: 'failed', resultPaths: 'x' }, '/tmp')],
    [/^saveTo must be a path or a file: URL/, () => wrong.saveResults({ ...task, state: 'failed' })],
    [/^job must/, () => wrong.run({})],
    [/^job must/, () => wrong.run()],
    [/^save must/, () => wrong.advance(new Job())],
    [/^onEvent must/, () => wrong.run(new Job({ photos }), { onEvent: 'log' })],
    [/^recreate must be a boolean, not a number$/, () => wrong.run(new Job({ photos }), { recreate: 1 })],
    [/^timeoutMs/, () => wrong.run(new Job({ photos }), { timeoutMs: Number.POSITIVE_INFINITY })],
    [/photos/, () => wrong.run(new Job({ photos: [first] }))],
  ]
  for (const [about, refuse] of refusals) await assert.rejects(async () => refuse(), invalid(about), String(refuse))
  assert.deepEqual((await world.counts()).requests, {})
})

test("wrong options of a client are refused, all of the core's at once", () => {
  const refusals: [RegExp, object][] = [
    [/baseUrl.*appCode/s, {}],
    [/baseUrl.*maxPhotoBytes/s, { baseUrl: 'ftp://x', appCode, maxPhotoBytes: 0 }],
    [/maxRetries/, { baseUrl: 'https://x.test', appCode, maxRetries: -1 }],
    [/uploadConcurrency/, { baseUrl: 'https://x.test', appCode, uploadConcurrency: 1.5 }],
    [/timeoutMs/, { baseUrl: 'https://x.test', appCode, timeoutMs: -5 }],
    [/appCode/, { baseUrl: 'https://x.test', appCode: 5 }],
    [/trainingSchedule/, { baseUrl: 'https://x.test', appCode, trainingSchedule: 7 }],
    [
      /trainingSchedule/,
      { baseUrl: 'https://x.test', appCode, trainingSchedule: { initialMs: -1, factor: 1, maxMs: 1 } },
    ],
    [/allowHttp/, { baseUrl: 'http://x.test', appCode }],
    [/caFile/, { baseUrl: 'https://x.test', appCode, caFile: '/nowhere.pem' }],
    [/proxy/, { baseUrl: 'https://x.test', appCode, proxy: '::' }],
    [/^timeoutMs must be more than 0/, { baseUrl: 'https://x.test', appCode, timeoutMs: 0 }],
    [
      /^trainingSchedule.factor must be a number, not null$/,
      { baseUrl: 'https://x.test', appCode, trainingSchedule: { initialMs: 1, factor: null, maxMs: 1 } },
    ],
    [/^onLog must/, { baseUrl: 'https://x.test', appCode, onLog: 5 }],
  ]
  for (const [about, options] of refusals) {
    assert.throws(() => new Client(options), invalid(about), JSON.stringify(options))
  }
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  for (const options of [null, 5, 'https://x.test'] as any[]) assert.throws(() => new Client(options), XiezhenError)
})

test('a value that is refused is told nowhere: it may be a credential', async () => {
  const secret = 'top-secret-value'
  const values = [Buffer.from(secret), { value: secret }, [secret], new String(secret), 7238946523]
  const told = (value: unknown) => {
    // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
    const start = () => new Client({ baseUrl: 'https://x.test', appKey: 'k', appSecret: value as any })
    assert.throws(start, (error: XiezhenError) => {
      assert.match(error.message, /^appSecret must be a string, not an? \w+$/)
      assert.equal(error.cause, undefined)
      assert.ok(!/top-secret-value|7238946523|116/.test(inspect(error, { depth: 9, showHidden: true })))
      return error.code === 'invalid_argument'
    })
  }
  for (const value of values) told(value)
  const began = performance.now()
  const photo = Buffer.alloc(20_000_000, 7) as unknown as string
  await assert.rejects(space('dump').client().createUserModel([photo]), invalid(/^imgSet\[0\]/))
  assert.ok(performance.now() - began < 2000)
})

test('null is absent', async () => {
  const world = space('null')
  const schedules = { trainingSchedule: null, generationSchedule: null }
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const nothing: any = { timeoutMs: null, proxy: null, caFile: null, allowHttp: null, onLog: null, maxRetries: null }
  const client = world.client({ ...nothing, appKey: null })
  // biome-ignore lint/suspicious/noExplicitAny: the same
  world.client(schedules as any)
  // biome-ignore lint/suspicious/noExplicitAny: the same
  const any = client as any
  assert.ok((await any.listStyles(null)).length > 0)
  assert.ok((await any.listStyles({ timeoutMs: null, signal: null })).length > 0)
  const run = { saveTo: null, checkpoint: null, timeoutMs: null, recreate: null, progress: null, onEvent: null }
  assert.equal((await any.run(new Job({ photos }), run)).stage, 'done')
  assert.equal(typeof (await any.advance(new Job({ photos }), () => {}, { saveTo: null, timeoutMs: null })), 'number')
  // biome-ignore lint/suspicious/noExplicitAny: the same
  for (const parts of [null, { photos: null, styles: null, userId: null }] as any[]) assert.ok(new Job(parts))
})

test('what is not of the package passes through as it is', async () => {
  const mine = Object.assign(new Error('mine'), { code: 'ENOENT' })
  const photos = (function* () {
    yield first
    throw mine
  })()
  await assert.rejects(space('mine').client().createUserModel(photos), (error) => error === mine)
})

test('every single call has a timeout of its own', async () => {
  const world = space('timeouts')
  const client = world.client()
  const { taskId } = await client.createTask(await world.trained(client), style.id)
  const task = await client.waitTask(taskId)
  const bound = { timeoutMs: 150 }
  const calls: [string, string, () => Promise<unknown>][] = [
    ['upload_file', 'timeout', () => client.uploadFile(first, bound)],
    ['upload_file', 'timeout', () => client.advance(new Job({ photos }), () => {}, bound)],
    ['create_user_model', 'outcome_unknown', () => client.createUserModel(Array(8).fill('p'), bound)],
    ['list_styles', 'timeout', () => client.listStyles(bound)],
    ['create_task', 'outcome_unknown', () => client.createTask('u', 's', bound)],
    ['query_task', 'timeout', () => client.queryTask('t', bound)],
    ['result', 'timeout', () => client.saveResults(task, join(tmpdir(), 'xiezhen-timeouts'), bound)],
  ]
  for (const [call, code, start] of calls) {
    await world.fault({ call, stall: 'before' })
    await assert.rejects(start(), { code }, call)
  }
})

test('where something is may be a URL', async () => {
  const world = space('urls')
  const client = world.client({ baseUrl: new URL(world.url) })
  const { taskId } = await client.createTask(await world.trained(client), style.id, {
    callbackUrl: new URL('https://example.com/ended'),
  })
  const folder = pathToFileURL(`${await mkdtemp(join(tmpdir(), 'xiezhen-'))}/`)
  assert.equal((await client.saveResults(await client.waitTask(taskId), folder)).length, 3)
  const checkpoint = new URL('job.json', folder)
  await client.run(new Job({ photos }), { saveTo: folder, checkpoint })
  assert.match(await readFile(checkpoint, 'utf8'), /user_id/)
  const missing = new URL('none.pem', folder)
  assert.throws(() => world.client({ caFile: missing }), invalid(/^caFile \/.*none\.pem/))
})

test('a client and a job show what they are, and no credential', async () => {
  const world = space('shown')
  const client = world.client()
  assert.equal(inspect(client), `Client { baseUrl: '${world.url}' }`)
  const job = new Job({ photos, styles: [style.name] })
  assert.match(inspect(job), /^Job \{\s+stage: 'uploading',\s+userId: undefined,\s+photos: .*portraits: .*仙气十足/s)
  assert.equal(inspect({ job }, { depth: 0 }), '{ job: [Job] }')
  assert.equal(inspect([new Proxy(job, {}), Object.create(client)]), '[ [Job], [Client] ]')
})

test('the environment fills in what is not given', async () => {
  const world = space('environment')
  Object.assign(process.env, { XIEZHEN_BASE_URL: world.url, XIEZHEN_APP_CODE: appCode })
  try {
    const client = new Client()
    assert.ok((await client.listStyles()).length > 0)
    client.close()
  } finally {
    delete process.env.XIEZHEN_BASE_URL
    delete process.env.XIEZHEN_APP_CODE
  }
})

test('requests are signed with an AppKey', async () => {
  const world = space('signed')
  const keys = { appCode: undefined, appKey: 'simulator-app-key', appSecret: 'simulator-app-secret' }
  assert.ok((await world.client(keys).listStyles()).length > 0)
  const journal = await world.control<{ auth: string }[]>('GET', 'journal')
  assert.deepEqual(
    journal.map((entry) => entry.auth),
    ['signature'],
  )
})

test('a close cancels what has just begun, and refuses what comes later', async () => {
  const client = space('just begun').client()
  const calls = Array.from({ length: 50 }, () => client.listStyles())
  client.close()
  const outcomes = await Promise.allSettled(calls)
  // The rate limit lets few of them out: on a slow machine, these may have their answers.
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'answered'))
  assert.ok(codes.includes('cancelled'))
  assert.deepEqual(
    codes.filter((code) => code !== 'cancelled' && code !== 'answered'),
    [],
  )
  await assert.rejects(client.listStyles(), { code: 'invalid_argument' })
})
