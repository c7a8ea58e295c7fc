// Every call, with what it takes and what it gives.

import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
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
  const files = await client.saveResults(task, folder, { style: '她' })
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

test('notify makes a wait look now', async () => {
  const world = space('notify')
  const trained = world.client()
  const taskId = await world.endless(trained)
  const rare = { initialMs: 60_000, factor: 1, maxMs: 60_000 }
  const client = world.client({ generationSchedule: rare, trainingSchedule: rare })
  await world.control('DELETE', 'journal')
  const wait = client.waitTask(taskId)
  await world.had('query_task')
  await world.control('POST', `tasks/${taskId}`, { state: 3 })
  client.notify(taskId)
  assert.equal((await wait).state, 'succeeded')
})

test('wrong arguments are refused and nothing is sent', async () => {
  const world = space('wrong')
  const client = world.client()
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const wrong = client as any
  const task = { id: 'x', state: 'gone', rawState: 3, kind: 'generation', resultPaths: [] }
  const refusals: [RegExp, () => unknown][] = [
    [/String/, () => wrong.queryTask(5)],
    [/String/, () => wrong.queryTask()],
    [/String/, () => wrong.queryTask(Symbol('x'))],
    [/empty/, () => wrong.queryTask('')],
    [/./, () => wrong.uploadFile({})],
    [/./, () => wrong.uploadFile(null)],
    [/file:/, () => wrong.uploadFile(new URL('https://example.com/a.jpg'))],
    [/imgSet/, () => wrong.createUserModel('ab')],
    [/0 paths/, () => wrong.createUserModel()],
    [/callback_url/, () => wrong.createTask('u', 's', { callbackUrl: 'nowhere' })],
    [/options/, () => wrong.createTask('u', 's', 'https://example.com')],
    [/timeoutMs/, () => wrong.waitTask('t', { timeoutMs: -1 })],
    [/timeoutMs/, () => wrong.waitTask('t', { timeoutMs: Number.NaN })],
    [/number|f64/i, () => wrong.waitTask('t', { timeoutMs: '5' })],
    [/taskIds/, () => wrong.waitMany('abc')],
    [/onEnd/, () => wrong.waitMany([], { onEnd: 5 })],
    [/signal/, () => wrong.listStyles({ signal: 'stop' })],
    [/./, () => wrong.saveResults(task, '/tmp')],
    [/job/, () => wrong.run({})],
    [/job/, () => wrong.run()],
    [/save/, () => wrong.advance(new Job())],
    [/onEvent/, () => wrong.run(new Job({ photos }), { onEvent: 'log' })],
    [/timeoutMs/, () => wrong.run(new Job({ photos }), { timeoutMs: Number.POSITIVE_INFINITY })],
    [/photos/, () => wrong.run(new Job({ photos: [first] }))],
  ]
  for (const [about, refuse] of refusals) await assert.rejects(async () => refuse(), invalid(about), String(refuse))
  assert.throws(() => wrong.notify({}), invalid(/String/))
  assert.deepEqual((await world.counts()).requests, {})
})

test("wrong options of a client are refused, all of the core's at once", () => {
  const refusals: [RegExp, object][] = [
    [/base_url.*credential/s, {}],
    [/base_url.*max_photo_bytes/s, { baseUrl: 'ftp://x', appCode, maxPhotoBytes: 0 }],
    [/maxRetries/, { baseUrl: 'https://x.test', appCode, maxRetries: -1 }],
    [/uploadConcurrency/, { baseUrl: 'https://x.test', appCode, uploadConcurrency: 1.5 }],
    [/timeoutMs/, { baseUrl: 'https://x.test', appCode, timeoutMs: -5 }],
    [/appCode/, { baseUrl: 'https://x.test', appCode: 5 }],
    [/trainingSchedule/, { baseUrl: 'https://x.test', appCode, trainingSchedule: 7 }],
    [
      /trainingSchedule/,
      { baseUrl: 'https://x.test', appCode, trainingSchedule: { initialMs: -1, factor: 1, maxMs: 1 } },
    ],
    [/allow_http/, { baseUrl: 'http://x.test', appCode }],
    [/ca_file/, { baseUrl: 'https://x.test', appCode, caFile: '/nowhere.pem' }],
    [/proxy/, { baseUrl: 'https://x.test', appCode, proxy: '::' }],
    [/onLog/i, { baseUrl: 'https://x.test', appCode, onLog: 5 }],
  ]
  for (const [about, options] of refusals) {
    assert.throws(() => new Client(options), invalid(about), JSON.stringify(options))
  }
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  for (const options of [null, 5, 'https://x.test'] as any[]) assert.throws(() => new Client(options), XiezhenError)
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
