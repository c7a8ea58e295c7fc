// Makes the packages as they are published: the main one, which has no addon, and one for each addon that was built.
// `node scripts/packages.mjs FOLDER`, or `--publish` to publish them, which is the release workflow's.

import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const here = resolve(import.meta.dirname, '..')
const repository = resolve(here, '..')
const licences = ['LICENSE-APACHE', 'LICENSE-MIT']

/** Where each addon runs, as npm knows it. The loader in `lib/addon.ts` requires each by its name. */
export const platforms = {
  'linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'linux-x64-musl': { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'linux-arm64-musl': { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  'darwin-x64': { os: ['darwin'], cpu: ['x64'] },
  'darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
  'win32-x64-msvc': { os: ['win32'], cpu: ['x64'] },
}

const write = (folder, name, text) => writeFileSync(join(folder, name), text)
const json = (value) => `${JSON.stringify(value, null, 2)}\n`
const source = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))

/** The main package, which asks for the one of its platform. */
function main(into) {
  const { devDependencies: _, overrides: __, scripts: ___, napi: ____, ...published } = source
  const folder = join(into, 'xiezhen')
  published.files = source.files.filter((file) => !file.endsWith('.node'))
  // All of one version: an addon is made for the JavaScript beside it.
  const addons = Object.keys(platforms).map((name) => [`@xiezhen/${name}`, source.version])
  published.optionalDependencies = Object.fromEntries(addons)
  mkdirSync(folder, { recursive: true })
  for (const file of [...published.files, 'README.md']) {
    const from = licences.includes(file) ? join(repository, file) : join(here, file)
    if (existsSync(from)) cpSync(from, join(folder, file), { recursive: true })
  }
  write(folder, 'THIRD-PARTY.md', 'Nothing here is by others. What an addon is built from, its package says.\n')
  write(folder, 'package.json', json({ ...published, files: [...published.files, 'THIRD-PARTY.md'] }))
  return folder
}

/** The licences of all that an addon is built from. */
function thirdParty() {
  const { status, error, stdout } = spawnSync('python3', [join(repository, '.ci/third-party'), 'xiezhen-node'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`.ci/third-party has failed (${status})`)
  return stdout
}

/** The package of one platform. */
function platform(into, name, addon, licencesOfOthers) {
  const folder = join(into, name)
  const file = `xiezhen.${name}.node`
  const { version, license, engines, repository: where } = source
  const description = `The addon of xiezhen for ${name}: installed by xiezhen itself`
  const about = { name: `@xiezhen/${name}`, version, description, license, engines, ...platforms[name], main: file }
  mkdirSync(folder, { recursive: true })
  copyFileSync(addon, join(folder, file))
  for (const licence of licences) copyFileSync(join(repository, licence), join(folder, licence))
  write(
    folder,
    'README.md',
    `# @xiezhen/${name}\n\n${description}. Install [xiezhen](https://www.npmjs.com/package/xiezhen).\n`,
  )
  write(folder, 'THIRD-PARTY.md', licencesOfOthers)
  write(folder, 'package.json', json(where === undefined ? about : { ...about, repository: where }))
  return folder
}

/** Writes the packages into a folder; names theirs, the main one last: it is published when all others are there. */
export function makePackages(into) {
  const built = Object.keys(platforms).filter((name) => existsSync(join(here, `xiezhen.${name}.node`)))
  const others = thirdParty()
  return [...built.map((name) => platform(into, name, join(here, `xiezhen.${name}.node`), others)), main(into)]
}

if (process.argv[1] === import.meta.filename) {
  const [asked] = process.argv.slice(2)
  if (asked === undefined) throw new Error('say where: node scripts/packages.mjs FOLDER, or --publish')
  const publish = asked === '--publish'
  const folders = makePackages(publish ? mkdtempSync(join(tmpdir(), 'xiezhen-packages-')) : resolve(asked))
  if (publish && folders.length <= Object.keys(platforms).length) {
    throw new Error(
      `only ${folders.length - 1} of ${Object.keys(platforms).length} addons are here: build all of them first`,
    )
  }
  for (const cwd of folders) {
    console.log(cwd)
    if (!publish) continue
    const { status } = spawnSync('npm', ['publish', '--access', 'public', '--provenance'], { cwd, stdio: 'inherit' })
    if (status !== 0) process.exit(1)
  }
}
