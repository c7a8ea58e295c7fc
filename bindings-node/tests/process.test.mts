// What a process and its workers see of the addon: their end, many of them, and none at all.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { mock, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { begin, env, Program, script } from './program.mjs'
import { appCode, simulator } from './simulator.mjs'

const space = await simulator()
const require = createRequire(import.meta.url)

test('a pending call keeps the process alive', async () => {
  const world = space('pending')
  await world.fault({ call: 'list_styles', answer_delay_ms: 500 })
  const ended = await script(
    `${begin} client.listStyles().then((styles) => console.log(styles.length))`,
    env(world.url),
  )
  assert.deepEqual([ended.code, ended.out.trim()], [0, '8'], ended.err)
})

test('a pending wait does, and one that was aborted does not', async () => {
  const world = space('waiting')
  const taskId = await world.endless()
  const wait = `${begin} const waiting = (options) => client.waitTask('${taskId}', options).catch((e) => console.log(e.code))`
  const expired = await script(`${wait}; waiting({ timeoutMs: 300 })`, env(world.url))
  assert.deepEqual([expired.code, expired.out.trim()], [0, 'timeout'], expired.err)
  const code = `${wait}; const controller = new AbortController(); waiting({ signal: controller.signal })
    for (let count = 0; count < 3; count++) client.listStyles({ signal: controller.signal }).catch(() => {})
    setTimeout(() => controller.abort(), 50)`
  const aborted = await script(code, env(world.url))
  assert.deepEqual([aborted.code, aborted.out.trim()], [0, '20'], aborted.err)
})

test('a forgotten client does not, not even one that listens to the log', async () => {
  const world = space('forgotten')
  const code = `${begin} new Client({ onLog: () => {} }); await client.listStyles(); console.log('end')`
  const ended = await script(code, env(world.url))
  assert.deepEqual([ended.code, ended.out.trim()], [0, 'end'], ended.err)
})

test('an exception that nobody catches shows the error whole', async () => {
  const world = space('uncaught')
  const ended = await script(`${begin} await client.queryTask('nobody')`, env(world.url))
  assert.equal(ended.code, 1)
  assert.match(ended.err, /XiezhenError \[api\]: query_task nobody: .*no such task/)
  assert.match(ended.err, /code: 'api'/)
})

test('onLog hears the records of the core, and no credential', async () => {
  const world = space('log')
  const code = `
    import { Client } from 'xiezhen'
    const heard = []
    const silent = new Client()
    const client = new Client({ onLog: (record) => heard.push(record) })
    await client.listStyles()
    await silent.queryTask('nobody').catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.close()
    const before = heard.length
    await silent.listStyles()
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(JSON.stringify({ heard, after: heard.length - before }))`
  const ended = await script(code, env(world.url))
  const { heard, after } = JSON.parse(ended.out)
  assert.ok(heard.length >= 2, ended.out)
  for (const record of heard) {
    assert.deepEqual(Object.keys(record).sort(), ['level', 'message', 'target'])
    assert.match(record.target, /^xiezhen/)
    assert.match(record.level, /^(error|warn|info|debug)$/)
  }
  assert.ok(heard.some((record: { message: string }) => record.message.includes('query_task')))
  assert.ok(!ended.out.includes(appCode))
  assert.equal(after, 0)
})

test('a client that nobody knows of listens to the log until its call has ended', async () => {
  const world = space('unknown')
  const taskId = await world.endless()
  const code = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { Client } from 'xiezhen'
    const schedule = { initialMs: 20, factor: 1, maxMs: 20 }
    let heard = 0
    const begin = () => new Client({ requestsPerSecond: 1000, generationSchedule: schedule, trainingSchedule: schedule,
      onLog: () => heard++ }).waitTask('${taskId}', { timeoutMs: 1500 })
    const ended = begin().catch(() => {})
    await sleep(100)
    for (let count = 0; count < 5; count++) { gc(); await sleep(50) }
    heard = 0
    await sleep(300)
    console.log(heard > 0)
    await ended`
  const program = new Program(process.execPath, ['--expose-gc', '--input-type=module', '--eval', code], env(world.url))
  const ended = await program.ended
  assert.deepEqual([ended.code, ended.out.trim()], [0, 'true'], ended.err)
})

test("a worker's own environment is what counts", async () => {
  const world = space('workers-own')
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    process.env.XIEZHEN_APP_CODE = workerData.appCode
    const { Client } = require(workerData.entry)
    new Client().listStyles().then((styles) => parentPort.postMessage(styles.length))`
  const worker = new Worker(code, { ...data(world.url), env: { XIEZHEN_BASE_URL: world.url } })
  assert.deepEqual(await once(worker, 'message'), [8])
})

const working = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { Client } = require(workerData.entry)
  const client = new Client({ baseUrl: workerData.url, appCode: workerData.appCode, requestsPerSecond: 1000, onLog() {} })
`
const data = (url: string) => ({ workerData: { url, appCode, entry: require.resolve('xiezhen') }, eval: true })

test('ten workers load the addon at once and work', async () => {
  const world = space('workers')
  const code = `${working} client.listStyles().then((styles) => parentPort.postMessage(styles.length))`
  const workers = Array.from({ length: 10 }, () => new Worker(code, data(world.url)))
  const codes = Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]))
  const counts = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
  assert.deepEqual(counts, Array(10).fill(8))
  assert.deepEqual(await codes, Array(10).fill(0))
})

test('workers that are terminated leave no call behind', async () => {
  const world = space('terminated')
  const client = world.client()
  const taskId = await world.endless(client)
  const code = `${working}
    const schedule = { initialMs: 20, factor: 1, maxMs: 20 }
    const own = new Client({ baseUrl: workerData.url, appCode: workerData.appCode, generationSchedule: schedule,
      trainingSchedule: schedule, requestsPerSecond: 1000 })
    for (let count = 0; count < 20; count++) own.waitTask('${taskId}').catch(() => {})
    client.listStyles().then(() => parentPort.postMessage('busy'))`
  for (let count = 0; count < 10; count++) {
    const worker = new Worker(code, data(world.url))
    await once(worker, 'message')
    await worker.terminate()
  }
  // Those already sent may still arrive.
  await new Promise((resolve) => setTimeout(resolve, 200))
  const { requests } = await world.counts()
  await new Promise((resolve) => setTimeout(resolve, 400))
  assert.deepEqual((await world.counts()).requests, requests)
  assert.ok((await client.listStyles()).length > 0)
})

test('a worker with a thousand waits and calls under way is terminated while others go on', async () => {
  const world = space('thousand')
  const client = world.client()
  const taskId = await world.endless(client)
  const code = `${working}
    const own = new Client({ baseUrl: workerData.url, appCode: workerData.appCode })
    for (let count = 0; count < 1000; count++) own.waitTask(count % 2 ? '${taskId}' : 't' + count).catch(() => {})
    for (let count = 0; count < 100; count++) own.queryTask('${taskId}').catch(() => {})
    client.listStyles().then(() => parentPort.postMessage('busy'))`
  const mine = client.waitTask(taskId)
  for (let count = 0; count < 3; count++) {
    const worker = new Worker(code, data(world.url))
    await once(worker, 'message')
    assert.equal(await worker.terminate(), 1)
    assert.equal((await client.queryTask(taskId)).id, taskId)
  }
  await world.set({ clock_scale: 1000 })
  assert.equal((await mine).state, 'succeeded')
})

test('calls end where somebody tests with a clock of their own', async () => {
  const world = space('clock')
  mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval'] })
  try {
    // More than one turn of the loop has time for.
    assert.equal((await world.client().waitMany(Array(20_000).fill(''))).length, 20_000)
  } finally {
    mock.timers.reset()
  }
})

test('a call that is misused never ends the process', async () => {
  const code = `
    import { Client, Job, XiezhenError } from 'xiezhen'
    const values = [undefined, null, 5, -1, NaN, 2n, 'x', '', true, Symbol('s'), {}, [], [[]], () => {}, new Date(),
      new Proxy({}, { get() { throw new Error('trap') } }), Object.create(null), new Map(), /x/, new Uint8Array(3)]
    const client = new Client({ baseUrl: 'http://127.0.0.1:1', appCode: 'x', maxRetries: 0, timeoutMs: 500 })
    // What is converted does not depend on it, and no call waits for a service that is not there.
    client.close()
    const job = new Job()
    let calls = 0
    const attempt = async (work) => { calls++; try { await work() } catch {} }
    for (const target of [client, job]) {
      for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(target))) {
        if (name === 'constructor' || name === 'close' || typeof target[name] !== 'function') continue
        for (const one of values) for (const two of [values[0], values[2], values[10], values[13]]) {
          await attempt(async () => {
            const returned = target[name](one, two, two)
            if (returned?.next) await returned.next(); else await returned
          })
        }
      }
    }
    for (const one of values) {
      await attempt(() => new Client(one))
      await attempt(() => new Job(one))
      await attempt(() => new Job({ photos: one, styles: one, userId: one }))
      await attempt(() => Job.fromJSON(one))
      await attempt(() => new Client({ baseUrl: one, timeoutMs: one, maxRetries: one, onLog: one, trainingSchedule: one }))
      await attempt(() => client.waitTask('t', { timeoutMs: one, signal: one }))
      await attempt(() => new XiezhenError(one))
    }
    console.log(calls)`
  const ended = await script(code)
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.err)
  assert.ok(Number(ended.out) > 500, ended.out)
})
