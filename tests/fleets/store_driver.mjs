// The stores of the Node package, for the suite that all stores are put through: a line of JSON in, a line of JSON out.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(new URL('../../bindings-node/package.json', import.meta.url))
const { ConflictError, PostgresStore, RedisStore } = require('xiezhen/stores')

const [kind, url, json] = process.argv.slice(2)
const options = JSON.parse(json)

function open() {
  if (kind === 'redis') {
    const { Redis } = require('ioredis')
    const { protocol, hostname, port } = new URL(url)
    if (protocol !== 'redis:') throw new Error(url)
    const redis = new Redis({ host: hostname, port: Number(port), maxRetriesPerRequest: 2 })
    redis.on('error', () => {})
    return new RedisStore(redis, options)
  }
  const { Pool } = require('pg')
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {})
  return new PostgresStore(pool, options)
}

const store = open()
const claims = new Map()
let next = 0

/** A claim as the suite names it: by a number, with what it says. */
function shown(claim) {
  if (claim?.state !== 'claimed') return claim
  const number = next++
  claims.set(number, claim)
  return { ...claim, number }
}

const operations = {
  put: (key, job) => store.put(key, job),
  claim: async (key, reopen) => shown(await store.claim(key, { reopen })),
  save: async (number, job) => {
    const claim = claims.get(number)
    await store.save(claim, job)
    return { version: claim.version }
  },
  release: (number, seconds) => store.release(claims.get(number), seconds === null ? null : seconds * 1000),
  wake: (key, hint) => store.wake(key, hint),
  due: (limit) => store.due(limit),
  get: (key) => store.get(key),
  reserve: (count, rate) => store.reserve(count, rate),
}

process.on('warning', (warning) => console.log(JSON.stringify({ warning: warning.message })))
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, args } = JSON.parse(line)
  let answer
  try {
    answer = { value: (await operations[operation](...args)) ?? null }
  } catch (error) {
    const newest = error instanceof ConflictError ? shown(error.claim) : null
    answer = { error: error.constructor.name, message: error.message, code: error.code ?? null, newest }
  }
  await new Promise((resolve) => setImmediate(resolve))
  console.log(JSON.stringify(answer))
}
process.exit()
