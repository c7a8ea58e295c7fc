// Options that concern the gateway and the connections to it, and calls under other options than their client's.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Callbacks, Client, type ClientOptions, Job } from 'xiezhen'
import { script } from './program.mjs'
import { appCode, freePort, photos, simulator, style } from './simulator.mjs'

const space = await simulator()

/** A service that has no styles, and what it was sent; it takes the first `lost` requests and answers none. */
async function recording(lost = 0) {
  const seen: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers)
    request.resume()
    if (seen.length <= lost) response.writeHead(503).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"ret":0,"msg":"","body":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  const { port } = server.address() as { port: number }
  return { seen, url: `http://127.0.0.1:${port}` }
}

test('a stage and headers go with every call of the gateway, in whatever form they are given', async () => {
  const { seen, url } = await recording()
  const forms: ClientOptions['headers'][] = [
    { 'X-Tenant': 'ann', Cookie: 'a=1' },
    new Headers({ 'X-Tenant': 'ann', Cookie: 'a=1' }),
    new Map([
      ['X-Tenant', 'ann'],
      ['Cookie', 'a=1'],
    ]),
    [
      ['X-Tenant', 'ann'],
      ['Cookie', 'a=1'],
    ],
  ]
  for (const headers of forms) {
    const client = new Client({ baseUrl: url, appCode, stage: 'PRE', headers })
    await client.listStyles().catch(() => {})
    client.close()
    const { 'x-ca-stage': stage, 'x-tenant': tenant, cookie } = seen.at(-1) ?? {}
    assert.deepEqual([stage, tenant, cookie], ['PRE', 'ann', 'a=1'])
  }
  assert.equal(seen.length, forms.length)
  const wrong = {
    baseUrl: url,
    appCode,
    stage: 'pre',
    headers: { Authorization: 'x', 'X-Line': 'a\nsecret', 'a b': '' },
  }
  assert.throws(
    () => new Client(wrong),
    ({ problems }) => {
      assert.equal(problems.length, 4)
      assert.match(problems.join('; '), /stage must be RELEASE, PRE or TEST.*authorization.*x-line.*"a b"/)
      return !problems.join().includes('secret')
    },
  )
})

test('a client under other options shares connections, and is closed with the first', async () => {
  const { seen, url } = await recording()
  const headers = { 'X-Tenant': 'ann' }
  const client = new Client({ baseUrl: url, appCode, headers, requestsPerSecond: 1000, maxRetries: 7 })
  const other = client.withOptions({ stage: 'TEST', timeoutMs: 20_000, maxRetries: 0, headers: { 'X-Tenant': 'bob' } })
  assert.ok(other instanceof Client)
  for (const one of [client, other, other.withOptions({})]) await one.listStyles().catch(() => {})
  assert.deepEqual(
    seen.map((one) => [one['x-ca-stage'], one['x-tenant']]),
    [
      [undefined, 'ann'],
      ['TEST', 'bob'],
      ['TEST', 'bob'],
    ],
  )
  assert.throws(() => client.withOptions({ maxRetries: 0.5, stage: 'x', timeoutMs: -1 }), {
    message: /timeoutMs must be.*; maxRetries must be.*; stage must be/,
  })
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  assert.throws(() => client.withOptions({ appCode: 'x' } as any), { message: /^appCode is not an option; there are/ })
  other.close()
  await assert.rejects(client.listStyles(), { code: 'invalid_argument', message: /closed/ })
})

test('a call is sent again as often as it says itself', async () => {
  const { seen, url } = await recording(Number.POSITIVE_INFINITY)
  const client = new Client({ baseUrl: url, appCode, requestsPerSecond: 1000 })
  await assert.rejects(client.listStyles({ maxRetries: 0 }), { code: 'transport' })
  assert.equal(seen.length, 1)
  await assert.rejects(client.queryTask('t', { maxRetries: 1 }), { code: 'transport' })
  assert.equal(seen.length, 3)
  await assert.rejects(client.queryTask('t', { maxRetries: -1, timeoutMs: -1 }), {
    message: /timeoutMs must be.*maxRetries must be/,
  })
  client.close()
})

test('authorities that Node was told of are trusted', async () => {
  const room = await mkdtemp(join(tmpdir(), 'xiezhen-'))
  const openssl = (...args: string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...key, ...args], { cwd: room, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  }
  openssl('-subj', '/CN=An authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  const names = ['subjectAltName=DNS:localhost', 'basicConstraints=critical,CA:FALSE'].flatMap((one) => [
    '-addext',
    one,
  ])
  openssl(
    '-subj',
    '/CN=localhost',
    ...names,
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-keyout',
    'own.key',
    '-out',
    'own.pem',
  )
  const [key, cert] = await Promise.all(['own.key', 'own.pem'].map((file) => readFile(join(room, file))))
  const server = createTlsServer({ key, cert } as { key: Buffer; cert: Buffer }, (request, response) => {
    request.resume()
    response.end('{"ret":0,"msg":"","body":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  after(() => server.close())
  const url = `https://localhost:${(server.address() as { port: number }).port}`
  const code = `import { Client } from 'xiezhen'
    const client = new Client({ baseUrl: '${url}', appCode: 'x', maxRetries: 0, onLog: ({ level, message }) => {
      if (level === 'warn') console.log(level, message) } })
    await client.listStyles().then((styles) => console.log(styles.length), ({ code, message }) => console.log(code, message))`
  const told = async (file?: string) => {
    const { out, err } = await script(code, file === undefined ? {} : { NODE_EXTRA_CA_CERTS: file })
    return out + err
  }
  assert.match(await told(), /^transport .*certificate/)
  assert.match(await told(join(room, 'ca.pem')), /^0$/m)
  // Node warns of such a file and goes on; so do we.
  await writeFile(join(room, 'none.pem'), 'nothing')
  for (const file of ['none.pem', 'missing.pem'])
    assert.match(await told(join(room, file)), /^transport .*certificate/m)
})

test('what is adopted is asked about', async () => {
  const world = space('adopt')
  await world.fault({ call: 'create_user_model', times: 1, close: 'after' })
  const client = world.client()
  const job = new Job({ photos, styles: [style.id] })
  await assert.rejects(client.run(job), { code: 'outcome_unknown' })
  const [task] = await world.control<{ id: string; user_id: string }[]>('GET', 'tasks')
  assert.ok(task)
  const userId = await world.trained()
  const { taskId } = await client.createTask(userId, style.id)
  await assert.rejects(client.adopt(job, taskId, { userId: task.user_id }), { code: 'invalid_argument', taskId })
  await assert.rejects(client.adopt(job, 5 as unknown as string), { message: /^taskId must be a string/ })
  await client.adopt(job, task.id, { userId: task.user_id })
  await client.run(job)
  assert.deepEqual([job.stage, job.userId], ['done', task.user_id])
})

test('a task says why it was given up', async () => {
  const world = space('reason')
  const client = world.client()
  const userId = await world.trained(client)
  const { taskId } = await client.createTask(userId, style.id)
  const answer_task = { state: 5, reason: 'no face was found' }
  await world.fault({ call: 'query_task', answer_task })
  const task = await client.queryTask(taskId)
  assert.deepEqual([task.state, task.reason], ['failed', 'no face was found'])
  await assert.rejects(client.waitTask(taskId), ({ code, message, task }) => {
    return code === 'task_failed' && message.includes('no face was found') && task.reason === 'no face was found'
  })
})

test('many jobs are called back, each at most two queries a task', async () => {
  const world = space('many-called-back')
  const port = await freePort()
  const callbacks = new Callbacks({ publicUrl: `http://127.0.0.1:${port}`, secret: 'a secret of sixteen bytes' })
  const receiver = await callbacks.listen(`127.0.0.1:${port}`)
  // Only a callback ends these waits in time.
  const never = { initialMs: 600_000, factor: 1, maxMs: 600_000 }
  const schedules = { trainingSchedule: never, generationSchedule: never }
  const client = new Client({ baseUrl: world.url, appCode, requestsPerSecond: 1000, ...schedules })
  const styles = (await client.listStyles()).slice(0, 3)
  const jobs = styles.map((style) => new Job({ photos, styles: [style] }))
  const outcomes = await client.runMany(jobs, { callback: callbacks, timeoutMs: 30_000 })
  assert.deepEqual(
    outcomes.map((job) => (job as Job).stage),
    ['done', 'done', 'done'],
  )
  const { requests } = await world.counts()
  assert.ok((requests.query_task ?? 0) <= 2 * 2 * jobs.length, JSON.stringify(requests))
  receiver.close()
})
