// Whole jobs, side by side: ours, and as somebody would write them by hand in an hour with undici.

import { strict as assert } from 'node:assert'
import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { require } from './sides.mjs'

const photo = (number) => fileURLToPath(new URL(`../../photos/${String(number).padStart(2, '0')}.jpg`, import.meta.url))
const PHOTOS = Array.from({ length: 10 }, (_, index) => photo(index + 1))
const STYLES = ['仙气十足', '花好月圆']
const CODE = 'simulator-app-code'
// How often tasks are polled, on both sides.
const PAUSE = 500
// Photos at the service from which waiting jobs take ten each, so that no two are the same.
const UPLOADED = 20
const TRIES = 4
const AT_ONCE = 4

/** At most so many at a time. */
function limited(most) {
  let running = 0
  const queue = []
  return async (work) => {
    if (running === most) await new Promise((resolve) => queue.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/** Nothing of it outlasts the process. */
function byHand(url, folder) {
  const { Agent, FormData, request } = require('undici')
  const dispatcher = new Agent({ connections: 64 })
  const headers = { authorization: `APPCODE ${CODE}` }
  const [uploads, downloads] = [limited(AT_ONCE), limited(AT_ONCE)]

  /** Sends it once: what is billed must not be sent twice. */
  async function send(method, call, sent = {}) {
    const options = { method, headers: { ...headers, ...sent.headers }, body: sent.body, dispatcher }
    const answer = await request(`${url}/cloud/${call}`, options)
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      throw new Error(`${call}: HTTP ${answer.statusCode}`)
    }
    const { ret, body } = await answer.body.json()
    if (ret !== 0) throw new Error(`${call}: ret ${ret}`)
    return body
  }

  /** Sends it again after a failure. */
  async function ask(method, call, make) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(method, call, make?.())
      } catch (error) {
        if (attempt === TRIES) throw error
      }
      await sleep(1000 * 2 ** attempt)
    }
  }

  const json = (sent) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) })

  const upload = (path) =>
    uploads(async () => {
      const blob = await openAsBlob(path, { type: 'image/jpeg' })
      return ask('POST', 'upload_file', () => {
        const body = new FormData()
        body.set('file', blob, 'photo.jpg')
        return { body }
      })
    })

  async function wait(task) {
    for (;;) {
      await sleep(PAUSE)
      const seen = await ask('POST', 'aigc_task_query', () => json({ task_id: task }))
      if (seen.state === 3 || seen.state === 4) return seen
      if (seen.state === 5) throw new Error(`task ${task} failed`)
    }
  }

  const fetchPicture = (picture, path) =>
    downloads(async () => {
      const answer = await request(picture, { dispatcher })
      assert.equal(answer.statusCode, 200)
      await pipeline(answer.body, createWriteStream(path))
    })

  async function portrait(user, name, style, into) {
    const created = await send('POST', 'aigc_task_create', json({ user_id: user, style }))
    const { result_paths: pictures } = await wait(created.task_id)
    await Promise.all(pictures.map((picture, n) => fetchPicture(picture, `${into}/${name}-${n}.jpg`)))
  }

  async function job(number, ids) {
    const uploaded = await Promise.all(PHOTOS.map(upload))
    const training = await send('POST', 'aigc_user_model_create', json({ img_set: uploaded }))
    await wait(training.task_id)
    const into = `${folder}/${number}`
    await mkdir(into, { recursive: true })
    await Promise.all(STYLES.map((name) => portrait(training.user_id, name, ids[name], into)))
  }

  return async (times) => {
    const styles = await ask('GET', 'aigc_product_brief_query')
    const ids = Object.fromEntries(styles.map(({ name, style }) => [name, style]))
    await Promise.all(Array.from({ length: times }, (_, number) => job(number, ids)))
  }
}

function client(baseUrl, options) {
  const { Client } = require('xiezhen')
  return new Client({ baseUrl, appCode: CODE, requestsPerSecond: Number.POSITIVE_INFINITY, ...options })
}

/** With a checkpoint each. */
function byUs(url, folder) {
  const { Job } = require('xiezhen')
  const often = { initialMs: PAUSE, factor: 1, maxMs: PAUSE }
  const service = client(url, { trainingSchedule: often, generationSchedule: often })
  const one = (number) => {
    const saveTo = `${folder}/${number}`
    return service.run(new Job({ photos: PHOTOS, styles: STYLES }), { saveTo, checkpoint: `${saveTo}/job.json` })
  }
  return (times) => Promise.all(Array.from({ length: times }, (_, number) => one(number)))
}

export async function whole(side, url, times, folder) {
  if (side === 'check') {
    const { checkPhotos } = require('xiezhen')
    return async () => {
      for (let number = 0; number < times; number++) await checkPhotos(PHOTOS)
    }
  }
  const run = side === 'xiezhen' ? byUs(url, folder) : byHand(url, folder)
  return () => run(times)
}

/** Ten of these, each time others. */
function* tens(uploaded) {
  for (let set = 0; set < 2 ** UPLOADED; set++) {
    const some = uploaded.filter((_, n) => (set >> n) & 1)
    if (some.length === 10) yield some
  }
}

/** Jobs that wait for their training until this process is ended. Says when it begins to measure, and waits for a word. */
export async function waiting(_, url, times, folder) {
  const { Job } = require('xiezhen')
  const service = client(url)
  const uploaded = []
  for (let n = 0; n < UPLOADED; n++) uploaded.push(await service.uploadFile(PHOTOS[n % PHOTOS.length]))
  console.log('ready')
  await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve))
  const runs = []
  for (const some of tens(uploaded)) {
    const job = new Job({ uploaded: some, styles: STYLES })
    runs.push(service.run(job, { saveTo: folder, checkpoint: `${folder}/${runs.length}.json` }))
    if (runs.length === times) break
  }
  await Promise.all(runs)
  throw new Error('these jobs never end')
}
