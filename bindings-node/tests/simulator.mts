// The service that tests talk to: the simulator's binary, one process a test file, one space a test.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { Client, type ClientOptions } from 'xiezhen'

const needed = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: start the tests with npm test`)
  return value
}

const binary = needed('XIEZHEN_SIMULATOR')
const folder = needed('XIEZHEN_PHOTOS')

export const photos = Array.from({ length: 8 }, (_, index) => `${folder}/0${index + 1}.jpg`)
export const first = `${folder}/01.jpg`
export const appCode = 'simulator-app-code'
/** A style that the simulator has, by name and by id. */
export const style = { name: '仙气十足', id: '20057d0c-8cef-447e-88d0-a8f3490fd0b0' }

/** Seconds of the service pass in a thousandth, and waits poll often. */
export const quick: ClientOptions = {
  appCode,
  requestsPerSecond: Number.POSITIVE_INFINITY,
  trainingSchedule: { initialMs: 20, factor: 1, maxMs: 20 },
  generationSchedule: { initialMs: 20, factor: 1, maxMs: 20 },
}

export interface Counts {
  requests: Record<string, number>
  created: number
}

/** The folder of the addon's package, as it was installed for this platform. */
export function addonPackage(): string {
  const installed = join(import.meta.dirname, '..', 'node_modules', '@xiezhen')
  const [name, more] = readdirSync(installed)
  if (name === undefined || more !== undefined) throw new Error(`one addon has to be in ${installed}`)
  return join(installed, name)
}

/** Waits for something that is bound to happen. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it never came to be: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A world of its own at the service. */
export class Space {
  #clients: Client[] = []

  constructor(readonly url: string) {}

  client(options: ClientOptions = {}): Client {
    const client = new Client({ ...quick, baseUrl: this.url, ...options })
    this.#clients.push(client)
    return client
  }

  async control<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/_simulator/${path}`, { method, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }

  fault(fault: object): Promise<unknown> {
    return this.control('POST', 'faults', fault)
  }

  set(settings: object): Promise<unknown> {
    return this.control('POST', 'settings', settings)
  }

  counts(): Promise<Counts> {
    return this.control('GET', 'counts')
  }

  /** Waits until the service has had a call. */
  async had(call: string): Promise<void> {
    await until(async () => ((await this.counts()).requests[call] ?? 0) > 0)
  }

  /** A user model that is trained. */
  async trained(client = this.client()): Promise<string> {
    const uploaded = await Promise.all(photos.map((photo) => client.uploadFile(photo)))
    const { taskId, userId } = await client.createUserModel(uploaded)
    await client.waitTask(taskId)
    return userId
  }

  /** A generation that has begun and never ends by itself. */
  async endless(client = this.client()): Promise<string> {
    const userId = await this.trained(client)
    await this.set({ clock_scale: 0 })
    return (await client.createTask(userId, style.id)).taskId
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** Starts a simulator for this test file. */
export async function simulator(): Promise<(name: string) => Space> {
  const service: ChildProcess = spawn(binary, ['--clock-scale', '1000'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [url] = await once(createInterface({ input: service.stdout as NodeJS.ReadableStream }), 'line')
  const spaces: Space[] = []
  after(() => {
    for (const space of spaces) space.close()
    service.stdin?.end()
  })
  return (name) => {
    const space = new Space(`${url}/spaces/${name}`)
    spaces.push(space)
    return space
  }
}

/** A port of this machine that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
