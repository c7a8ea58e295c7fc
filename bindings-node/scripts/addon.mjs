// Builds the addon and writes its declarations: `node scripts/addon.mjs [--release] [--target TRIPLE] [-- WHAT CARGO BUILDS]`,
// which is this crate unless it is said. With a target of
// Linux, zig links it against glibc 2.17 (cargo-zigbuild, ziglang): it runs on every distribution of the last ten years.
// `napi build` names the target, for which cargo builds all dependencies anew; without one, this shares what the rest of
// the repository has built.

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

const at = process.argv.indexOf('--target')
const target = at < 0 ? undefined : process.argv[at + 1]
const oldest = target?.endsWith('linux-gnu') ? `${target}.2.17` : target
const cargo = target?.includes('linux') ? 'zigbuild' : 'build'
const rest = process.argv.indexOf('--')
const selected = rest < 0 ? ['--package', crate] : process.argv.slice(rest + 1)
const flags = [...selected, '--message-format=json-render-diagnostics', ...(release ? ['--release'] : [])]
if (oldest !== undefined) flags.push('--target', oldest)
// With a target it is built to be shipped. An addon is loaded by a program that has the C library already: musl's is not to
// be linked in once more.
const shipped = target === undefined ? '' : said('bash', ['../.ci/release-flags']).trim()
const rustflags = target?.endsWith('musl') ? `${shipped} -C target-feature=-crt-static` : shipped
const environment = rustflags === '' ? {} : { RUSTFLAGS: rustflags }
const built = said('cargo', [cargo, ...flags], { NAPI_TYPE_DEF_TMP_FOLDER: types, ...environment })
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const library = built.find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'xiezhen_node')

const triple = target ?? /^host: (.*)$/m.exec(said('rustc', ['--version', '--verbose']))[1]
copyFileSync(library.filenames[0], join(here, `xiezhen.${parseTriple(triple).platformArchABI}.node`))
const { dts } = await generateTypeDef({ typeDefDir: types, cwd: here, constEnum: false })
// A type that the source names without a word about it (`Bytes`) is read as what it is, and a comment that went through a
// macro as one that did not.
const named = [...dts.matchAll(/(?<=\n\n)export type (\w+) = (.*)\n\n/g)]
const plain = named.reduce(
  (text, [whole, name, type]) => text.replace(whole, '').replace(new RegExp(`(?<=: |<)${name}\\b`, 'g'), type),
  dts,
)
writeFileSync(join(here, 'native.d.ts'), plain.replaceAll('/** r" ', '/** '))
