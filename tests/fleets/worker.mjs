// `worker.py` of the Node package: the same arguments, the same words.

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../bindings-node/package.json', import.meta.url))
const { Client } = require('xiezhen')
const { PostgresStore, RedisStore } = require('xiezhen/stores')

const [kind, name, url, key, folder, lease] = process.argv.slice(2)
const quick = { initialMs: 20, factor: 1.2, maxMs: 100 }
const client = new Client({
  baseUrl: url,
  appCode: 'simulator-app-code',
  trainingSchedule: quick,
  generationSchedule: quick,
  requestsPerSecond: 100_000,
  uploadConcurrency: 1,
})

const say = (...what) => writeSync(1, `${what.join(' ')}\n`)
// As Python calls its classes of events.
const classOf = ({ type }) => type.replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase())

function open() {
  const leaseMs = Number(lease) * 1000
  if (kind === 'redis') {
    return new RedisStore(new (require('ioredis').Redis)(process.env.XIEZHEN_TEST_REDIS), { prefix: name, leaseMs })
  }
  const pool = new (require('pg').Pool)({ connectionString: process.env.XIEZHEN_TEST_POSTGRES })
  return new PostgresStore(pool, { table: name, leaseMs })
}

/** The store, which says what it was asked for once it is done. */
function told(store) {
  return {
    leaseMs: store.leaseMs,
    async claim(...how) {
      const claim = await store.claim(...how)
      if (claim.state === 'claimed') say('claimed')
      return claim
    },
    async save(claim, json) {
      await store.save(claim, json)
      const job = JSON.parse(json)
      const isOpen = [job.training ?? {}, ...job.portraits].some(({ intent, error }) => intent && !error)
      say(isOpen ? 'intent' : 'saved')
    },
    async release(claim, ms) {
      const released = await store.release(claim, ms)
      say('released', ms === null ? 'None' : (ms / 1000).toFixed(1))
      return released
    },
  }
}

const store = told(open())
for (;;) {
  const turn = await client.step(store, key, {
    saveTo: folder,
    onEvent: (event) => say(classOf(event)),
    onDone: (key, job) => say('done', key, job.stage),
    onUnknown: (key, job) => say('unknown', key, job.stage),
  })
  if (turn === null || turn.state === 'over') break
  if (typeof turn === 'object') say(turn.state)
  await new Promise((resolve) => setTimeout(resolve, Math.min(100, typeof turn === 'number' ? turn : 100)))
}
say('over')
process.exit()
