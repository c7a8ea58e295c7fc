// The addon of this platform, or a message that says why there is none.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

type Addon = typeof import('../native')

const folder = join(__dirname, '..')

/** What this platform's addon may be called. On Linux only the withCallSite tells which libc it is. */
function names(): string[] {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'linux') return [`${platform}-gnu`, `${platform}-musl`]
  return [process.platform === 'win32' ? `${platform}-msvc` : platform]
}

function libc(): string {
  if (process.platform !== 'linux') return ''
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  const glibc = report.header.glibcVersionRuntime
  return glibc === undefined ? ', musl' : `, glibc ${glibc}`
}

function load(): Addon {
  const held = readdirSync(folder).filter((file) => /^xiezhen\..+\.node$/.test(file))
  const tried = names().map((name) => `xiezhen.${name}.node`)
  const causes: unknown[] = []
  for (const file of tried.filter((file) => held.includes(file))) {
    try {
      return require(join(folder, file))
    } catch (cause) {
      causes.push(cause)
    }
  }

  const here = `${process.platform}-${process.arch}${libc()}, Node ${process.versions.node}`
  const why =
    causes.length > 0
      ? `the addon is there but does not load: ${causes.map((cause) => (cause as Error).message).join('; ')}`
      : `there is no ${tried.join(' or ')} in ${folder}, which holds ${held.join(', ') || 'no addon'}`
  const cure =
    'Install the package on this very kind of machine (delete node_modules, then npm install xiezhen). If it has no addon ' +
    'for it, build one from the source: npm ci && npm run build in bindings-node, with Rust 1.89 or later.'
  const cause = causes.length > 1 ? new AggregateError(causes) : causes[0]
  throw new Error(`xiezhen can't run on ${here}: ${why}. ${cure}`, { cause })
}

export const native: Addon = load()
