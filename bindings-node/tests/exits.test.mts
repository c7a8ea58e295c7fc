// How a process ends while something is in flight: by itself, by process.exit, by a signal.

import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Job } from 'xiezhen'
import { begin, env, script } from './program.mjs'
import { photos, simulator } from './simulator.mjs'

const space = await simulator()

test('process.exit with calls in flight is clean', async () => {
  const world = space('exit')
  await world.fault({ call: 'query_task', stall: 'before' })
  const code = `${begin}
    for (let count = 0; count < 100; count++) client.queryTask('t' + count).catch(() => {})
    setTimeout(() => process.exit(3), 100)`
  const ended = await script(code, env(world.url))
  assert.deepEqual([ended.code, ended.signal, ended.err], [3, null, ''])
})

const leaving = `${begin}
  import { writeFileSync } from 'node:fs'
  import { Job } from 'xiezhen'
  const { photos, checkpoint, own } = JSON.parse(process.env.DATA)
  const job = new Job({ photos })
  const stop = new AbortController()
  const options = { signal: stop.signal, onEvent: ({ type }) => type === 'photo_uploaded' && uploaded++ }
  let uploaded = 0
  const save = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    writeFileSync(checkpoint, JSON.stringify(job))
  }
  const running = own ? client.advance(job, save, options) : client.run(job, { ...options, checkpoint })
  running.catch((error) => console.log(error.code))
  const inFlight = async () => JSON.parse(await (await fetch(client_url + '/_simulator/counts')).text())
  const client_url = process.env.XIEZHEN_BASE_URL
  while (((await inFlight()).requests.create_user_model ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
`

test('a program that ends waits for a create whose caller has gone, and its answer is saved', async () => {
  const ways = {
    abort: 'stop.abort()',
    close: 'client.close()',
    both: 'stop.abort(); client.close()',
    exit: 'stop.abort(); client.waitForCreates().then(() => process.exit(7))',
  }
  const cases = Object.entries(ways).flatMap(([name, way]) => [false, true].map((own) => ({ name, way, own })))
  const one = async ({ name, way, own }: (typeof cases)[number]) => {
    const world = space(`leaving-${name}-${own}`)
    await world.fault({ call: 'create_user_model', answer_delay_ms: 600 })
    const checkpoint = join(await mkdtemp(join(tmpdir(), 'xiezhen-')), 'job.json')
    const data = { DATA: JSON.stringify({ photos, checkpoint, own }) }
    const ended = await script(`${leaving}; ${way}`, { ...env(world.url), ...data })
    assert.deepEqual([ended.code, ended.signal], [name === 'exit' ? 7 : 0, null], ended.err)
    const [task] = await world.control<{ id: string; user_id: string }[]>('GET', 'tasks')
    const saved = JSON.parse(await readFile(checkpoint, 'utf8'))
    assert.ok(
      task !== undefined && saved.user_id === task.user_id,
      `${name}, own store ${own}: ${ended.out}${ended.err}`,
    )
    assert.equal(Job.fromJSON(saved).trainingTaskId, task.id)
    assert.equal((await world.counts()).requests.create_user_model, 1)
  }
  await Promise.all(cases.map(one))
})

test('SIGTERM ends a program at once, and with what the README says, in order', async () => {
  const readme = await readFile(join(process.env.XIEZHEN_REPOSITORY as string, 'bindings-node', 'README.md'), 'utf8')
  const handler = /^process\.once\('SIGTERM'.*?^\}\)$/ms.exec(readme)?.[0] ?? ''
  assert.ok(handler.includes('waitForCreates'))
  const one = async (installed: string) => {
    const world = space(`sigterm-${installed.length}`)
    await world.fault({ call: 'create_user_model', answer_delay_ms: 600 })
    const checkpoint = join(await mkdtemp(join(tmpdir(), 'xiezhen-')), 'job.json')
    const data = { DATA: JSON.stringify({ photos, checkpoint, own: false }) }
    const ended = await script(`${leaving}; ${installed}; process.kill(process.pid, 'SIGTERM')`, {
      ...env(world.url),
      ...data,
    })
    const saved = Job.fromJSON(await readFile(checkpoint, 'utf8'))
    const [task] = await world.control<{ id: string; user_id: string }[]>('GET', 'tasks')
    if (installed === '') {
      assert.deepEqual([ended.code, ended.signal], [null, 'SIGTERM'], ended.err)
      assert.deepEqual([saved.userId, saved.adoptable], [undefined, [null]])
    } else {
      assert.deepEqual([ended.code, ended.signal], [143, null], ended.err)
      assert.deepEqual([saved.userId, saved.trainingTaskId], [task?.user_id, task?.id])
    }
  }
  await Promise.all([handler, ''].map(one))
})

test('after two seconds it says what it waits for, and it waits no longer than the create may take', async () => {
  const world = space('leaving-slowly')
  await world.fault({ call: 'create_task', stall: 'before' })
  const code = `${begin} const stop = new AbortController()
    client.createTask('u', 's', { signal: stop.signal, timeoutMs: 3500 }).catch((error) => console.log(error.code))
    setTimeout(() => stop.abort(), 300)`
  const ended = await script(code, env(world.url))
  assert.deepEqual([ended.code, ended.out.trim()], [0, '20'], ended.err)
  assert.match(ended.err, /XiezhenWarning: a create is still in flight/)
})
