// Many jobs in one call, and photos that are given again.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Event, Job, XiezhenError } from 'xiezhen'
import { photos, simulator, style } from './simulator.mjs'

const space = await simulator()
/** Another style that the simulator has. */
const other = '9ea64839-47df-4839-9823-cacac81eb933'
const folder = () => mkdtemp(join(tmpdir(), 'xiezhen-'))

test('a list of jobs, one of which fails', async () => {
  const world = space('list')
  const client = world.client()
  const jobs = [new Job({ photos }), new Job({ photos: photos.slice(1) }), new Job({ photos, styles: [style.id] })]
  const events = new Map<number, string[]>()
  const ended: number[] = []
  const outcomes = await client.runMany(jobs, {
    onEvent: (index: number, event: Event) => events.set(index, [...(events.get(index) ?? []), event.type]),
    onEnd: (index, outcome) => {
      ended.push(index)
      assert.equal(outcome instanceof Job, index !== 1)
    },
  })
  assert.equal(outcomes[0], jobs[0])
  assert.ok(outcomes[1] instanceof XiezhenError && outcomes[1].code === 'invalid_argument')
  assert.equal((outcomes[2] as Job).stage, 'done')
  assert.deepEqual(ended.sort(), [0, 1, 2])
  for (const index of [0, 2]) assert.equal(events.get(index)?.at(-1), 'finished')
  const twice = client.runMany([new Job({ photos }), new Job({ photos })])
  await assert.rejects(twice, { code: 'invalid_argument', message: /same job/ })
  assert.equal((await world.counts()).created, 3)
})

test('jobs under keys, and run again they are resumed', async () => {
  const world = space('keys')
  const client = world.client()
  const userId = await world.trained(client)
  const job = (id = style.id) => new Job({ userId, styles: [id] })
  const [saveTo, checkpoints] = [await folder(), await folder()]
  const keys: string[] = []
  const options = { saveTo, checkpoints, concurrency: 1 }
  const first = await client.runMany({ ann: job(), bob: job(other) }, { ...options, onEvent: (key) => keys.push(key) })
  assert.deepEqual([(first.ann as Job).stage, (first.bob as Job).stage], ['done', 'done'])
  assert.deepEqual([...new Set(keys)].sort(), ['ann', 'bob'])
  assert.deepEqual((await readdir(checkpoints)).filter((file) => file.endsWith('.json')).sort(), [
    'ann.json',
    'bob.json',
  ])
  assert.equal((await readdir(join(saveTo, 'ann'))).length, 3)
  const before = await world.counts()
  const again = await client.runMany(new Map([['ann', job()]]), options)
  assert.ok(again instanceof Map && (again.get('ann') as Job).portraits[0]?.files.length === 3)
  assert.deepEqual(await world.counts(), before)
})

test('many jobs are aborted at once, and what is no job is refused', async () => {
  const world = space('abort-many')
  await world.set({ clock_scale: 0 })
  const client = world.client()
  const stop = new AbortController()
  const job = new Job({ photos })
  const running = client.runMany([job], { signal: stop.signal })
  await world.had('query_task')
  stop.abort()
  await assert.rejects(running, { name: 'AbortError' })
  assert.equal(job.stage, 'training')
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const any = client as any
  for (const [jobs, said] of [
    [[job, {}], /jobs\[1\] must be a Job/],
    [{ ann: 5 }, /jobs\["ann"\] must be a Job/],
    [new Map([[5, job]]), /key of jobs must be a string/],
    ['x', /jobs must be an object/],
    [{ '../ann': job }, /ann/],
  ] as [unknown, RegExp][]) {
    const refused = { code: 'invalid_argument', message: said }
    await assert.rejects(any.runMany(jobs, { checkpoints: tmpdir() }), refused, String(said))
  }
  await assert.rejects(any.runMany([job], { concurrency: 0.5 }), { message: /^concurrency must be/ })
  assert.deepEqual(await client.runMany([]), [])
})

test('photos of bytes are given again to the process that goes on', async () => {
  const world = space('given')
  const client = world.client()
  const bytes = await Promise.all(photos.map((photo) => readFile(photo)))
  await world.fault({ call: 'upload_file', close: 'before' })
  const job = new Job({ photos: bytes })
  await assert.rejects(world.client({ maxRetries: 0 }).run(job), { code: 'transport' })
  await world.control('DELETE', 'faults')
  const stored = Job.fromJSON(JSON.stringify(job))
  const missing = stored.missingPhotos()
  assert.ok(missing.length > 0)
  const index = missing[0] as number
  assert.throws(() => stored.givePhoto(index, bytes[(index + 1) % 8] as Buffer), { code: 'invalid_argument' })
  assert.throws(() => stored.givePhoto(99, photos[0] as string), { code: 'invalid_argument' })
  assert.throws(() => stored.givePhoto(-1, photos[0] as string), { code: 'invalid_argument' })
  for (const index of missing) stored.givePhoto(index, index % 2 ? (bytes[index] as Buffer) : (photos[index] as string))
  assert.deepEqual(stored.missingPhotos(), [])
  await client.run(stored)
  assert.equal(stored.stage, 'done')
})

test('photos that are at the service already are not uploaded again', async () => {
  const world = space('uploaded')
  const client = world.client()
  const uploaded = await Promise.all(photos.map((photo) => client.uploadFile(photo)))
  const job = new Job({ uploaded, styles: [] })
  await client.run(job)
  assert.equal(job.stage, 'done')
  assert.equal((await world.counts()).requests.upload_file, 8)
})
