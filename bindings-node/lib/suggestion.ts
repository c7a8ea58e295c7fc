// Names that people type for options, and those that they may have meant.

/** As it may be spelt elsewhere: `save_to` for `saveTo`, `timeout` for `timeoutMs`. */
const plain = (name: string) =>
  name
    .toLowerCase()
    .replace(/[_-]/g, '')
    .replace(/(?<=.)ms$/, '')

/** In how many letters two names differ. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (let at = 0; at < other.length; at++) {
      const swapped = (row[at] as number) + (letter === other[at] ? 0 : 1)
      next.push(Math.min(swapped, (row[at + 1] as number) + 1, (next[at] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}

/** What to type instead of `name`: the one of `names` that was meant, or which there are. */
export function suggestion(name: string, names: string[]): string {
  const given = plain(name.slice(0, 40))
  const near = (one: string) => {
    const known = plain(one)
    if (given.length > 3 && (known.includes(given) || given.includes(known))) return 1
    return distance(given, known)
  }
  const meant = [...names].sort((one, other) => near(one) - near(other))[0]
  if (meant !== undefined && near(meant) <= Math.min(2, given.length / 2)) return `did you mean ${meant}?`
  return names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`
}
