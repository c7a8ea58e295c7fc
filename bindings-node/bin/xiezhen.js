#!/usr/bin/env node

const { native } = require('../dist/addon.js')
const { call, calls } = require('../dist/call.js')

// Node's own answer to Ctrl-C ends the process at once; the command keeps what it has, says so, and ends.
process.on('SIGINT', () => {})

call(undefined, {}, undefined, () => native.cli(calls, ['xiezhen', ...process.argv.slice(2)])).then((code) => {
  process.exitCode = code
})
