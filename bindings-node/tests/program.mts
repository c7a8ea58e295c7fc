// Programs of their own: what happens to a process can only be seen from outside.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { appCode } from './simulator.mjs'

const room = join(import.meta.dirname, '..')

/** What a program begins with that uses the package. */
export const begin = `
  import { Client } from 'xiezhen'
  const client = new Client({ requestsPerSecond: 1000 })
`
/** Where its client finds the service. */
export const env = (url: string) => ({ XIEZHEN_BASE_URL: url, XIEZHEN_APP_CODE: appCode })

export interface Ended {
  code: number | null
  signal: string | null
  out: string
  err: string
}

/** A program under way. */
export class Program {
  out = ''
  err = ''
  readonly ended: Promise<Ended>
  readonly child: ChildProcess

  constructor(command: string, args: string[], env: Record<string, string> = {}, cwd = room) {
    this.child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.out += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.err += text
    })
    const end = new AbortController()
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 60_000)
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        clearTimeout(patience)
        end.abort()
        resolve({ code, signal, out: this.out, err: this.err })
      })
    })
  }

  /** Waits until it has written this. */
  async says(text: string): Promise<void> {
    while (!this.out.includes(text) && !this.err.includes(text)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended without ${text}: ${this.out}${this.err}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** Runs a module given as text. */
export function script(code: string, env: Record<string, string> = {}): Promise<Ended> {
  return new Program(process.execPath, ['--input-type=module', '--eval', code], env).ended
}
