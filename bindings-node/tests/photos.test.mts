// What is said of photos before any is sent: the same verdicts as in every language.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkPhotos, type PhotoReport } from 'xiezhen'
import { first, photos } from './simulator.mjs'

interface Expected {
  format: string | null
  size: [number, number] | null
  plan: string | null
  says: string | null
  remarks: string[]
}
const pictures = join(process.env.XIEZHEN_REPOSITORY ?? '', 'tests', 'pictures')
const expected: Record<string, Expected> = JSON.parse(readFileSync(join(pictures, 'expected.json'), 'utf8'))

/** Remarks on one photo by itself. */
const own = ({ remarks }: PhotoReport) => remarks.filter((remark) => !remark.includes('the same as'))

test('every picture of the corpus has its verdict, by its path and by its bytes', async () => {
  const names = Object.keys(expected)
  const paths = names.map((name) => join(pictures, 'corpus', name))
  let turns = 0
  const turning = setInterval(() => turns++, 1)
  const reports = await checkPhotos(paths)
  clearInterval(turning)
  assert.ok(turns > 5, `${turns} turns of the loop while ${names.length} photos were checked`)
  assert.equal(reports.length, names.length)
  for (const [index, report] of reports.entries()) {
    const name = names[index] as string
    const { format, size, plan, says, remarks } = expected[name] as Expected
    assert.deepEqual(
      [report.path, report.format ?? null, report.size ?? null, report.plan ?? null],
      [paths[index], format, size, plan],
      name,
    )
    assert.equal(report.bytes, readFileSync(paths[index] as string).length)
    assert.equal(report.problems.length, says === null ? 0 : 1, name)
    assert.ok(report.problems[0]?.includes(says ?? '') ?? true, `${name}: ${report.problems}`)
    const said = own(report)
    assert.ok(
      said.length === remarks.length && remarks.every((word, at) => said[at]?.includes(word)),
      `${name}: ${said}`,
    )
  }
  const few = names.slice(0, 12)
  const again = await checkPhotos(await Promise.all(few.map((_, index) => readFile(paths[index] as string))))
  assert.deepEqual(
    again,
    reports.slice(0, few.length).map(({ path: _, ...report }) => report),
  )
})

test('a photo that is there twice is remarked upon, and one that is not there is a verdict, too', async () => {
  const reports = await checkPhotos([first, pathToFileURL(first), await readFile(first), '/no/such/photo.jpg'])
  assert.deepEqual(
    reports.map(({ path }) => path),
    [first, first, undefined, '/no/such/photo.jpg'],
  )
  const [one, two, three, missing] = reports as [PhotoReport, PhotoReport, PhotoReport, PhotoReport]
  assert.deepEqual([one.problems, one.remarks], [[], []])
  for (const report of [two, three]) assert.match(report.remarks.join(), /the same as photo 1/)
  assert.equal(missing.problems.length, 1)
  assert.deepEqual([missing.format, missing.bytes, missing.plan], [undefined, undefined, undefined])
  assert.deepEqual(await checkPhotos([]), [])
})

test('a check is stopped, and what is no photo is refused', async () => {
  const stop = new AbortController()
  const checking = checkPhotos(Array(50).fill(photos).flat(), { signal: stop.signal })
  stop.abort()
  await assert.rejects(checking, { name: 'AbortError' })
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would not let pass
  const any = checkPhotos as any
  await assert.rejects(any([5, first, new Blob([])]), { code: 'invalid_argument', message: /photos\[0\].*photos\[2\]/ })
  await assert.rejects(any([first], { timeoutMs: 5 }), { message: /^timeoutMs is not an option/ })
  await assert.rejects(any(first), { message: /^photos must be an array, not a string/ })
})
