// Builds the addon and writes its declarations: `node scripts/addon.mjs [--release]`. `napi build` names the target, for
// which cargo builds all dependencies anew; this shares what the rest of the repository has built.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { generateTypeDef, parseTriple } from '@napi-rs/cli'

const here = resolve(import.meta.dirname, '..')
const release = process.argv.includes('--release')
const crate = 'xiezhen-node'

function said(command, args, env) {
  const options = { cwd: here, encoding: 'utf8', stdio: ['inherit', 'pipe', 'inherit'], maxBuffer: 1 << 30 }
  const { status, error, stdout } = spawnSync(command, args, { ...options, env: { ...process.env, ...env } })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
  return stdout
}

const metadata = JSON.parse(said('cargo', ['metadata', '--format-version=1', '--no-deps', '--locked']))
// napi-derive writes here what it sees, whenever the crate is compiled.
const types = join(metadata.target_directory, 'napi-types', release ? 'release' : 'debug')
mkdirSync(types, { recursive: true })

const flags = ['--package', crate, '--message-format=json-render-diagnostics', ...(release ? ['--release'] : [])]
const built = said('cargo', ['build', ...flags], { NAPI_TYPE_DEF_TMP_FOLDER: types })
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const library = built.find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'xiezhen_node')

const [, host] = /^host: (.*)$/m.exec(said('rustc', ['--version', '--verbose']))
copyFileSync(library.filenames[0], join(here, `xiezhen.${parseTriple(host).platformArchABI}.node`))
const { dts } = await generateTypeDef({ typeDefDir: types, cwd: here, constEnum: false })
writeFileSync(join(here, 'native.d.ts'), dts)
