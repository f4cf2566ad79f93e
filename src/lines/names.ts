import { isUtf8 } from 'node:buffer'

/**
 * Names (measurements, tag keys and values, field keys) from 1.x escaping to v3 escaping.
 *
 * 1.x knows `\,` `\=` `\ ` everywhere and `\"` in measurements and field keys (a real influxd 1.6 answers so);
 * any other backslash is itself. v3 reads `\\` as one backslash, so here every backslash is doubled; it takes `\"`
 * as two characters, so a quote is written raw; and in a measurement `\=` as two characters, so `=` is raw there.
 */

export type NameKind = 'measurement' | 'tag key' | 'tag value' | 'field key'

const TAB = 9
const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const HASH = 35
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92

/** The name that 1.x escaping stands for. */
export function decodeName(raw: Uint8Array, kind: NameKind): Buffer {
  const quotes = kind === 'measurement' || kind === 'field key'
  const name = Buffer.allocUnsafe(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    let byte = raw[at] as number
    const next = raw[at + 1]
    if (byte === BACKSLASH && next !== undefined) {
      if (next === COMMA || next === SPACE || next === EQUALS || (quotes && next === QUOTE)) {
        byte = next
        at += 1
      }
    }
    name[length++] = byte
  }
  return name.subarray(0, length)
}

/** A decoded name in v3 escaping. Call only when {@link inexpressible} has nothing to say. */
export function encodeName(name: Uint8Array, kind: NameKind): Buffer {
  const encoded = Buffer.allocUnsafe(name.length * 2)
  let length = 0
  for (const byte of name) {
    const escaped =
      byte === BACKSLASH || byte === COMMA || byte === SPACE || (byte === EQUALS && kind !== 'measurement')
    if (escaped) encoded[length++] = BACKSLASH
    encoded[length++] = byte
  }
  return encoded.subarray(0, length)
}

/** What {@link encodeName} was given. */
export function decodeEncoded(encoded: Uint8Array): string {
  if (!encoded.includes(BACKSLASH)) return Buffer.from(encoded).toString()
  const name = Buffer.allocUnsafe(encoded.length)
  let length = 0
  for (let at = 0; at < encoded.length; at++) {
    if (encoded[at] === BACKSLASH) at += 1
    name[length++] = encoded[at] as number
  }
  return name.toString('utf8', 0, length)
}

/** The measurement of a series key in v3 escaping, still escaped. */
export function measurementPart(series: Uint8Array): Uint8Array {
  for (let at = 0; at < series.length; at++) {
    if (series[at] === BACKSLASH) at += 1
    else if (series[at] === COMMA) return series.subarray(0, at)
  }
  return series
}

/** Why v3 line protocol has no way to write a decoded name; `undefined` when it has. */
export function inexpressible(name: Uint8Array, kind: NameKind): string | undefined {
  if (name.length === 0) return `the ${kind} is empty`
  // To the v3 parser a tab or newline ends a name, and escaping it keeps the backslash.
  if (name.includes(TAB)) return `the ${kind} holds a tab`
  if (name.includes(NEWLINE)) return `the ${kind} holds a newline`
  if (name.at(-1) === BACKSLASH) return `the ${kind} ends in a backslash`
  if (kind === 'measurement') {
    if (name.includes(0)) return 'the measurement holds a NUL'
    if (name[0] === HASH) return 'the measurement starts with #, which makes the line a comment'
  }
  if (!isUtf8(name)) return `the ${kind} is not valid UTF-8`
  if (kind === 'tag key' && isTime(name)) return 'the tag is called time'
  if (kind === 'field key' && isTime(name)) return 'the field is called time'
  return undefined
}

function isTime(name: Uint8Array): boolean {
  return name.length === 4 && name[0] === 116 && name[1] === 105 && name[2] === 109 && name[3] === 101
}
