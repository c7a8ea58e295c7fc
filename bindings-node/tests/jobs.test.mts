// Jobs: run, kept, taken up again, advanced by hand, followed event by event.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, ConflictError, type Event, Job, XiezhenError } from 'xiezhen'
import { photos, simulator, style } from './simulator.mjs'

const space = await simulator()
const folder = () => mkdtemp(join(tmpdir(), 'xiezhen-'))

test('a job to its end, every event told in order before the run ends', async () => {
  const world = space('whole')
  const events: Event[] = []
  const job = new Job({ photos, styles: [style.name] })
  assert.deepEqual([job.stage, job.userId, job.photos.length], ['uploading', undefined, 8])
  const saveTo = await folder()
  const done = await world.client().run(job, { saveTo, onEvent: (event) => events.push(event) })
  assert.equal(done, job)

  const [portrait] = job.portraits
  assert.deepEqual([job.stage, portrait?.style, portrait?.styleId], ['done', style.name, style.id])
  assert.deepEqual([portrait?.state, portrait?.files.length, portrait?.urls.length], ['succeeded', 3, 3])
  assert.equal(job.saveTo, saveTo)
  assert.ok(events.some((event) => event.type === 'training' && event.taskId === job.trainingTaskId))
  for (const file of portrait?.files ?? []) assert.ok((await readFile(file)).length > 0)
  assert.ok(job.photos.every((photo) => photo.uploaded && photo.sha256?.length === 64 && photo.bytes && photo.path))

  const types = [...new Set(events.map((event) => event.type))]
  const order = [
    'photo_uploading',
    'photo_uploaded',
    'training',
    'trained',
    'generating',
    'generated',
    'saved',
    'finished',
  ]
  assert.deepEqual(types, order)
  const last = events.at(-1)
  assert.ok(last?.type === 'finished' && last.job === job)
  assert.equal(events.filter((event) => event.type === 'photo_uploaded').length, 8)
})

test('a checkpoint holds a second run off the service', async () => {
  const world = space('checkpoint')
  const saveTo = await folder()
  const options = { saveTo, checkpoint: join(saveTo, 'job.json') }
  await world.client().run(new Job({ photos, styles: [style.id] }), options)
  const before = await world.counts()
  const again = await world.client().run(new Job({ photos, styles: [style.id] }), options)
  assert.deepEqual(await world.counts(), before)
  assert.equal(again.portraits[0]?.files.length, 3)
  const other = world.client().run(new Job({ photos, styles: ['another'] }), options)
  await assert.rejects(other, { code: 'invalid_argument' })
})

test('a job goes on from its JSON, parsed or not', async () => {
  const world = space('json')
  const client = world.client()
  const job = new Job({ photos, styles: [] })
  await client.run(job)
  const text = JSON.stringify(job)
  assert.ok(!text.includes('simulator-app-code'))
  for (const copy of [
    Job.fromJSON(text),
    Job.fromJSON(JSON.parse(text)),
    Job.fromJSON(job),
    Job.fromJSON(Buffer.from(text)),
  ]) {
    assert.ok(copy instanceof Job)
    assert.deepEqual([copy.stage, copy.userId], ['done', job.userId])
    assert.deepEqual(copy.toJSON(), job.toJSON())
  }
  const next = new Job({ userId: job.userId as string, styles: [style.id] })
  await client.run(next)
  assert.equal((await world.counts()).requests.create_user_model, 1)
  const circle: { self?: unknown } = {}
  circle.self = circle
  for (const bad of ['{}', 'no json', '', undefined, null, 5, 5n, circle, () => {}, { version: 99 }]) {
    assert.throws(() => Job.fromJSON(bad), { name: 'XiezhenError', code: 'invalid_argument' }, String(bad))
  }
})

test('a class made of Job gives its own', () => {
  class Mine extends Job {
    mine = true
  }
  const text = JSON.stringify(new Job({ photos }))
  assert.ok(Mine.fromJSON(text) instanceof Mine && Mine.fromJSON(text).mine)
  assert.ok([text].map(Job.fromJSON)[0] instanceof Job)
})

test('wrong parts of a job are refused', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const wrong: any[] = [
    { photos: 'a.jpg' },
    { photos: [5] },
    { styles: 'x' },
    { styles: [{}] },
    { userId: 5 },
    { photos: 7 },
    'a.jpg',
  ]
  for (const parts of wrong) assert.throws(() => new Job(parts), XiezhenError, JSON.stringify(parts))
})

test('advanced by hand, saved by an async function', async () => {
  const world = space('advance')
  const client = world.client()
  const job = new Job({ photos, styles: [style.id] })
  const saved: string[] = []
  const events: string[] = []
  const save = async (same: Job) => {
    assert.equal(same, job)
    await new Promise((resolve) => setTimeout(resolve, 1))
    saved.push(JSON.stringify(same))
  }
  let pause = await client.advance(job, save, { saveTo: await folder() })
  assert.equal(typeof pause, 'number')
  while (pause !== null) {
    await new Promise((resolve) => setTimeout(resolve, pause ?? 0))
    pause = await client.advance(job, save, { onEvent: (event) => events.push(event.type) })
  }
  assert.equal(job.stage, 'done')
  assert.equal(job.portraits[0]?.files.length, 3)
  assert.ok(events.includes('saved') && saved.length > 10)
  assert.equal(Job.fromJSON(saved.at(-1)).stage, 'done')
})

test('what save throws is what advance rejects with, and nothing is created', async () => {
  const world = space('save')
  const full = new Error('the disk is full')
  const fails = [
    () => {
      throw full
    },
    async () => {
      throw full
    },
  ]
  for (const save of fails) {
    await assert.rejects(world.client().advance(new Job({ photos }), save), (error) => error === full)
  }
  assert.equal((await world.counts()).created, 0)
})

test('a late answer goes into the newest state, when somebody else has stored the job meanwhile', async () => {
  const world = space('conflict')
  const client = world.client()
  const job = new Job({ photos })
  // A store that counts versions, as this caller knows it.
  const store = { version: 0, json: '' }
  let mine = 0
  let conflicts = 0
  const save = (same: Job) => {
    const open = same.trainingTaskId === undefined && same.photos.every((photo) => photo.uploaded)
    if (mine !== store.version) {
      mine = store.version
      conflicts++
      throw new ConflictError(store.json)
    }
    mine = ++store.version
    store.json = JSON.stringify(same)
    // Its lease has ended before the answer comes: another worker stores what it found.
    if (open && same.stage === 'training') store.version++
  }
  const error = await client.advance(job, save).catch((error) => error)
  assert.ok(error instanceof XiezhenError && error.code === 'io' && error.retryable, String(error))
  const [task] = await world.control<{ id: string; user_id: string }[]>('GET', 'tasks')
  assert.equal(conflicts, 1)
  assert.deepEqual([error.taskId, error.userId], [task?.id, task?.user_id])
  const stored = Job.fromJSON(store.json)
  assert.deepEqual([stored.trainingTaskId, stored.userId, stored.id], [task?.id, task?.user_id, job.id])
  await client.run(stored)
  assert.equal((await world.counts()).created, 1)
  assert.ok(stored.revision > 0)
})

test('what onEvent throws is what the run rejects with', async () => {
  const mine = new Error('mine')
  const throwing: ((event: Event) => unknown)[] = [
    () => {
      throw mine
    },
    async () => {
      throw mine
    },
    (event) => {
      if (event.type === 'finished') throw mine
    },
  ]
  for (const [index, onEvent] of throwing.entries()) {
    const world = space(`throws-${index}`)
    const job = new Job({ photos, styles: [style.id] })
    await assert.rejects(world.client().run(job, { onEvent }), (error) => error === mine)
    // The job is let go: it can be run again.
    await world.client().run(job)
  }
})

test('onEnd that throws rejects waitMany', async () => {
  const mine = new Error('mine')
  const onEnd = () => {
    throw mine
  }
  await assert.rejects(space('ends').client().waitMany(['x'], { onEnd }), (error) => error === mine)
})

test('events one by one, the last with the job', async () => {
  const world = space('events')
  const job = new Job({ photos, styles: [style.id] })
  let last: Event | undefined
  for await (const event of world.client().runEvents(job, { saveTo: await folder() })) {
    assert.notEqual(last?.type, 'finished')
    last = event
  }
  assert.ok(last?.type === 'finished' && last.job === job)
  assert.equal(job.stage, 'done')
})

test('leaving the loop cancels the run', async () => {
  const world = space('leaving')
  const checkpoint = join(await folder(), 'job.json')
  const job = new Job({ photos, styles: [style.id] })
  for await (const event of world.client().runEvents(job, { checkpoint })) if (event.type === 'training') break
  assert.equal(job.stage, 'training')
  // One poll may have been under way.
  await new Promise((resolve) => setTimeout(resolve, 200))
  const { requests } = await world.counts()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual((await world.counts()).requests, requests)
  // The checkpoint's lock is free.
  await world.client().run(job, { checkpoint })
  assert.equal((await world.counts()).requests.create_user_model, 1)
})

test('leaving a loop at its end stops no call of somebody else', async () => {
  const world = space('left-late')
  const userId = await world.trained()
  const job = new Job({ userId, styles: [style.id] })
  const other = world.client()
  let created: Promise<unknown> | undefined
  for await (const event of world.client().runEvents(job)) {
    if (event.type !== 'finished') continue
    // By now the run is over, and what it was known by belongs to the next call.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await world.fault({ call: 'create_task', answer_delay_ms: 200 })
    created = other.createTask(userId, style.id)
    break
  }
  assert.ok(await created)
})

test('a loop that waits for an event can be left at once', async () => {
  const world = space('left')
  await world.set({ clock_scale: 0 })
  const rare = { initialMs: 60_000, factor: 1, maxMs: 60_000 }
  const job = new Job({ photos })
  const events = world.client({ trainingSchedule: rare }).runEvents(job)
  for (let next = await events.next(); next.value?.type !== 'training'; next = await events.next());
  const waiting = [events.next(), events.next()]
  const began = performance.now()
  assert.deepEqual(await events.return(), { done: true, value: undefined })
  assert.deepEqual(await Promise.all(waiting), Array(2).fill({ done: true, value: undefined }))
  assert.ok(performance.now() - began < 5000)
  assert.equal((await events.next()).done, true)
  assert.equal(job.stage, 'training')

  const never = world.client().runEvents(new Job({ photos }))
  assert.equal((await never.return()).done, true)
  assert.equal((await never.next()).done, true)
})

test('callbacks run in the context of their call', async () => {
  const world = space('context')
  const client = world.client()
  const storage = new AsyncLocalStorage<string>()
  const seen = new Set<string | undefined>()
  const hear = () => {
    seen.add(storage.getStore())
  }
  for (const name of ['one', 'two']) {
    await storage.run(name, async () => {
      await client.run(new Job({ photos }), { onEvent: hear })
      await client.waitMany(['nobody'], { onEnd: hear })
      await client.advance(new Job({ photos }), hear, { onEvent: hear })
    })
    assert.deepEqual([...seen], [name])
    seen.clear()
  }
})

test('a run that fails ends the loop with its error, after the events before it', async () => {
  const world = space('failing')
  await world.set({ training_outcome: 5 })
  const types: string[] = []
  const loop = async () => {
    for await (const event of world.client().runEvents(new Job({ photos }))) types.push(event.type)
  }
  await assert.rejects(loop, { code: 'task_failed' })
  assert.ok(types.includes('training'))
})

test('a retry is told of with its error', async () => {
  const world = space('retry')
  await world.fault({ call: 'upload_file', times: 1, reply: { status: 503 } })
  const retries: (Event & { type: 'retrying' })[] = []
  const onEvent = (event: Event) => event.type === 'retrying' && retries.push(event)
  await world.client().run(new Job({ photos }), { onEvent })
  const [retry] = retries
  assert.equal(retry?.call, 'upload_file')
  assert.ok(retry.error instanceof XiezhenError && retry.error.httpStatus === 503 && retry.delayMs >= 0)
})

test('an unknown outcome is adopted, or created anew', async () => {
  const world = space('unknown')
  await world.fault({ call: 'create_user_model', times: 2, close: 'after' })
  const client: Client = world.client()
  const job = new Job({ photos })
  await assert.rejects(client.run(job), { code: 'outcome_unknown' })
  await assert.rejects(client.run(job), { code: 'outcome_unknown' })
  assert.equal((await world.counts()).requests.create_user_model, 1)

  const adopted = Job.fromJSON(job)
  assert.ok(adopted.error instanceof XiezhenError && adopted.error.code === 'outcome_unknown')
  assert.deepEqual(adopted.adoptable, [null])
  assert.throws(() => adopted.adopt('x'), { code: 'invalid_argument' })
  const [task] = await world.control<{ id: string; user_id: string }[]>('GET', 'tasks')
  assert.ok(task)
  adopted.adopt(task.id, { userId: task.user_id })
  await client.run(adopted)
  assert.deepEqual([adopted.stage, adopted.userId], ['done', task.user_id])
  assert.deepEqual([adopted.error, adopted.adoptable], [undefined, []])

  await assert.rejects(client.run(job, { recreate: true }), { code: 'outcome_unknown' })
  await client.run(job, { recreate: true })
  assert.equal(job.stage, 'done')
  assert.equal((await world.counts()).requests.create_user_model, 3)
})

test('a run has a time limit, and the job holds all that is known', async () => {
  const world = space('limit')
  const userId = await world.trained()
  await world.set({ clock_scale: 0 })
  // Nothing but one create comes before the wait, so that it has begun by then on a busy machine, too.
  const job = new Job({ userId, styles: [style.id] })
  await assert.rejects(world.client().run(job, { timeoutMs: 2000 }), { code: 'timeout' })
  assert.equal(job.stage, 'generating')
  assert.ok(job.portraits[0]?.taskId)
})
