// Every example of the README, as a program of its own against the simulator.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Program } from './program.mjs'
import { appCode, first, freePort, type Space, simulator } from './simulator.mjs'

const space = await simulator()
const folder = join(import.meta.dirname, 'readme')
const examples = (await readdir(folder)).filter((file) => /\.[mc]js$/.test(file)).sort()

/** What each of them says at its end. */
const says: Record<string, RegExp> = {
  '1.mjs': /finished\n仙气十足 \[\n?.*\.png/s,
  '2.mjs': /\.png\n.*\nU\d+\n$/s,
  '3.mjs': /^done\n$/,
  '4.mjs': /\.png/,
  '5.cjs': /^5001: [0-9A-F-]{36}\n$/,
  '6.mjs': /^AbortError\n$/,
  '7.mjs': /^$/,
  '8.mjs': /^photos\/01\.jpg as_is \[\] \[\]\n.*\ndone\n$/s,
  '9.mjs': /^done\n$/,
}

test('there is an expectation for every example', () => assert.deepEqual(examples, Object.keys(says)))

test('every example works', { concurrency: true }, async (context) => {
  const works = examples.map((example, index) => context.test(example, () => runs(example, space(`example-${index}`))))
  await Promise.all(works)
})

async function runs(example: string, world: Space): Promise<void> {
  // Trainings and generations are there at the first poll.
  await world.set({ clock_scale: 100_000 })
  const room = await mkdtemp(join(folder, 'room-'))
  await symlink(dirname(first), join(room, 'photos'))
  const env = {
    XIEZHEN_BASE_URL: world.url,
    XIEZHEN_APP_CODE: appCode,
    XIEZHEN_CALLBACK_URL: `http://127.0.0.1:${await freePort()}`,
    XIEZHEN_CALLBACK_SECRET: 'a secret of sixteen bytes',
  }
  const { code, out, err } = await new Program(process.execPath, [join(folder, example)], env, room).ended
  assert.equal(code, 0, err)
  assert.match(out, says[example] ?? /./)
}
