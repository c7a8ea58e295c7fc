// Bundles of webpack and vite, which nobody told of the addon: they run beside the package, and say elsewhere what to do.

import assert from 'node:assert/strict'
import { copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Program } from '../program.mjs'

const tools = process.env.XIEZHEN_LONG_TOOLS ?? ''
const modules = dirname(dirname(createRequire(import.meta.url).resolve('xiezhen/package.json')))

/** How each tool makes `out/bundle.mjs` or `.cjs` of `entry.mjs`, as a program in the folder. */
const bundlers: Record<string, [bundle: string, build: string]> = {
  webpack: [
    'bundle.cjs',
    `const options = { mode: 'production', target: 'node', entry: './entry.mjs' }
     options.output = { path: process.cwd() + '/out', filename: 'bundle.cjs' }
     require('webpack')(options, (error, stats) => {
       if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? stats.toString()
     })`,
  ],
  vite: [
    'bundle.mjs',
    `const build = { ssr: './entry.mjs', outDir: 'out', rollupOptions: { output: { entryFileNames: 'bundle.mjs' } } }
     import('vite').then(({ build: run }) => run({ configFile: false, logLevel: 'warn', ssr: { noExternal: true }, build }))`,
  ],
}

for (const [name, [bundle, build]] of Object.entries(bundlers)) {
  test(`a bundle of ${name}`, async () => {
    const rooms = await Promise.all(['here', 'elsewhere'].map((room) => mkdtemp(join(tmpdir(), `xiezhen-${room}-`))))
    after(() => Promise.all(rooms.map((room) => rm(room, { recursive: true }))))
    const [here, elsewhere] = rooms as [string, string]
    await mkdir(join(here, 'node_modules'))
    for (const one of ['xiezhen', '@xiezhen']) {
      await cp(join(modules, one), join(here, 'node_modules', one), { recursive: true })
    }
    await symlink(join(tools, 'node_modules', name), join(here, 'node_modules', name))
    await writeFile(join(here, 'entry.mjs'), "import { Client } from 'xiezhen'\nconsole.log(typeof Client)\n")
    const built = await new Program(process.execPath, ['--eval', build], {}, here).ended
    assert.deepEqual([built.code, built.err], [0, ''], built.out)
    const inside = join(here, 'out', bundle)
    const ran = await new Program(process.execPath, [inside], {}, here).ended
    assert.equal(ran.out.trim(), 'function', ran.err)
    await copyFile(inside, join(elsewhere, basename(inside)))
    const alone = await new Program(process.execPath, [join(elsewhere, basename(inside))], {}, elsewhere).ended
    assert.notEqual(alone.code, 0)
    assert.match(alone.err, new RegExp(`none of @xiezhen/.* is there\\. The package was bundled.*${name} `))
  })
}
