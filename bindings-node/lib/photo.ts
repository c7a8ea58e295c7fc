// What people have at hand for a photo, and how to make bytes of it.

import { types } from 'node:util'

/** What `value` has of these; nothing of what is no object. */
type Like = Partial<Record<string, unknown>>
const has = (value: Like, name: string) => typeof value[name] === 'function'

/** How to pass something that is not a photo by itself; empty if nobody knows. */
export function hint(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  const like = value as Like
  if (has(like, 'then')) return ': await it first'
  if (types.isAnyArrayBuffer(value)) return ': pass new Uint8Array(buffer)'
  if (ArrayBuffer.isView(value)) return ': pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength)'
  if (has(like, 'arrayBuffer')) return ': pass new Uint8Array(await photo.arrayBuffer())'
  if (has(like, 'readFile')) return ': pass await handle.readFile()'
  if (has(like, 'getReader')) return ': pass new Uint8Array(await new Response(stream).arrayBuffer())'
  // What multer gives, of an upload that it keeps in memory or on disk.
  if (types.isUint8Array(like.buffer)) return ': pass its buffer'
  if (typeof like.path === 'string') return ': pass its path'
  if (has(like, 'pipe')) return ': pass Buffer.concat(await stream.toArray())'
  return ''
}
