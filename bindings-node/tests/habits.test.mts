// What people of this language try first, and what other packages do to it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Client, type Event, Job, XiezhenError } from 'xiezhen'
import { appCode, first, photos, quick, simulator, style, until } from './simulator.mjs'

const space = await simulator()
// biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
const anything = (value: unknown) => value as any

const problems = (work: () => unknown): string[] => {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof XiezhenError && error.code === 'invalid_argument', String(error))
    return error.problems ?? []
  }
  assert.fail('it was not refused')
}

test('what another package puts on every object is no option', async () => {
  const world = space('polluted')
  const elsewhere = 'http://127.0.0.1:1'
  const polluted: Record<string, unknown> = {
    baseUrl: elsewhere,
    proxy: elsewhere,
    XIEZHEN_BASE_URL: elsewhere,
    timeoutMs: -1,
    callbackUrl: 'nowhere',
    signal: AbortSignal.abort(),
    onEvent: 5,
    saveTo: 5,
    recreate: true,
    initialMs: -1,
  }
  const given = { baseUrl: world.url, appCode, requestsPerSecond: 1000 }
  const environment = { XIEZHEN_BASE_URL: world.url, XIEZHEN_APP_CODE: appCode }
  Object.assign(process.env, environment)
  Object.assign(Object.prototype, polluted)
  try {
    for (const client of [new Client({}), new Client()]) assert.ok(inspect(client).includes(world.url))
    delete process.env.XIEZHEN_BASE_URL
    assert.match(problems(() => new Client({}))[0] ?? '', /^baseUrl is missing/)
    const client = new Client(given)
    assert.ok((await client.listStyles()).length > 0 && (await client.listStyles({})).length > 0)
    assert.equal(typeof (await client.advance(new Job({ photos }), () => {}, {})), 'number')
    assert.equal(new Job({ styles: [style.id] }).userId, undefined)
    client.close()
  } finally {
    for (const name of Object.keys(polluted)) delete anything(Object.prototype)[name]
    for (const name of Object.keys(environment)) delete process.env[name]
  }
})

test('an option that nobody knows is refused by its name, with the one that was meant', async () => {
  const base = { baseUrl: 'https://x.test', appCode }
  const meant: [object, string][] = [
    [{ timeout: 5 }, 'timeout is not an option; did you mean timeoutMs?'],
    [{ save_to: 'x' }, 'save_to is not an option; there are baseUrl, appCode'],
    [{ baseURL: 'x' }, 'baseURL is not an option; did you mean baseUrl?'],
    [{ app_key: 'x' }, 'app_key is not an option; did you mean appKey?'],
    [{ retries: 3 }, 'retries is not an option; did you mean maxRetries?'],
    [{ trainingSchedule: { initialMs: 1, factor: 1, maxMs: 1, max: 1 } }, 'did you mean maxMs?'],
  ]
  for (const [options, said] of meant) {
    const [problem] = problems(() => new Client({ ...base, ...options }))
    assert.ok(problem?.includes(said), problem)
  }
  const client = anything(space('unknown').client())
  const job = new Job({ photos })
  const refused: [string, () => Promise<unknown>][] = [
    ['save_to is not an option; did you mean saveTo?', () => client.run(job, { save_to: 'out' })],
    ['timeout is not an option; did you mean timeoutMs?', () => client.waitTask('t', { timeout: 5 })],
    ['onEvent is not an option; there are', () => client.runEvents(job, { onEvent() {} }).next()],
    ['a Job takes one object: new Job({ photos, styles })', async () => new (anything(Job))(photos, [style.id])],
    ['style is not an option; did you mean styles?', async () => new Job(anything({ photos, style: style.id }))],
  ]
  for (const [said, refuse] of refused) {
    await assert.rejects(refuse, (error: Error) => error.message.includes(said), said)
  }
  assert.ok((await client.listStyles({ timeout: undefined })).length > 0)
})

test('all problems of a call are told at once', async () => {
  const client = anything(space('problems').client())
  assert.deepEqual(
    problems(() => new Client(anything({ baseUrl: 5, appCode: [], timeoutMs: '1', caFile: 1, wrong: 1 }))).map(
      (problem) => problem.split(' ')[0],
    ),
    ['baseUrl', 'appCode', 'timeoutMs', 'caFile', 'wrong'],
  )
  const numbers = { timeoutMs: -1, maxRetries: 0.5, connectTimeoutMs: Number.NaN, requestsPerSecond: -1, appCode }
  const told = problems(() => new Client(numbers)).join('\n')
  for (const name of ['baseUrl', 'timeoutMs', 'maxRetries', 'connectTimeoutMs', 'requestsPerSecond']) {
    assert.match(told, new RegExp(`\\b${name}\\b`))
  }
  await assert.rejects(client.createTask(5, undefined, { timeoutMs: 'x', callback: 1 }), (error: XiezhenError) => {
    assert.deepEqual(error.problems, [
      'userId must be a string, not a number',
      'style must be a string, not undefined',
      'timeoutMs must be a number, not a string',
      'callback is not an option; did you mean callbackUrl?',
    ])
    return true
  })
  await assert.rejects(client.createUserModel([1, 'a', 2]), { message: /imgSet\[0\].*imgSet\[2\]/ })
})

test('what is no photo is refused with the way to make one of it', async () => {
  const client = anything(space('photos').client())
  const bytes = await readFile(first)
  const handle = await open(first)
  const hints: [unknown, RegExp][] = [
    [new Blob([bytes]), /not a Blob: pass new Uint8Array\(await photo\.arrayBuffer\(\)\)$/],
    [new File([bytes], 'a.jpg'), /not a File: pass new Uint8Array\(await/],
    [new Response(bytes), /not a Response: pass new Uint8Array\(await/],
    [createReadStream(first), /not a ReadStream: pass its path$/],
    [new Blob([bytes]).stream(), /not a ReadableStream: pass new Uint8Array\(await new Response/],
    [handle, /pass await handle\.readFile\(\)$/],
    [readFile(first), /not a Promise: await it first$/],
    [new Uint8Array(bytes).buffer, /not an ArrayBuffer: pass new Uint8Array\(buffer\)$/],
    [{ fieldname: 'photo', originalname: 'a.jpg', buffer: bytes }, /pass its buffer$/],
    [{ fieldname: 'photo', originalname: 'a.jpg', path: first }, /pass its path$/],
  ]
  for (const [given, said] of hints) {
    await assert.rejects(client.uploadFile(given), (error: XiezhenError) => said.test(error.message), String(said))
    assert.match(problems(() => new Job({ photos: [first, anything(given)] }))[0] ?? '', /^photos\[1\] must be/)
  }
  await handle.close()
})

test('a style is taken as it was listed', async () => {
  const world = space('styles')
  const client = world.client()
  const listed = (await client.listStyles()).filter(({ name }) => name === style.name)
  assert.equal(new Job({ userId: 'u', styles: listed }).portraits[0]?.style, style.id)
})

test('an error is whole in JSON, and is made of it again', async () => {
  const world = space('json')
  const error = await world
    .client()
    .queryTask('nobody')
    .catch((error) => error)
  const text = JSON.stringify({ error, list: [error] })
  const { error: told } = JSON.parse(text)
  const { code, message, ret, requestId, taskId, retryable } = error
  assert.deepEqual({ ...told }, { ...told, name: 'XiezhenError', code, message, ret, requestId, taskId, retryable })
  assert.ok(!('stack' in told))
  const again = new XiezhenError(structuredClone(error.toJSON()))
  assert.deepEqual([again.code, again.message, again.ret, again.name], [code, message, ret, 'XiezhenError'])

  const client = new Client({ baseUrl: 'http://127.0.0.1:1', appCode, maxRetries: 0 })
  const caused = JSON.parse(JSON.stringify(await client.listStyles().catch((error) => error)))
  assert.equal(caused.code, 'transport')
  assert.equal(typeof caused.cause.message, 'string')
})

test('an error that crosses to another thread keeps its code', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Client } = require('xiezhen')
    const client = new Client({ ...workerData, maxRetries: 0 })
    client.createTask('u', 's').catch((error) => {
      parentPort.once('message', () => { throw error })
      parentPort.postMessage(error)
      parentPort.postMessage(error.toJSON())
    })`
  const world = space('threads')
  await world.fault({ call: 'create_task', close: 'after' })
  const worker = new Worker(code, { eval: true, workerData: { ...quick, baseUrl: world.url } })
  const told: unknown[] = []
  worker.on('message', (message) => told.push(message))
  // What nobody has caught in a worker keeps all of its facts: Node itself takes care of that.
  const failed = once(worker, 'error')
  await until(() => told.length === 2)
  worker.postMessage('throw it')
  const [uncaught] = await failed
  const [cloned, facts, thrown] = [...told, uncaught].map(XiezhenError.from)
  for (const error of [cloned, facts, thrown]) {
    assert.ok(error instanceof XiezhenError, inspect(told))
    assert.equal(error.code, 'outcome_unknown')
    assert.match(error.message, /create_task/)
    assert.ok(error.cause instanceof XiezhenError && error.cause.code === 'transport', inspect(error))
  }
  assert.deepEqual([facts?.sent, thrown?.sent, cloned?.sent], [facts?.sent, facts?.sent, undefined])
  assert.match(facts?.sent ?? '', /"u"/)
  // To those who know nothing of this package, the code is in the stack, as it is of Node's own errors.
  assert.match((told[0] as Error).stack ?? '', /^XiezhenError \[outcome_unknown\]: .*\n {4}at /)
  assert.equal(XiezhenError.from(structuredClone(cloned))?.code, 'outcome_unknown')
  assert.equal(XiezhenError.from(thrown), thrown)
  const foreign = [undefined, null, 5, 'io', {}, new Error('m'), { code: 'io', message: 'm' }]
  for (const other of [
    ...foreign,
    Object.assign(new Error('m'), { code: 'io' }),
    { name: 'XiezhenError', code: 'x' },
  ]) {
    assert.equal(XiezhenError.from(other), undefined, inspect(other))
  }
})

test('a promise of onEvent that rejects ends the run, however late, and the run waits for it', async () => {
  const mine = new Error('mine')
  const late =
    (type: string, pause: number, thenable = false) =>
    (event: Event) => {
      if (event.type !== type) return undefined
      const failing = sleep(pause).then(() => Promise.reject(mine))
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      return thenable ? { then: failing.then.bind(failing) } : failing
    }
  const ways: [string, (event: Event) => unknown][] = [
    ['last', late('finished', 0)],
    ['later', late('finished', 100)],
    ['first', late('photo_uploaded', 10)],
    ['thenable', late('finished', 20, true)],
  ]
  for (const [name, onEvent] of ways) {
    const world = space(`late-${name}`)
    await assert.rejects(world.client().run(new Job({ photos }), { onEvent }), (error) => error === mine, name)
  }
  let ended = 0
  await space('awaited')
    .client()
    .run(new Job({ photos }), { onEvent: () => sleep(50).then(() => ended++) })
  assert.ok(ended >= 8 * 2)
})

test('a job is not run or advanced by its own save', async () => {
  const world = space('own-save')
  const client = world.client()
  const refused = { code: 'invalid_argument', message: /by its own save/ }
  const job = new Job({ photos })
  let calls = 0
  const save = async () => {
    calls++
    await sleep(1)
    await assert.rejects(client.run(job), refused)
    await assert.rejects(client.runEvents(job).next(), refused)
    await assert.rejects(
      client.advance(job, () => {}),
      refused,
    )
    // Another job may: it is not waited for by itself.
    if (calls === 1) await client.run(new Job({ photos }))
  }
  assert.equal(typeof (await client.advance(job, save)), 'number')
  assert.ok(calls > 1)
  await client.run(job)
  assert.equal(job.stage, 'done')
})
