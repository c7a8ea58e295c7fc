// How the package finds its addon, and what it says where it does not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Program } from './program.mjs'
import { addonPackage } from './simulator.mjs'

const installed = dirname(createRequire(import.meta.url).resolve('xiezhen/package.json'))
const rooms: string[] = []
after(() => Promise.all(rooms.map((room) => rm(room, { recursive: true }))))

/** A folder in which the packages are installed once more, to be spoilt. */
async function copied(): Promise<{ room: string; main: string; platform: string; addon: string }> {
  const room = await mkdtemp(join(tmpdir(), 'xiezhen-loader-'))
  rooms.push(room)
  const main = join(room, 'node_modules', 'xiezhen')
  const platform = join(room, 'node_modules', '@xiezhen', basename(addonPackage()))
  await cp(installed, main, { recursive: true })
  await cp(addonPackage(), platform, { recursive: true })
  const addon = (await readdir(platform)).find((file) => file.endsWith('.node'))
  assert.ok(addon)
  return { room, main, platform, addon: join(platform, addon) }
}

/** What comes of loading the package in a room. */
async function loaded(room: string, flags: string[] = [], required = 'xiezhen') {
  const code = `
    try { const { Client } = require('${required}'); console.log(JSON.stringify({ loads: typeof Client })) } catch (error) {
      console.log(JSON.stringify({ message: error.message, cause: error.cause?.message }))
    }`
  const file = join(room, 'load.cjs')
  await writeFile(file, code)
  const ended = await new Program(process.execPath, [...flags, file], {}, room).ended
  assert.equal(ended.code, 0, ended.err)
  return JSON.parse(ended.out) as { loads?: string; message: string; cause?: string }
}

test('the main package has no addon, and asks for those of its own version', async () => {
  const files = await readdir(installed, { recursive: true })
  assert.deepEqual(
    files.filter((file) => file.endsWith('.node')),
    [],
  )
  for (const folder of [installed, addonPackage()]) {
    const licences = (await readdir(folder)).filter((file) => file.startsWith('LICENSE'))
    assert.deepEqual(licences, ['LICENSE-APACHE', 'LICENSE-MIT'])
  }
  assert.match(await readFile(join(installed, 'THIRD-PARTY.md'), 'utf8'), /its package says/)
  const others = await readFile(join(addonPackage(), 'THIRD-PARTY.md'), 'utf8')
  for (const crate of ['reqwest', 'ring', 'napi', 'zune-jpeg']) assert.match(others, new RegExp(`^- ${crate} \\d`, 'm'))
  assert.match(others, /Permission is hereby granted/)
  const { version, optionalDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const names = Object.keys(optionalDependencies)
  assert.ok(names.length >= 7 && names.every((name) => name.startsWith('@xiezhen/')))
  assert.deepEqual([...new Set(Object.values(optionalDependencies))], [version])
  const about = JSON.parse(await readFile(join(addonPackage(), 'package.json'), 'utf8'))
  assert.deepEqual([about.version, about.os, about.cpu], [version, [process.platform], [process.arch]])
})

test('the package of the platform is loaded, or a file beside the main one', async () => {
  const { room, main, platform, addon } = await copied()
  assert.equal((await loaded(room)).loads, 'function')
  await copyFile(addon, join(main, basename(addon)))
  await rm(platform, { recursive: true })
  assert.equal((await loaded(room)).loads, 'function')
})

test('an addon that is missing is named, with the platform and what to do', async () => {
  const { room, platform } = await copied()
  await rm(platform, { recursive: true })
  const { message } = await loaded(room)
  assert.ok(message.includes(`${process.platform}-${process.arch}`) && message.includes(process.versions.node), message)
  if (process.platform === 'linux') assert.match(message, /glibc \d|musl/)
  assert.match(message, new RegExp(`none of @xiezhen/${basename(platform)}`))
  assert.match(message, /npm\/cli#4828.*--omit=optional.*package-lock\.json.*npm run build/)
})

test('an addon that does not load keeps its cause', async () => {
  const { room, addon } = await copied()
  await writeFile(addon, 'no library')
  const damaged = await loaded(room)
  assert.match(damaged.message, /is there but does not load.*damaged or of another platform/)
  assert.match(damaged.cause ?? '', /\.node/)
  await copyFile(process.execPath, addon)
  assert.match((await loaded(room)).message, /does not load/)
})

test('an addon of another version is refused', async () => {
  const { room, main } = await copied()
  const file = join(main, 'dist', 'index.js')
  const { version } = JSON.parse(await readFile(join(main, 'package.json'), 'utf8'))
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(`"${version}"`, '"9.9.9"'))
  const { message } = await loaded(room)
  assert.match(message, new RegExp(`is of version ${version}, and this package of 9\\.9\\.9.*Both have to be`))
})

test('a Node that loads no addons is told apart', async () => {
  const { room } = await copied()
  assert.match((await loaded(room, ['--no-addons'])).message, /started with --no-addons: leave it out/)
  const permission = ['--experimental-permission', '--allow-fs-read=*', '--no-warnings']
  assert.match((await loaded(room, permission)).message, /start Node with --allow-addons/)
})

test('a bundle finds the addon where the package is installed, and says elsewhere how to keep it out', async () => {
  const { room } = await copied()
  const elsewhere = await mkdtemp(join(tmpdir(), 'xiezhen-elsewhere-'))
  rooms.push(elsewhere)
  await writeFile(join(room, 'entry.cjs'), "module.exports = require('xiezhen')")
  const bundle = (into: string, ...flags: string[]) => {
    const args = [join(room, 'entry.cjs'), '--bundle', '--platform=node', `--outfile=${into}`, '--log-level=warning']
    const { status, stderr } = spawnSync(process.env.XIEZHEN_ESBUILD ?? 'esbuild', [...args, ...flags], {
      encoding: 'utf8',
    })
    assert.deepEqual([status, stderr], [0, ''])
  }
  const inside = join(room, 'out', 'bundle.cjs')
  bundle(inside)
  assert.equal((await loaded(room, [], inside)).loads, 'function')
  const outside = join(elsewhere, 'bundle.cjs')
  await copyFile(inside, outside)
  const { message } = await loaded(elsewhere, [], outside)
  assert.match(message, /was bundled.*esbuild --external:xiezhen;.*webpack externals.*vite ssr.*serverExternalPackages/)
  bundle(inside, '--external:xiezhen')
  assert.equal((await loaded(room, [], inside)).loads, 'function')
})

test('what traces the files that a program needs finds the addon', async () => {
  const { room, addon } = await copied()
  await writeFile(join(room, 'entry.cjs'), "require('xiezhen')")
  const traced = spawnSync(process.env.XIEZHEN_NFT ?? 'nft', ['print', 'entry.cjs'], { cwd: room, encoding: 'utf8' })
  assert.equal(traced.status, 0, traced.stderr)
  assert.ok(traced.stdout.includes(basename(addon)), traced.stdout)
})
