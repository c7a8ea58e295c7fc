// One piece of work by one side, in a process of its own: `work.mjs WORK SIDE URL TIMES [POLLS or PATH]`.
//
// Prints the CPU time in µs, the growth of the resident memory's peak in bytes and, for waits, the event loop's delay (ms).

import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

import { download, upload } from './files.mjs'
import { waiting, whole } from './jobs.mjs'
import { check, scale } from './photos.mjs'
import { byHand, ours, require, taskId } from './sides.mjs'

const SUCCEEDED = 3
const WARM_UP = { queries: 500, waits: 256 }

/** A line of this process's status, in bytes. */
function memory(name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

function forgetPeak() {
  writeFileSync('/proc/self/clear_refs', '5')
  return memory('VmRSS')
}

function cpu() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Queries, one after another. */
async function query(side, url, times) {
  let ask = byHand(side, url)
  if (side === 'xiezhen') {
    const client = ours(url)
    ask = (task) => client.queryTask(task)
  }
  for (let number = 0; number < WARM_UP.queries; number++) await ask(taskId(number))
  return async () => {
    for (let number = 0; number < times; number++) await ask(taskId(number))
  }
}

/** Waits at once, each of so many polls. */
async function waits(side, url, times, polls) {
  const looked = `${url}/looks/${polls}`
  let all
  if (side === 'undici') {
    const ask = byHand(side, looked)
    const wait = async (task) => {
      while ((await ask(task)).state !== SUCCEEDED) await sleep(1)
    }
    all = (tasks) => Promise.all(tasks.map(wait))
  } else {
    const client = ours(looked)
    const each = (tasks) => Promise.all(tasks.map((task) => client.waitTask(task)))
    all = side === 'waitMany' ? (tasks) => client.waitMany(tasks) : each
  }
  const ids = (count) => Array.from({ length: count }, (_, number) => taskId(number))
  await all(ids(WARM_UP.waits))
  const tasks = ids(times)
  return () => all(tasks)
}

let kept

/** `job.stage`, or an attribute in the same loop. */
async function stage(side, _, times) {
  const { Job } = require('xiezhen')
  const job = side === 'xiezhen' ? new Job({ userId: 'user', styles: ['仙气十足'] }) : { stage: 'uploading' }
  return async () => {
    for (let number = 0; number < times; number++) kept = job.stage
  }
}

const [work, side, url, times, rest] = process.argv.slice(2)
const run = await { query, waits, upload, download, jobs: whole, waiting, stage, scale, check }[work](side, url, Number(times), rest)
const delay = monitorEventLoopDelay({ resolution: 1 })
const resident = forgetPeak()
const [before, began] = [cpu(), performance.now()]
if (work === 'waits' || work === 'check') delay.enable()
const found = await run()
const seconds = (performance.now() - began) / 1000
const spent = { cpu: cpu() - before, growth: memory('VmHWM') - resident, seconds }
if (work === 'waits') spent.p99 = delay.percentile(99) / 1e6
if (work === 'check') Object.assign(spent, found, { worst: delay.max / 1e6, kept: memory('VmRSS') - resident })
console.log(JSON.stringify(spent))
process.exit(kept === null ? 1 : 0)
