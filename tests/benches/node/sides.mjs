// What both sides of every piece of work share.

import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'

export const CONNECTIONS = 64
export const TASK = '7e1cac92-e348-4c90-ac66-0fc1050c9146'
export const AUTHORIZATION = { authorization: 'APPCODE bench' }
export const HEADERS = {
  ...AUTHORIZATION,
  accept: 'application/json',
  'content-type': 'application/json; charset=utf-8',
}
// The versions that `require` gives are what most programs load.
export const require = createRequire(import.meta.url)

export const taskId = (number) => `7e1cac92-e348-4c90-ac66-${String(number).padStart(12, '0')}`

export function ours(baseUrl) {
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

/** What an answer says, read as somebody would by hand. */
export function body(status, { ret, body: found }) {
  assert(status === 200 && ret === 0)
  return found
}

/** Asks for a task, by the library that is named. */
export function byHand(library, baseUrl) {
  const address = `${baseUrl}/cloud/aigc_task_query`
  const sent = (task) => JSON.stringify({ task_id: task })
  if (library === 'fetch') {
    return async (task) => {
      const answer = await fetch(address, { method: 'POST', headers: HEADERS, body: sent(task) })
      return body(answer.status, await answer.json())
    }
  }
  if (library === 'axios') {
    const axios = require('axios')
    const { Agent } = require('node:http')
    const session = axios.create({ headers: HEADERS, httpAgent: new Agent({ keepAlive: true }), proxy: false })
    return async (task) => {
      const answer = await session.post(address, sent(task))
      return body(answer.status, answer.data)
    }
  }
  const { Agent, request } = require('undici')
  const dispatcher = new Agent({ connections: CONNECTIONS })
  return async (task) => {
    const answer = await request(address, { method: 'POST', headers: HEADERS, body: sent(task), dispatcher })
    return body(answer.statusCode, await answer.body.json())
  }
}
