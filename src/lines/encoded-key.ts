/** Names back from v3 escaping as names.ts writes it: a backslash stands before each escaped byte, and nowhere else. */
import type { SeriesNames } from './series-key.ts'

const BACKSLASH = 92
const COMMA = 44
const EQUALS = 61

export function decodeEncodedName(encoded: Uint8Array): Buffer {
  const name = Buffer.allocUnsafe(encoded.length)
  let length = 0
  for (let at = 0; at < encoded.length; at++) {
    if (encoded[at] === BACKSLASH) at += 1
    name[length++] = encoded[at] ?? 0
  }
  return name.subarray(0, length)
}

/** The names of a series key in v3 escaping. */
export function splitEncodedKey(key: Uint8Array): SeriesNames {
  const [measurement = key, ...tags] = split(key, COMMA)
  return {
    measurement: decodeEncodedName(measurement),
    tags: tags.map((tag) => {
      const [name = tag, value = tag] = split(tag, EQUALS)
      return { key: decodeEncodedName(name), value: decodeEncodedName(value) }
    }),
  }
}

function split(key: Uint8Array, delimiter: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  let start = 0
  for (let at = 0; at < key.length; at++) {
    if (key[at] === BACKSLASH) at += 1
    else if (key[at] === delimiter) {
      parts.push(key.subarray(start, at))
      start = at + 1
    }
  }
  parts.push(key.subarray(start))
  return parts
}
