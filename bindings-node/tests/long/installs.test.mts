// The packages as a registry has them, through every package manager, and whole jobs in other runtimes.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Ended, Program } from '../program.mjs'
import { addonPackage, freePort, photos, simulator, style } from '../simulator.mjs'

const space = await simulator()
const tools = process.env.XIEZHEN_LONG_TOOLS ?? ''
const tool = (name: string) => join(tools, 'node_modules', '.bin', name)
const installed = dirname(createRequire(import.meta.url).resolve('xiezhen/package.json'))
const ours = basename(addonPackage())

const room = await mkdtemp(join(tmpdir(), 'xiezhen-registry-'))
let registry = ''
let service: ChildProcess | undefined
after(async () => {
  service?.kill()
  await rm(room, { recursive: true, force: true })
})

/** A `PATH` with Node and nothing else: no compiler, no cargo, no node-gyp. */
const bin = join(room, 'bin')
await mkdir(bin)
await symlink(process.execPath, join(bin, 'node'))
for (const name of ['sh', 'env']) await symlink(join('/bin', name), join(bin, name))
const npm = join(dirname(realpathSync(process.execPath)), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
const npmCli = existsSync(npm)
  ? npm
  : realpathSync(spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim())

/** Runs a package manager in a folder of its own, with caches of its own. */
async function manage(folder: string, command: string, ...args: string[]): Promise<Ended> {
  const env = {
    PATH: bin,
    HOME: join(folder, 'home'),
    XDG_DATA_HOME: join(folder, 'home'),
    npm_config_registry: registry,
    npm_config_cache: join(folder, 'cache'),
    npm_config_update_notifier: 'false',
    YARN_ENABLE_TELEMETRY: '0',
    CI: '1',
  }
  const ended = await new Program(process.execPath, [command, ...args], env, folder).ended
  assert.equal(ended.code, 0, ended.out + ended.err)
  return ended
}

async function folder(name: string): Promise<string> {
  const into = join(room, name)
  await mkdir(into)
  await writeFile(join(into, 'package.json'), JSON.stringify({ name, private: true }))
  return into
}

/** A registry of our packages and nobody else's; platforms that were not built here have a package without an addon. */
before(async () => {
  const port = await freePort()
  registry = `http://127.0.0.1:${port}/`
  const everyone = { access: '$all', publish: '$all', unpublish: '$all' }
  const config = { storage: './storage', max_body_size: '500mb', uplinks: {}, packages: { '**': everyone } }
  await writeFile(join(room, 'config.yaml'), JSON.stringify({ ...config, log: { type: 'stdout', level: 'warn' } }))
  service = spawn(process.execPath, [tool('verdaccio'), '--config', 'config.yaml', '--listen', `127.0.0.1:${port}`], {
    cwd: room,
    stdio: 'inherit',
  })
  for (const deadline = Date.now() + 30_000; ; ) {
    const up = await fetch(registry).catch(() => undefined)
    if (up?.ok) break
    if (Date.now() > deadline) throw new Error('the registry does not come up')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const scripts = pathToFileURL(join(process.env.XIEZHEN_REPOSITORY ?? '', 'bindings-node/scripts/packages.mjs'))
  const { platforms } = (await import(scripts.href)) as { platforms: Record<string, object> }
  const packages = await folder('packages')
  const { version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  for (const [name, fits] of Object.entries(platforms)) {
    const into = join(packages, name)
    if (name === ours) await cp(addonPackage(), into, { recursive: true })
    else {
      await mkdir(into)
      await writeFile(join(into, 'package.json'), JSON.stringify({ name: `@xiezhen/${name}`, version, ...fits }))
    }
  }
  await cp(installed, join(packages, 'xiezhen'), { recursive: true })
  for (const name of readdirSync(packages)) {
    const into = join(packages, name)
    if (name === 'package.json') continue
    await writeFile(join(into, '.npmrc'), `${registry.slice('http:'.length)}:_authToken=anyone\n`)
    await manage(into, npmCli, 'publish', '--access', 'public', '--ignore-scripts')
  }
})

const whole = `
  import { Client, Job } from 'xiezhen'
  const { url, photos, style } = JSON.parse(process.env.DATA)
  const fast = { initialMs: 20, factor: 1, maxMs: 20 }
  const client = new Client({ baseUrl: url, appCode: 'simulator-app-code', trainingSchedule: fast, generationSchedule: fast })
  const events = []
  const job = await client.run(new Job({ photos, styles: [style] }), { onEvent: ({ type }) => events.push(type) })
  const error = await client.queryTask('nobody').catch((error) => error)
  client.close()
  console.log(job.stage, events.at(-1), error.code)
`

/** A whole job by a program in a folder where the package is installed. */
async function works(into: string, name: string, command = process.execPath, ...args: string[]): Promise<void> {
  await writeFile(join(into, 'whole.mjs'), whole)
  const DATA = JSON.stringify({ url: space(name).url, photos, style: style.id })
  const env = { DATA, HOME: join(room, 'home'), DENO_NO_UPDATE_CHECK: '1' }
  const { code, out, err } = await new Program(command, [...args, 'whole.mjs'], env, into).ended
  assert.deepEqual([code, out.trim()], [0, 'done finished api'], err)
}

/** The platforms whose packages are somewhere below a folder. */
function platformsIn(modules: string): string[] {
  const found = readdirSync(modules, { recursive: true, encoding: 'utf8' })
  return [...new Set(found.filter((path) => path.endsWith('.node')).map((path) => basename(path).split('.')[1] ?? ''))]
}

test('npm takes the package of one platform, without a compiler, soon; Bun and Deno run a whole job with it', async () => {
  const into = await folder('npm')
  const begun = performance.now()
  await manage(into, npmCli, 'install', '--no-audit', '--no-fund', 'xiezhen')
  const seconds = (performance.now() - begun) / 1000
  console.log(`npm install: ${seconds.toFixed(2)} s`)
  assert.ok(seconds < 15, `${seconds} s`)
  assert.deepEqual(readdirSync(join(into, 'node_modules', '@xiezhen')), [ours])
  await works(into, 'npm')
  await works(into, 'bun', tool('bun'))
  await works(into, 'deno', tool('deno'), 'run', '--node-modules-dir=manual', '--allow-all')
  const some = ['--allow-read', '--allow-env', '--allow-net', '--allow-sys']
  await writeFile(join(into, 'load.mjs'), "await import('xiezhen').catch(({ message }) => console.log(message))")
  const args = ['run', '--no-prompt', '--node-modules-dir=manual', ...some, 'load.mjs']
  const { out } = await new Program(tool('deno'), args, { HOME: join(room, 'home') }, into).ended
  assert.match(out, /Start Deno with --allow-ffi/)
})

test('pnpm takes the package of one platform', async () => {
  const into = await folder('pnpm')
  await manage(into, tool('pnpm'), 'add', '--store-dir', join(into, 'store'), 'xiezhen')
  assert.deepEqual(
    readdirSync(join(into, 'node_modules', '.pnpm')).filter((name) => name.startsWith('@xiezhen')).length,
    1,
  )
  assert.deepEqual(platformsIn(join(into, 'node_modules', '.pnpm')), [ours])
  await works(into, 'pnpm')
})

test('yarn takes the package of one platform, its modules isolated or not', async () => {
  for (const linker of ['pnpm', 'node-modules']) {
    const into = await folder(`yarn-${linker}`)
    const settings = { nodeLinker: linker, npmRegistryServer: registry, unsafeHttpWhitelist: ['127.0.0.1'] }
    // What was published a minute ago is in quarantine by default.
    const own = { enableGlobalCache: false, enableImmutableInstalls: false, npmMinimalAgeGate: 0 }
    await writeFile(join(into, '.yarnrc.yml'), JSON.stringify({ ...settings, ...own }))
    await writeFile(join(into, 'yarn.lock'), '')
    await manage(into, tool('yarn'), 'add', 'xiezhen')
    assert.deepEqual(platformsIn(join(into, 'node_modules')), [ours], linker)
    await works(into, `yarn-${linker}`)
  }
})
