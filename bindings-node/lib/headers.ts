// Headers of HTTP, in the forms that people have them in.

/** A web request's or response's headers, in any usual form. */
export type HeaderSource =
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** Names and values, in the order given. */
export function pairs(headers: HeaderSource): [string, string][] {
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers)
  const listed: [string, string][] = []
  for (const [name, value] of entries as Iterable<[string, unknown]>) {
    if (value !== undefined) listed.push([name, String(value)])
  }
  return listed
}
