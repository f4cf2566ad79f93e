import { decodeName, encodeName, inexpressible } from './names.ts'

const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92

/** InfluxDB 1.x's `models.MaxKeyLength`: series key, 4 separator bytes and field key together. */
export const MAX_KEY_BYTES = 65_535

/**
 * A series key in v3 escaping (`measurement,tag=value`, tags sorted by the bytes of their decoded keys, empty ones
 * left out), or why there is none: `malformed` (1.x would not have taken it) or `refused` (v3 cannot express it).
 */
export type SeriesKey = { kind: 'key'; bytes: Buffer } | { kind: 'malformed' | 'refused'; reason: string }

/** Decoded names. Values may be empty: to 1.x and v3 that is no tag. */
export interface SeriesNames {
  measurement: Buffer
  tags: { key: Buffer; value: Buffer }[]
}

/** Reads the part of a 1.x line before its first unescaped space. */
export function parseSeriesKey(raw: Uint8Array): SeriesKey {
  const names = seriesNames(raw)
  return typeof names === 'string' ? { kind: 'malformed', reason: names } : encodeSeriesKey(names)
}

/**
 * The names of a 1.x series key, tags sorted by the bytes of their keys; or why it is malformed. As in 1.x a delimiter is
 * escaped when the byte before it is a backslash, even if that backslash has one before it.
 */
export function seriesNames(raw: Uint8Array): SeriesNames | string {
  const parts = split(raw, COMMA)
  const measurement = decodeName(parts[0] ?? raw, 'measurement')
  if (measurement.length === 0) return 'missing measurement'
  const tags: SeriesNames['tags'] = []
  for (const part of parts.slice(1)) {
    const [rawKey, rawValue, ...rest] = split(part, EQUALS)
    if (rawKey === undefined || rawKey.length === 0) return 'missing tag key'
    if (rawValue === undefined) return 'missing tag value'
    if (rest.length > 0) return 'invalid tag format'
    tags.push({ key: decodeName(rawKey, 'tag key'), value: decodeName(rawValue, 'tag value') })
  }
  tags.sort((a, b) => Buffer.compare(a.key, b.key))
  if (tags.some((tag, i) => i > 0 && tags[i - 1]?.key.equals(tag.key))) return 'duplicate tags'
  return { measurement, tags }
}

/** Names with sorted tags in v3 escaping, or why v3 cannot express them. */
export function encodeSeriesKey({ measurement, tags }: SeriesNames): SeriesKey {
  const present = tags.filter((tag) => tag.value.length > 0)
  const reason =
    inexpressible(measurement, 'measurement') ??
    present
      .map((tag) => inexpressible(tag.key, 'tag key') ?? inexpressible(tag.value, 'tag value'))
      .find((found) => found !== undefined)
  if (reason !== undefined) return { kind: 'refused', reason }
  return {
    kind: 'key',
    bytes: Buffer.concat([
      encodeName(measurement, 'measurement'),
      ...present.flatMap((tag) => [
        Buffer.from(','),
        encodeName(tag.key, 'tag key'),
        Buffer.from('='),
        encodeName(tag.value, 'tag value'),
      ]),
    ]),
  }
}

/** A field key in v3 escaping, or why v3 cannot express it. */
export function parseFieldKey(raw: Uint8Array): SeriesKey {
  const name = decodeName(raw, 'field key')
  const reason = inexpressible(name, 'field key')
  return reason === undefined
    ? { kind: 'key', bytes: encodeName(name, 'field key') }
    : { kind: 'refused', reason }
}

function split(raw: Uint8Array, delimiter: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  let start = 0
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] === delimiter && raw[at - 1] !== BACKSLASH) {
      parts.push(raw.subarray(start, at))
      start = at + 1
    }
  }
  parts.push(raw.subarray(start))
  return parts
}
