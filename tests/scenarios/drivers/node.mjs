// The Node driver: reads a call a line, makes it, and writes its outcome in the normal form.

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

import { Callbacks, Client, Job, XiezhenError } from '../../../bindings-node/index.mjs'

const held = {}
const JOBS = ['job', 'job_json', 'adopt', 'adopt_portrait', 'run', 'advance']

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const photo = (given) => (typeof given === 'string' ? given : readFileSync(given.bytes_of))

/** Names as Node has them, to any depth. */
function camelled(value) {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [camel(name), camelled(one)]))
}

/** Any value of the package in the normal form. */
function plain(value) {
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Job) {
    const { stage, userId, photos, portraits } = value
    return plain({ stage, userId, photos, portraits })
  }
  if (typeof value !== 'object' || value === null) return value
  const told = Object.fromEntries(Object.entries(value).map(([name, one]) => [snake(name), plain(one)]))
  return value instanceof XiezhenError ? { ...told, message: value.message, ...neutral(value) } : told
}

/** Messages speak of arguments by their names in Node; here they have the design's. */
function neutral({ code, message, problems }) {
  const design = (said) =>
    said.replace(/\b[a-z]+([A-Z][a-z]+)+\b/g, (name) => snake(name).replace(/_ms$/, '')).replace(/\bInfinity\b/g, 'inf')
  if (code !== 'invalid_argument') return { message: design(message) }
  return { message: design(message), problems: problems?.map(design), spelled: problems }
}

async function call({ call, background: _, ...given }, events) {
  const { client, job } = held
  const onEvent = (event) => events.push(event.type === 'finished' ? { type: 'finished' } : event)
  // What a call takes one by one is no option of it.
  const options = camelled(given)
  if (given.callback) options.callback = held.callbacks
  const without = (...names) => Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
  switch (call) {
    case 'begin':
      held.receiver?.close()
      for (const name of Object.keys(held)) delete held[name]
      return null
    case 'callbacks':
      held.callbacks = new Callbacks(options)
      held.receiver = await held.callbacks.listen('127.0.0.1:0')
      return held.receiver.address
    case 'client':
      held.client = new Client(options)
      return null
    case 'job':
      held.job = new Job({ ...options, photos: (given.photos ?? []).map(photo) })
      return null
    case 'job_json':
      held.job = Job.fromJSON(given.json ?? JSON.stringify(job))
      return null
    case 'adopt':
      return job.adopt(given.task_id, without('taskId'))
    case 'adopt_portrait':
      return job.adoptPortrait(given.task_id, given.style)
    case 'upload_file':
      return client.uploadFile(photo(given.photo), without('photo'))
    case 'create_user_model':
      return client.createUserModel(given.img_set, without('imgSet'))
    case 'list_styles':
      return client.listStyles(options)
    case 'create_task':
      return client.createTask(given.user_id, given.style, without('userId', 'style'))
    case 'query_task':
    case 'wait_task':
      held.task = await client[camel(call)](given.task_id, { timeoutMs: given.timeout_ms })
      return held.task
    case 'wait_many': {
      let ended = 0
      const onEnd = () => {
        ended += 1
      }
      const outcomes = await client.waitMany(given.task_ids, { timeoutMs: given.timeout_ms, onEnd })
      return { outcomes: outcomes.map((one) => (one instanceof XiezhenError ? { error: one } : { value: one })), ended }
    }
    case 'notify':
      return client.notify(given.task_id)
    case 'save_results':
      return client.saveResults(held.task, given.save_to, without('saveTo'))
    case 'run':
      await client.run(job, { ...options, onEvent })
      return null
    case 'advance': {
      const save = () => {
        if (given.save_fails) throw new XiezhenError({ code: 'io', message: 'the store is away' })
      }
      return { again: (await client.advance(job, save, { ...without('saveFails'), onEvent })) !== null }
    }
    case 'close':
      return client.close()
    default:
      throw new Error(`${call} is no call`)
  }
}

async function answer(request) {
  const events = []
  const own = held.job
  let reply
  try {
    reply = { value: plain(await call(request, events)) }
  } catch (error) {
    reply = error instanceof XiezhenError ? { error: plain(error) } : { broken: String(error) }
  }
  // Another job may have come while this was in the background.
  const job = request.background ? own : held.job
  if (JOBS.includes(request.call) && job) reply = { ...reply, job: plain(job), events: plain(events) }
  return reply
}

const underWay = []
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let reply = {}
  if (request.call === 'join') reply = await underWay.pop()
  else if (request.background) underWay.push(answer(request))
  else reply = await answer(request)
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
