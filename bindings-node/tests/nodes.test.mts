// What depends on the version of Node, on each that `XIEZHEN_NODES` lists.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Program } from './program.mjs'
import { appCode, photos, simulator, style } from './simulator.mjs'

const space = await simulator()
const nodes = (process.env.XIEZHEN_NODES ?? process.execPath).split(':')

/** A worker that stands in a callback, with more events waiting. */
const working = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { Client, Job } = require(workerData.entry)
  const client = new Client({ baseUrl: workerData.url, appCode: 'simulator-app-code', requestsPerSecond: Infinity })
  let events = 0
  const onEvent = ({ type }) => {
    if (type !== 'photo_uploading') return
    // The first event is heard in the turn that wakes the loop, the others in later ones.
    if (++events === workerData.event) parentPort.postMessage('in the callback')
    for (const end = Date.now() + 200; Date.now() < end; );
  }
  client.run(new Job({ photos: workerData.photos }), { onEvent }).catch(() => {})
`

const terminating = `
  import { Worker } from 'node:worker_threads'
  const { working, ...workerData } = JSON.parse(process.env.DATA)
  for (const event of [1, 2, 2, 2, 2, 3]) {
    const worker = new Worker(working, { eval: true, execArgv: [], workerData: { ...workerData, event } })
    await new Promise((resolve) => worker.once('message', resolve))
    await worker.terminate()
  }
  console.log('alive')
`

const whole = `
  import { Client, Job, XiezhenError } from 'xiezhen'
  const { url, photos, style } = JSON.parse(process.env.DATA)
  const fast = { initialMs: 20, factor: 1, maxMs: 20 }
  const client = new Client({ baseUrl: url, appCode: 'simulator-app-code', trainingSchedule: fast, generationSchedule: fast })
  const job = await client.run(new Job({ photos, styles: [style] }))
  const error = await client.queryTask('nobody').catch((error) => error)
  console.log(job.stage, error instanceof XiezhenError, error.code)
`

for (const node of nodes) {
  const runs = async (code: string, data: object) => {
    const env = { DATA: JSON.stringify(data) }
    const { code: status, out, err } = await new Program(node, ['--input-type=module', '--eval', code], env).ended
    assert.equal(status, 0, `${node}: ${err}`)
    return out.trim()
  }
  const name = node.split('/').at(-5) ?? node

  test(`${name}: a worker that is terminated in a callback ends alone`, async () => {
    const url = space(`terminated-${name}`).url
    const entry = createRequire(import.meta.url).resolve('xiezhen')
    assert.equal(await runs(terminating, { working, url, entry, photos }), 'alive')
  })

  test(`${name}: a whole job`, async () => {
    assert.equal(appCode, 'simulator-app-code')
    const url = space(`whole-${name}`).url
    assert.equal(await runs(whole, { url, photos, style: style.id }), 'done true api')
  })
}
