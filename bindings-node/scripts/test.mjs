// Tests what users get: the packed package, installed in an empty folder. `npm test NAME…` runs some: `npm test long/installs`.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makePackages } from './packages.mjs'

const here = resolve(import.meta.dirname, '..')
const repository = resolve(here, '..')
const only = process.argv.slice(2)

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: here, ...options })
  if (error !== undefined) throw error
  if (status !== 0) {
    console.error(`failed (${status}): ${command} ${args.join(' ')}`)
    process.exit(1)
  }
}

/** The examples of the README, each a program of its own. */
function examples(folder) {
  mkdirSync(folder)
  const readme = readFileSync(join(here, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```(js|ts|cjs)\n(.*?)^```/gms)]
  for (const [index, [, kind, code]] of blocks.entries()) {
    writeFileSync(join(folder, `${index + 1}.${kind === 'cjs' ? 'cjs' : 'mts'}`), code)
  }
}

const room = mkdtempSync(join(tmpdir(), 'xiezhen-test-'))
process.on('exit', () => rmSync(room, { recursive: true, force: true }))

const tarballs = makePackages(join(room, 'packages')).map((cwd) => {
  const { stdout } = spawnSync('npm', ['pack', '--silent', '--pack-destination', room], { cwd, encoding: 'utf8' })
  return join(room, stdout.trim())
})
const tarball = tarballs.at(-1)
const local = (tool) => join(here, 'node_modules', '.bin', tool)
if (only.length === 0) {
  run(local('publint'), ['run', tarball, '--strict'])
  // Node 10 knows no sub-paths; the package wants Node 20.
  run(local('attw'), ['--profile', 'node16', tarball])
}

writeFileSync(join(room, 'package.json'), '{ "private": true }')
run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: room })
cpSync(join(here, 'tests'), join(room, 'tests'), { recursive: true })
examples(join(room, 'tests', 'readme'))
writeFileSync(
  join(room, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      strict: true,
      target: 'es2023',
      module: 'node16',
      noUncheckedIndexedAccess: true,
      typeRoots: [join(here, 'node_modules', '@types')],
      types: ['node'],
    },
    include: ['tests'],
  }),
)
run(local('tsc'), ['--project', room], { cwd: room })

const files = only.length > 0 ? only.map((name) => `tests/${name}.test.mjs`) : ['tests/']
const chosen =
  only.length > 0
    ? files
    : spawnSync('sh', ['-c', 'ls tests/*.test.mjs'], { cwd: room, encoding: 'utf8' }).stdout.trim().split('\n')
// The time is a whole file's, and ends those that hang.
run(process.execPath, ['--test', '--test-timeout=600000', '--test-concurrency=4', '--expose-gc', ...chosen], {
  cwd: room,
  env: {
    ...process.env,
    XIEZHEN_SIMULATOR: join(repository, 'target', 'debug', 'xiezhen-simulator'),
    XIEZHEN_ESBUILD: local('esbuild'),
    XIEZHEN_NFT: local('nft'),
    XIEZHEN_PHOTOS: join(repository, 'tests', 'photos'),
    XIEZHEN_REPOSITORY: repository,
  },
})
