// AbortSignal: at once, whatever is under way, and nothing is left behind.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, Job } from 'xiezhen'
import { first, photos, type Space, simulator, style, until } from './simulator.mjs'

const space = await simulator()

/** Aborts a call once the service has it; it must reject with the reason, at once. */
async function stopped(world: Space, call: string, start: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  let mine = 0
  controller.signal.onabort = () => mine++
  const reason = new Error(`no more ${call}`)
  const ended = start(controller.signal).then(
    () => assert.fail(`${call} resolved`),
    (error) => error,
  )
  await world.had(call)
  const began = performance.now()
  controller.abort(reason)
  assert.equal(await ended, reason)
  const took = performance.now() - began
  assert.ok(took < 1000, `${call} took ${took} ms`)
  assert.equal(mine, 1)
  assert.equal(getEventListeners(controller.signal, 'abort').length, 1)
}

test('every call that stands still is stopped at once', async () => {
  const calls: [string, (client: Client, signal: AbortSignal) => Promise<unknown>][] = [
    ['upload_file', (client, signal) => client.uploadFile(first, { signal })],
    ['list_styles', (client, signal) => client.listStyles({ signal })],
    ['query_task', (client, signal) => client.queryTask('t', { signal })],
    ['query_task', (client, signal) => client.waitTask('t', { signal })],
    ['query_task', (client, signal) => client.waitMany(['t', 'u'], { signal })],
    ['create_user_model', (client, signal) => client.createUserModel(Array(8).fill('p'), { signal })],
    ['create_task', (client, signal) => client.createTask('u', 's', { signal })],
    ['upload_file', (client, signal) => client.run(new Job({ photos }), { signal })],
    ['upload_file', (client, signal) => client.advance(new Job({ photos }), () => {}, { signal })],
  ]
  for (const [index, [call, start]] of calls.entries()) {
    const world = space(`still-${index}`)
    await world.fault({ call, stall: 'before' })
    const client = world.client()
    await stopped(world, call, (signal) => start(client, signal))
  }
})

test('a download is stopped, and leaves no file', async () => {
  const world = space('download')
  const client = world.client()
  const { taskId } = await client.createTask(await world.trained(client), style.id)
  const task = await client.waitTask(taskId)
  await world.fault({ call: 'result', stall: { body: 1000 } })
  const folder = await mkdtemp(join(tmpdir(), 'xiezhen-'))
  await stopped(world, 'result', (signal) => client.saveResults(task, folder, { signal }))
})

test('a loop over events is stopped', async () => {
  const world = space('events')
  await world.set({ clock_scale: 0 })
  const client = world.client()
  await stopped(world, 'query_task', async (signal) => {
    for await (const _ of client.runEvents(new Job({ photos }), { signal }));
  })
})

test('an aborted signal stops a call before it is sent', async () => {
  const world = space('before')
  const client = world.client()
  const reason = { any: 'value' }
  await assert.rejects(client.listStyles({ signal: AbortSignal.abort(reason) }), (error) => error === reason)
  await assert.rejects(client.listStyles({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await assert.rejects(client.run(new Job({ photos }), { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.deepEqual((await world.counts()).requests, {})
})

test('what looks like a signal is one', async () => {
  const world = space('like')
  const client = world.client()
  const like = Object.assign(new EventTarget(), { aborted: false, reason: undefined }) as unknown as AbortSignal
  assert.ok((await client.listStyles({ signal: like })).length > 0)
  await world.fault({ call: 'list_styles', stall: 'before' })
  const listing = client.listStyles({ signal: like })
  Object.assign(like, { aborted: true })
  like.dispatchEvent(new Event('abort'))
  await assert.rejects(listing, { name: 'AbortError' })
  await assert.rejects(client.listStyles({ signal: like }), { name: 'AbortError' })
})

test('what looks like a signal, and is none, loses no call', async () => {
  const client = space('unlike').client()
  const add = () => {}
  const half = { aborted: false, addEventListener: add } as unknown as AbortSignal
  await assert.rejects(client.listStyles({ signal: half }), { code: 'invalid_argument' })
  const fragile = { aborted: false, addEventListener: add, removeEventListener: () => assert.fail('fragile') }
  assert.ok((await client.listStyles({ signal: fragile as unknown as AbortSignal })).length > 0)
})

test('whatever the reason is, it is the reason', async () => {
  const client = space('reasons').client()
  for (const reason of [null, 0, '', false]) {
    const caught = await client.listStyles({ signal: AbortSignal.abort(reason) }).catch((error) => ({ error }))
    assert.deepEqual(caught, { error: reason })
  }
})

test('a signal that is aborted while the arguments are read stops the call', async () => {
  const world = space('reading')
  await world.fault({ call: 'upload_file', stall: 'before' })
  const controller = new AbortController()
  const options = {
    signal: controller.signal,
    get timeoutMs() {
      controller.abort()
      return 30_000
    },
  }
  await assert.rejects(world.client().uploadFile(first, options), { name: 'AbortError' })
})

test('AbortSignal.timeout and AbortSignal.any', async () => {
  const world = space('timeout')
  const client = world.client()
  const taskId = await world.endless(client)
  await assert.rejects(client.waitTask(taskId, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' })
  const controller = new AbortController()
  const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)])
  setTimeout(() => controller.abort(), 50)
  await assert.rejects(client.waitTask(taskId, { signal }), { name: 'AbortError' })
})

test('a signal serves many calls, one after the other and at once, without a listener left', async () => {
  const world = space('many')
  const client = world.client()
  const controller = new AbortController()
  const warnings: string[] = []
  // Others may come: creates that were stopped before are still in flight.
  const warned = ({ name }: Error) => {
    if (name === 'MaxListenersExceededWarning') warnings.push(name)
  }
  process.on('warning', warned)
  for (let count = 0; count < 30; count++) await client.listStyles({ signal: controller.signal })
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  const taskId = await world.endless(client)
  const waits = Array.from({ length: 30 }, () => client.waitTask(taskId, { signal: controller.signal }))
  const ended = Promise.allSettled(waits)
  setTimeout(() => controller.abort(), 20)
  assert.ok((await ended).every((one) => one.status === 'rejected' && one.reason === controller.signal.reason))
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  process.off('warning', warned)
  assert.deepEqual(warnings, [])
})

test('an abort that comes after the end changes nothing', async () => {
  const controller = new AbortController()
  const styles = await space('after').client().listStyles({ signal: controller.signal })
  controller.abort()
  assert.ok(styles.length > 0)
})

test('a create whose caller goes away runs on, and its answer is saved', async () => {
  const world = space('create')
  await world.fault({ call: 'create_user_model', answer_delay_ms: 500 })
  const client = world.client()
  const job = new Job({ photos })
  let saves = 0
  const controller = new AbortController()
  const advance = client.advance(job, () => saves++, { signal: controller.signal })
  await world.had('create_user_model')
  controller.abort()
  await assert.rejects(advance, { name: 'AbortError' })
  const before = saves
  assert.equal(job.userId, undefined)
  await until(() => job.userId !== undefined && saves > before)
  await client.run(job)
  assert.equal((await world.counts()).requests.create_user_model, 1)
})
