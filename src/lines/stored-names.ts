/**
 * Names as TSM files and the WAL store them: a series key as 1.x line protocol has it, a field key without any escapes.
 */
import { encodeName, inexpressible } from './names.ts'
import { isPlainFieldKey, isPlainSeriesKey } from './line-scan.ts'
import { parseSeriesKey, type SeriesKey } from './series-key.ts'

const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92

/** A stored series key in v3 escaping, or why there is none. */
export function storedSeriesKey(raw: Buffer): SeriesKey {
  return isPlainSeriesKey(raw, 0, raw.length) ? { kind: 'key', bytes: raw } : parseSeriesKey(raw)
}

/** A stored field key in v3 escaping, or why v3 cannot express it. */
export function storedFieldKey(name: Buffer): SeriesKey {
  if (!name.includes(COMMA) && !name.includes(EQUALS) && isPlainFieldKey(name, 0, name.length))
    return { kind: 'key', bytes: name }
  const reason = inexpressible(name, 'field key')
  return reason === undefined
    ? { kind: 'key', bytes: encodeName(name, 'field key') }
    : { kind: 'refused', reason }
}

/** A stored field key as 1.x line protocol has it. */
export function escapedFieldKey(name: Uint8Array): Buffer {
  const escaped: number[] = []
  for (const byte of name) {
    if (', ="'.includes(String.fromCharCode(byte))) escaped.push(BACKSLASH)
    escaped.push(byte)
  }
  return Buffer.from(escaped)
}

/**
 * How 1.x usually stores the series that has this key in v3 escaping. 1.x keeps what a client escaped without need
 * (`m\=x` and `m=x`, `m\"` and `m"` are two series to it, and one to v3): of all the ways to write one series, this is the
 * one without a needless backslash.
 */
export function usualSeriesKey(encoded: Uint8Array): Buffer {
  const usual: number[] = []
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at] as number
    usual.push(byte)
    if (byte === BACKSLASH && encoded[at + 1] === BACKSLASH) at += 1
  }
  return Buffer.from(usual)
}
