// Photos from disk and pictures to disk.

import { strict as assert } from 'node:assert'
import { createWriteStream, openAsBlob } from 'node:fs'
import { pipeline } from 'node:stream/promises'

import { AUTHORIZATION, body, byHand, ours, require, TASK } from './sides.mjs'

// As the SDK does.
const PICTURES_AT_ONCE = 4

/** One photo, one after the other. */
export async function upload(side, url, times, path) {
  const send = side === 'xiezhen' ? uploadOurs(url) : uploadByHand(url)
  await send(path)
  return async () => {
    for (let number = 0; number < times; number++) await send(path)
  }
}

function uploadOurs(url) {
  const client = ours(url)
  return (path) => client.uploadFile(path)
}

function uploadByHand(url) {
  const { Agent, FormData, request } = require('undici')
  const dispatcher = new Agent()
  return async (path) => {
    const form = new FormData()
    form.set('file', await openAsBlob(path, { type: 'image/jpeg' }), 'photo.jpg')
    const sent = { method: 'POST', headers: AUTHORIZATION, body: form, dispatcher }
    const answer = await request(`${url}/cloud/upload_file`, sent)
    return body(answer.statusCode, await answer.body.json())
  }
}

/** The pictures of one task. */
export async function download(side, url, times, folder) {
  const album = `${url}/album/${times}`
  if (side === 'xiezhen') {
    const client = ours(album)
    return async () => client.saveResults(await client.queryTask(TASK), folder)
  }
  const ask = byHand(side, album)
  const { Agent, request } = require('undici')
  const dispatcher = new Agent({ connections: PICTURES_AT_ONCE })
  return async () => {
    const { result_paths: pictures } = await ask(TASK)
    const left = pictures.entries()
    const fetchSome = async () => {
      for (const [number, picture] of left) {
        const answer = await request(picture, { dispatcher })
        assert(answer.statusCode === 200)
        await pipeline(answer.body, createWriteStream(`${folder}/${number}.jpg`))
      }
    }
    await Promise.all(Array.from({ length: PICTURES_AT_ONCE }, fetchSome))
  }
}
