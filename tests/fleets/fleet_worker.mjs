// A BullMQ worker of a fleet that tests start. XIEZHEN_FLEET says which.

import { appendFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../bindings-node/package.json', import.meta.url))
const { Client } = require('xiezhen')
const { Portraits } = require('xiezhen/bullmq')
const { PostgresStore, RedisStore } = require('xiezhen/stores')

const { kind, name, url, lease, rate, told, ready, concurrency } = JSON.parse(process.env.XIEZHEN_FLEET)
const { hostname, port } = new URL(process.env.XIEZHEN_TEST_REDIS)
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null }

function store() {
  const leaseMs = lease * 1000
  if (kind === 'redis') return new RedisStore(new (require('ioredis').Redis)(connection), { prefix: name, leaseMs })
  const pool = new (require('pg').Pool)({ connectionString: process.env.XIEZHEN_TEST_POSTGRES })
  return new PostgresStore(pool, { table: name, leaseMs })
}

const quick = { initialMs: 200, factor: 1.5, maxMs: 1000 }
const portraits = new Portraits(name, store(), {
  connection,
  client: () =>
    new Client({
      baseUrl: url,
      appCode: 'simulator-app-code',
      trainingSchedule: quick,
      generationSchedule: quick,
      requestsPerSecond: Number.POSITIVE_INFINITY,
    }),
  onDone: (key, job) => appendFileSync(told, `done ${key} ${job.stage}\n`),
  onUnknown: (key, job) => appendFileSync(told, `unknown ${key} ${job.stage}\n`),
  requestsPerSecond: rate ?? undefined,
})
const worker = portraits.work({ concurrency })
await worker.waitUntilReady()
writeFileSync(`${ready}-${process.pid}`, '')
process.on('SIGTERM', () => portraits.close().then(() => process.exit()))
