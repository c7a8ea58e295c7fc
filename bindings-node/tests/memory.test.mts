// Ten thousand calls leave nothing behind, and let others have their turn.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Job } from 'xiezhen'
import { photos, simulator, style } from './simulator.mjs'

const space = await simulator()

/** Resident memory in MiB, with the garbage gone. */
async function resident(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().rss / (1 << 20)
}

/** What keeps this process alive, apart from the connection to the simulator's control and the test itself. */
const held = () => process.getActiveResourcesInfo().filter((kind) => /napi|async|thread/i.test(kind))

test('jobs that nobody knows of any more are collected, however many bytes they hold', async () => {
  const photo = Buffer.alloc(1 << 20, 7)
  const before = await resident()
  let most = 0
  for (let count = 0; count < 200; count++) {
    // The engine sees a small object; 8 MiB are in the addon.
    new Job({ photos: Array(8).fill(photo) })
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, process.memoryUsage().rss / (1 << 20) - before)
  }
  assert.ok(most < 800, `grew by ${most.toFixed(0)} MiB while 1,600 were used`)
})

test('10,000 calls and 1,000 aborted ones', async () => {
  const world = space('memory')
  await world.set({ journal_limit: 10 })
  const client = world.client({ onLog: () => {} })
  const calls = async (count: number) => {
    for (let done = 0; done < count; done += 50) {
      await Promise.allSettled(Array.from({ length: 50 }, () => client.queryTask('nobody')))
    }
  }
  const aborted = async (count: number) => {
    for (let done = 0; done < count; done += 50) {
      const controller = new AbortController()
      const waits = Array.from({ length: 50 }, () => client.waitTask('t', { signal: controller.signal }))
      const job = client.run(new Job({ photos }), { signal: controller.signal, onEvent: () => {} })
      const ended = Promise.allSettled([...waits, job])
      setImmediate(() => controller.abort())
      await ended
    }
  }

  await calls(2000)
  await aborted(200)
  const before = await resident()
  await calls(10_000)
  await aborted(1000)
  const grown = (await resident()) - before
  assert.ok(grown < 24, `grew by ${grown.toFixed(1)} MiB`)
  assert.deepEqual(held(), [])
})

test('10,000 waits that end at once leave the loop its turns, and nothing behind', async () => {
  const world = space('waits')
  await world.set({ journal_limit: 10 })
  const client = world.client()
  const userId = await world.trained(client)
  const round = async () => {
    await world.set({ clock_scale: 0 })
    const { taskId } = await client.createTask(userId, style.id)
    let [ended, turns] = [0, 0]
    const waits = Array.from({ length: 10_000 }, () => client.waitTask(taskId).then(() => ended++))
    const turn = () => {
      if (ended > 0) turns++
      if (ended < waits.length) setImmediate(turn)
    }
    turn()
    const all = Promise.all(waits)
    await world.set({ clock_scale: 1000 })
    await all
    assert.ok(turns >= 3, `${turns} turns of the loop while 10,000 promises were resolved`)
  }

  const rounds = async () => {
    for (let count = 0; count < 3; count++) await round()
  }
  // Until then the engine makes room for what is young.
  await rounds()
  const before = await resident()
  await rounds()
  const grown = (await resident()) - before
  assert.ok(grown < 16, `grew by ${grown.toFixed(1)} MiB`)
  assert.deepEqual(held(), [])
})
