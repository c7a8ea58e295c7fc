// One piece of work by one side, in a process of its own: `work.mjs WORK SIDE URL TIMES`.
//
// Prints the CPU time of one call or poll in µs, the memory growth in bytes and, for waits, the event loop's delay (p99, ms).

import { strict as assert } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const CONNECTIONS = 64
const HEADERS = {
  authorization: 'APPCODE bench',
  accept: 'application/json',
  'content-type': 'application/json; charset=utf-8',
}
const SUCCEEDED = 3
const require = createRequire(import.meta.url)
const [work, side, url, times] = process.argv.slice(2)

/** A line of this process's status, in bytes. */
function memory(name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

function forgetPeak() {
  writeFileSync('/proc/self/clear_refs', '5')
  return memory('VmRSS')
}

const taskId = (number) => `7e1cac92-e348-4c90-ac66-${String(number).padStart(12, '0')}`

function cpu() {
  const { user, system } = process.cpuUsage()
  return user + system
}

function ours(baseUrl) {
  const { Client } = require('xiezhen')
  const often = { initialMs: 1, factor: 1, maxMs: 1 }
  return new Client({
    baseUrl,
    appCode: 'bench',
    requestsPerSecond: Number.POSITIVE_INFINITY,
    trainingSchedule: often,
    generationSchedule: often,
  })
}

/** Asks for a task's state, as somebody would by hand. */
function byHand(baseUrl) {
  const { Agent, request } = require('undici')
  const dispatcher = new Agent({ connections: CONNECTIONS })
  const address = `${baseUrl}/cloud/aigc_task_query`
  return async (task) => {
    const body = JSON.stringify({ task_id: task })
    const answer = await request(address, { method: 'POST', headers: HEADERS, body, dispatcher })
    const { ret, body: found } = await answer.body.json()
    assert(answer.statusCode === 200 && ret === 0)
    return found.state
  }
}

async function query() {
  let ask = byHand
  if (side === 'xiezhen') {
    const client = ours(url)
    ask = () => (task) => client.queryTask(task)
  }
  ask = ask(url)
  for (let number = 0; number < 500; number++) await ask(taskId(number))
  const resident = forgetPeak()
  const before = cpu()
  for (let number = 0; number < times; number++) await ask(taskId(number))
  return { cpu: (cpu() - before) / times, growth: memory('VmHWM') - resident }
}

async function waits() {
  let all
  if (side === 'undici') {
    const ask = byHand(`${url}/second`)
    const wait = async (task) => {
      while ((await ask(task)) !== SUCCEEDED) await sleep(1)
    }
    all = (tasks) => Promise.all(tasks.map(wait))
  } else {
    const client = ours(`${url}/second`)
    all =
      side === 'waitMany'
        ? (tasks) => client.waitMany(tasks)
        : (tasks) => Promise.all(tasks.map((task) => client.waitTask(task)))
  }
  const ids = (count) => Array.from({ length: count }, (_, number) => taskId(number))
  await all(ids(CONNECTIONS * 4))
  const tasks = ids(Number(times))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const resident = forgetPeak()
  const before = cpu()
  delay.enable()
  await all(tasks)
  delay.disable()
  const spent = (cpu() - before) / times / 2
  return { cpu: spent, growth: memory('VmHWM') - resident, p99: delay.percentile(99) / 1e6, worst: delay.max / 1e6 }
}

console.log(JSON.stringify(await (work === 'query' ? query() : waits())))
process.exit(0)
