// `npx xiezhen`: the core's command line, called through the addon.

import assert from 'node:assert/strict'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Program } from './program.mjs'
import { appCode, photos, simulator, style } from './simulator.mjs'

const space = await simulator()

function xiezhen(args: string[], url = 'http://127.0.0.1:1'): Program {
  const env = { XIEZHEN_BASE_URL: url, XIEZHEN_APP_CODE: appCode }
  const command = join(import.meta.dirname, '..', 'node_modules', '.bin', 'xiezhen')
  return new Program(command, args, env)
}

test('it says what it can do', async () => {
  const { code, out } = await xiezhen(['--help']).ended
  assert.equal(code, 0)
  for (const word of ['run', 'resume', 'styles', 'status']) assert.match(out, new RegExp(`\\b${word}\\b`))
  assert.match((await xiezhen(['--version']).ended).out, /^xiezhen \d+\.\d+\.\d+/)
})

test('it lists styles, and ends with the code of an error', async () => {
  const world = space('styles')
  const { code, out } = await xiezhen(['styles'], world.url).ended
  assert.equal(code, 0)
  assert.ok(out.includes(style.name))

  const refused = await xiezhen(['--no-such-option']).ended
  assert.equal(refused.code, 2)
  assert.match(refused.err, /no-such-option/)

  await world.fault({ call: 'list_styles', reply: { status: 403, headers: { 'X-Ca-Error-Code': 'B403MQ' } } })
  const quota = await xiezhen(['styles'], world.url).ended
  assert.equal(quota.code, 5, quota.err)
})

test('it runs a job whose output is a pipe', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xiezhen-'))
  const world = space('run')
  await world.set({ clock_scale: 100_000 })
  const { code, err } = await xiezhen(['run', ...photos, '--style', style.name, '--out', folder], world.url).ended
  assert.equal(code, 0, err)
  assert.equal((await readdir(folder)).filter((file) => file.startsWith(style.name)).length, 3)
})

test('Ctrl-C ends it in its own time, with 130', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xiezhen-'))
  const world = space('interrupt')
  await world.set({ clock_scale: 0 })
  const program = xiezhen(['run', ...photos, '--style', style.name, '--out', folder], world.url)
  await world.had('create_user_model')
  await new Promise((resolve) => setTimeout(resolve, 300))
  const began = performance.now()
  program.child.kill('SIGINT')
  const { code, signal, err } = await program.ended
  assert.deepEqual([code, signal], [130, null], err)
  assert.ok(performance.now() - began < 5000)
  // Nothing else finds it here.
  assert.match(err, /to go on: npx xiezhen resume \S+job\.json/)
})

test('SIGTERM ends it in its own time, with 143', async () => {
  const world = space('terminate')
  await world.fault({ call: 'list_styles', stall: 'before' })
  const program = xiezhen(['styles'], world.url)
  await world.had('list_styles')
  program.child.kill('SIGTERM')
  const { code, signal, err } = await program.ended
  assert.deepEqual([code, signal], [143, null], err)
})
