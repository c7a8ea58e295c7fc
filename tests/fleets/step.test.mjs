// `client.step` of the Node package, as test_step.py has it of the Python package: what is told, what is sent, what the
// store says afterwards. XIEZHEN_STEP says which store, and where the service is.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const require = createRequire(new URL('../../bindings-node/package.json', import.meta.url))
const { Client, Job } = require('xiezhen')
const { PostgresStore, RedisStore } = require('xiezhen/stores')

const { kind, name, url } = JSON.parse(process.env.XIEZHEN_STEP)
const folder = new URL('../photos/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.jpg')).sort()
const PHOTOS = files.slice(0, 8).map((file) => new URL(file, folder).pathname)
const STYLE = '20057d0c-8cef-447e-88d0-a8f3490fd0b0'
const PATIENCE_MS = 30_000

const connection =
  kind === 'redis'
    ? new (require('ioredis').Redis)(process.env.XIEZHEN_TEST_REDIS)
    : new (require('pg').Pool)({ connectionString: process.env.XIEZHEN_TEST_POSTGRES })
let number = 0
let space
let client

function open(options = {}) {
  const own = `${name}_${number}`
  return kind === 'redis'
    ? new RedisStore(connection, { prefix: own, ...options })
    : new PostgresStore(connection, { table: own, ...options })
}

async function control(method, path, body) {
  const sent = body === undefined ? null : JSON.stringify(body)
  const answer = await fetch(`${space}/_simulator/${path}`, { method, body: sent })
  return JSON.parse((await answer.text()) || 'null')
}

const tasks = () => control('GET', 'tasks')
const count = async (call) => (await control('GET', 'counts')).requests[call] ?? 0

async function until(found) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const value = await found()
    if (value) return value
    assert.ok(Date.now() < deadline, 'in vain')
    await sleep(20)
  }
}

const isOver = (turn) => turn === null || turn.state === 'over'
const toTheEnd = (store, options) => until(async () => isOver(await client.step(store, 'k', options)))
const newJob = (options) => JSON.stringify(new Job({ photos: PHOTOS, styles: [STYLE], ...options }))

// Each test has a world and a store of its own.
beforeEach(() => {
  number++
  space = `${url}_${number}`
  const quick = { initialMs: 20, factor: 1.2, maxMs: 100 }
  client?.close()
  client = new Client({
    baseUrl: space,
    appCode: 'simulator-app-code',
    trainingSchedule: quick,
    generationSchedule: quick,
    requestsPerSecond: 100_000,
  })
})

after(async () => {
  client.close()
  await (kind === 'redis' ? connection.quit() : connection.end())
})

test('photos are given again', async () => {
  const store = open()
  const photos = PHOTOS.map((path) => readFileSync(path))
  await store.put('k', newJob({ photos }))
  assert.equal(await client.step(store, 'k'), 30_000, 'it waits for its photos')
  assert.equal((await store.claim('k')).state, 'early')
  await store.wake('k')
  const asked = []
  const given = async (key) => {
    asked.push(key)
    return { ...photos }
  }
  assert.equal(typeof (await client.step(store, 'k', { photos: given })), 'number')
  await toTheEnd(store, { photos: given })
  assert.deepEqual(asked, ['k'], 'once they are uploaded, nobody asks for them')
  assert.equal((await tasks()).length, 2)
})

test('photos that nobody gives end a job', async () => {
  const store = open()
  await store.put('k', newJob({ photos: PHOTOS.map((path) => readFileSync(path)) }))
  const ended = []
  const onDone = (_, { stage }) => ended.push(stage)
  assert.equal(await client.step(store, 'k', { onDone }), 30_000)
  const claim = await store.claim('k', { reopen: true })
  const job = JSON.parse(claim.json)
  job.training.waiting_since -= 24 * 60 * 60 * 1000
  await store.save(claim, JSON.stringify(job))
  await store.release(claim, 0)
  assert.equal(await client.step(store, 'k', { onDone }), null)
  assert.deepEqual(ended, ['failed'])
  assert.equal((await store.claim('k')).state, 'over')
  assert.deepEqual(await tasks(), [])
})

test('what is refused is over', async () => {
  const store = open()
  await store.put('few', newJob({ photos: PHOTOS.slice(1) }))
  await store.put('style', newJob({ styles: ['no such style'] }))
  await store.put('twice', newJob({ styles: [STYLE, STYLE] }))
  const ended = []
  for (const key of ['few', 'style', 'twice']) {
    assert.equal(await client.step(store, key, { onDone: (key, { stage }) => ended.push([key, stage]) }), null)
    assert.equal((await store.claim(key)).state, 'over')
    assert.equal(Job.fromJSON(await store.get(key)).stage, 'failed')
  }
  assert.deepEqual(ended, [
    ['few', 'failed'],
    ['style', 'failed'],
    ['twice', 'failed'],
  ])
  assert.deepEqual(await tasks(), [])
})

test('an unknown outcome waits one lease longer', async () => {
  const store = open({ leaseMs: 500 })
  await store.put('k', newJob())
  await control('POST', 'faults', { call: 'create_user_model', times: 1, close: 'after' })
  const told = []
  const how = { onDone: () => told.push('done'), onUnknown: () => told.push('unknown') }
  assert.equal(await client.step(store, 'k', how), 500)
  assert.ok(await store.wake('k'), 'a hint of no use')
  const left = await client.step(store, 'k', how)
  assert.ok(left > 0 && left <= 500)
  assert.deepEqual(told, [])
  await until(async () => (await client.step(store, 'k', how)) === null)
  assert.deepEqual(told, ['unknown'])
  assert.ok(await store.wake('k', 'one more of no use'))
  assert.equal(await client.step(store, 'k', how), null)
  assert.deepEqual(told, ['unknown'], 'once')
  assert.equal((await store.claim('k')).state, 'over')

  // A person looks it up at the vendor's.
  const claim = await store.claim('k', { reopen: true })
  const job = Job.fromJSON(claim.json)
  const [task] = await tasks()
  job.adopt(task.id, task.user_id)
  await store.save(claim, JSON.stringify(job))
  await store.release(claim, 0)
  await toTheEnd(store, how)
  assert.deepEqual(told, ['unknown', 'done'])
  assert.equal((await tasks()).length, 2)
})

test('of two workers with one key, one has a turn and one is told that it is busy', async () => {
  const store = open()
  await store.put('k', newJob())
  await control('POST', 'faults', { call: 'upload_file', delay_ms: 100 })
  const turns = await Promise.all([client.step(store, 'k'), client.step(store, 'k')])
  assert.deepEqual(turns.map((turn) => turn.state ?? typeof turn).sort(), ['busy', 'number'])
  assert.equal(await count('create_user_model'), 1)
  assert.equal(await count('upload_file'), 8)
})

test('what a function of the user throws is thrown, and the job is told of again', async () => {
  const store = open()
  await store.put('k', newJob({ photos: PHOTOS.slice(1) }))
  const onDone = () => {
    throw new RangeError('no mail today')
  }
  await assert.rejects(client.step(store, 'k', { onDone }), { name: 'RangeError', message: 'no mail today' })
  assert.equal((await store.claim('k')).state, 'early')
})
