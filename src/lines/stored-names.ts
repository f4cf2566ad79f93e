/**
 * Names as TSM files and the WAL store them: a series key as 1.x line protocol has it, a field key without any escapes.
 */
import { encodeName, inexpressible } from './names.ts'
import { isPlainFieldKey, isPlainSeriesKey } from './line-scan.ts'
import { parseSeriesKey, type SeriesKey, type SeriesNames } from './series-key.ts'

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
  return escaped(name, ', ="')
}

/** Ends a series key in the index of a TSM file, and so decides on its order: `cpu!x` comes before `cpu`. */
export const SERIES_KEY_END = '#!~#'

/** Names as a TSM index has them: the series key in 1.x escaping, and {@link SERIES_KEY_END}. Tags without a value are left out. */
export function storedKeyOf({ measurement, tags }: SeriesNames): Buffer {
  return Buffer.concat([
    escaped(measurement, ', ="'),
    ...tags
      .filter(({ value }) => value.length > 0)
      .flatMap(({ key, value }) => [
        Buffer.from(','),
        escaped(key, ', ='),
        Buffer.from('='),
        escaped(value, ', ='),
      ]),
    Buffer.from(SERIES_KEY_END),
  ])
}

function escaped(name: Uint8Array, special: string): Buffer {
  const bytes: number[] = []
  for (const byte of name) {
    if (special.includes(String.fromCharCode(byte))) bytes.push(BACKSLASH)
    bytes.push(byte)
  }
  return Buffer.from(bytes)
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
