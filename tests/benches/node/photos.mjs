// Photos as phones make them: made smaller by sharp, as its documentation shows it, and checked by ours.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

import { require } from './sides.mjs'

const SIDE = 2048

/** Decoded, turned upright, scaled, in sRGB, encoded as ours is. */
export async function scale(_side, _url, times, path) {
  // Here, so that no other piece of work has it in memory.
  const sharp = require('sharp')
  const photo = readFileSync(path)
  const one = () =>
    sharp(photo)
      .rotate()
      .resize(SIDE, SIDE, { fit: 'inside' })
      .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
      .toBuffer()
  await one()
  return async () => {
    for (let number = 0; number < times; number++) await one()
  }
}

/** Photos of a folder; the longest that the event loop stood still is measured around it. */
export async function check(_side, _url, _times, folder) {
  const { checkPhotos } = require('xiezhen')
  const photos = readdirSync(folder).map((name) => join(folder, name))
  await checkPhotos(photos.slice(0, 1))
  return async () => {
    const began = performance.now()
    const reports = await checkPhotos(photos)
    if (reports.some((report) => report.problems.length)) throw new Error(JSON.stringify(reports))
    return { seconds: (performance.now() - began) / 1e3 }
  }
}
