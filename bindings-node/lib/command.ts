// The command `xiezhen`: the core's command line.

import { native } from './addon'
import { type Abortable, call, calls } from './call'

// Node's own answer to Ctrl-C ends the process at once; the command keeps what it has, says so, and ends.
process.on('SIGINT', () => {})

call<number, Abortable>(
  undefined,
  {},
  () => ({}),
  () => native.cli(calls, ['xiezhen', ...process.argv.slice(2)]),
).then((code) => {
  process.exitCode = code
})
