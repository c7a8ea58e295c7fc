// The addon of this platform, or a message that says why there is none and what to do about it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { types } from 'node:util'

type Addon = typeof import('../native')

/** The package's version, put in when it is bundled. */
declare const XIEZHEN_VERSION: string

/** Where an addon may be: the platform's package, or a file beside this package, where it is developed. */
type Candidate = [name: string, load: () => Addon]

/** From node:module; `scripts/bundle.mjs` puts it in, in the form that @vercel/nft knows. */
declare function createRequire(from: string): (name: string) => Addon

/**
 * Kept away from bundlers: they have no use for an addon, and most fail at one. A bundle may have no `__filename`.
 */
const requireAddon = createRequire(typeof __filename === 'string' ? __filename : join(process.cwd(), 'index.js'))

/**
 * Each is required by its literal name: tools that collect what a program needs (@vercel/nft and those that use it)
 * follow no other. On Linux only loading it tells which libc it is.
 */
function candidates(): Candidate[] {
  switch (`${process.platform}-${process.arch}`) {
    case 'linux-x64':
      return [
        ['@xiezhen/linux-x64-gnu', () => requireAddon('@xiezhen/linux-x64-gnu')],
        ['@xiezhen/linux-x64-musl', () => requireAddon('@xiezhen/linux-x64-musl')],
        ['xiezhen.linux-x64-gnu.node', () => requireAddon('../xiezhen.linux-x64-gnu.node')],
        ['xiezhen.linux-x64-musl.node', () => requireAddon('../xiezhen.linux-x64-musl.node')],
      ]
    case 'linux-arm64':
      return [
        ['@xiezhen/linux-arm64-gnu', () => requireAddon('@xiezhen/linux-arm64-gnu')],
        ['@xiezhen/linux-arm64-musl', () => requireAddon('@xiezhen/linux-arm64-musl')],
        ['xiezhen.linux-arm64-gnu.node', () => requireAddon('../xiezhen.linux-arm64-gnu.node')],
        ['xiezhen.linux-arm64-musl.node', () => requireAddon('../xiezhen.linux-arm64-musl.node')],
      ]
    case 'darwin-x64':
      return [
        ['@xiezhen/darwin-x64', () => requireAddon('@xiezhen/darwin-x64')],
        ['xiezhen.darwin-x64.node', () => requireAddon('../xiezhen.darwin-x64.node')],
      ]
    case 'darwin-arm64':
      return [
        ['@xiezhen/darwin-arm64', () => requireAddon('@xiezhen/darwin-arm64')],
        ['xiezhen.darwin-arm64.node', () => requireAddon('../xiezhen.darwin-arm64.node')],
      ]
    case 'win32-x64':
      return [
        ['@xiezhen/win32-x64-msvc', () => requireAddon('@xiezhen/win32-x64-msvc')],
        ['xiezhen.win32-x64-msvc.node', () => requireAddon('../xiezhen.win32-x64-msvc.node')],
      ]
    default:
      return []
  }
}

function load(): Addon {
  const failed: Failed[] = []
  for (const [name, load] of candidates()) {
    try {
      const addon = load()
      const version = addon.version?.()
      if (version === XIEZHEN_VERSION) return addon
      failed.push({ name, error: new Error(`is of version ${version}, and this package of ${XIEZHEN_VERSION}`) })
    } catch (error) {
      failed.push({ name, error })
    }
  }
  throw failure(failed)
}

/** A candidate that is not there, or one that does not load. */
interface Failed {
  name: string
  error: unknown
}

const isMissing = ({ error }: Failed) => (error as { code?: unknown } | undefined)?.code === 'MODULE_NOT_FOUND'
const text = (error: unknown) => (types.isNativeError(error) ? error.message : String(error))

function failure(failed: Failed[]): Error {
  const here = `${process.platform}-${process.arch}${libc()}, Node ${process.versions.node}`
  const there = failed.filter((one) => !isMissing(one))
  const said = there.map(({ name, error }) => `${name} ${text(error)}`).join('; ')
  const names = failed.map(({ name }) => name).join(', ')
  const why = there.length > 0 ? `the addon is there but does not load: ${said}` : `none of ${names} is there`
  const what = failed.length === 0 ? 'there is no addon for this platform' : why
  const causes = there.map(({ error }) => error)
  const cause = causes.length > 1 ? new AggregateError(causes) : causes[0]
  return new Error(`xiezhen can't run on ${here}: ${what}. ${cure(failed, said)}`, { cause })
}

/** The libc, which is looked up only for a message: the report takes a while. */
function libc(): string {
  if (process.platform !== 'linux') return ''
  try {
    const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
    const glibc = report.header.glibcVersionRuntime
    return glibc === undefined ? ', musl' : `, glibc ${glibc}`
  } catch {
    return ''
  }
}

const BUILD = 'Build an addon from the source: npm ci && npm run build in bindings-node, with Rust 1.89 or later.'
const AGAIN = 'Delete node_modules and install again on this machine.'

/** What to do, for what went wrong. */
function cure(failed: Failed[], said: string): string {
  if (isBundled()) {
    return (
      'The package was bundled, and its addon is a file outside of the bundle. Keep the package out: esbuild ' +
      "--external:xiezhen; webpack externals: { xiezhen: 'commonjs xiezhen' }; vite ssr: { external: ['xiezhen'] }; " +
      "Next.js serverExternalPackages: ['xiezhen']. Then install it where the bundle runs."
    )
  }
  if (failed.length === 0) return BUILD
  if (/ERR_DLOPEN_DISABLED|loading addons is disabled/.test(codes(failed) + said)) {
    const permission = (process as { permission?: unknown }).permission !== undefined
    return permission
      ? 'The permission model keeps addons out: start Node with --allow-addons, too.'
      : 'Node was started with --no-addons: leave it out.'
  }
  if ('Deno' in globalThis && /ffi|NotCapable|PermissionDenied/.test(said)) return 'Start Deno with --allow-ffi.'
  if (/GLIBC_\d/.test(said)) return `This system's glibc is older than the addon needs. ${BUILD}`
  if (said.includes('is of version')) return `Both have to be of one version. ${AGAIN}`
  if (said !== '') return `The file is damaged or of another platform. ${AGAIN} ${BUILD}`
  return (
    'npm leaves optional dependencies of other platforms out of a lock file (npm/cli#4828), and --omit=optional all of ' +
    `them. Delete node_modules and package-lock.json, and install again on this machine. If there is no addon: ${BUILD}`
  )
}

const codes = (failed: Failed[]) => failed.map(({ error }) => (error as { code?: unknown } | undefined)?.code).join()

/** Whether this file is in a bundle: then the package that it belongs to is not above it. */
function isBundled(): boolean {
  try {
    return JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')).name !== 'xiezhen'
  } catch {
    return true
  }
}

export const native: Addon = load()
