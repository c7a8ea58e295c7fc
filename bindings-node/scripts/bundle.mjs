// Bundles what `tsc` has checked: one file for each entry of the package. Addons stay outside: they are required when it runs.

import { existsSync } from 'node:fs'
import { build } from 'esbuild'
import metadata from '../package.json' with { type: 'json' }

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  keepNames: true,
  outbase: 'lib',
  outdir: 'dist',
  logLevel: 'warning',
}
await build({
  ...common,
  entryPoints: ['lib/index.ts', 'lib/command.ts'],
  banner: { js: "'use strict'\nconst { createRequire } = require('node:module')" },
  define: { XIEZHEN_VERSION: JSON.stringify(metadata.version) },
})
await build({
  ...common,
  entryPoints: ['lib/stores/index.ts', 'lib/bullmq/index.ts'].filter((entry) => existsSync(entry)),
  external: ['../index', 'bullmq'],
})
