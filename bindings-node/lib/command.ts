// The command `xiezhen`: the core's command line.

import { native } from './addon'
import { type Abortable, call, calls } from './call'

// Node's own answer to these ends the process at once, or raises them again and again for the command, which hears them
// too. The command keeps what it has, says so, and ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

call<number, Abortable>(
  undefined,
  {},
  () => ({}),
  () => native.cli(calls, ['xiezhen', ...process.argv.slice(2)]),
).then((code) => {
  process.exitCode = code
})
