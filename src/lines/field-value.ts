import { isUtf8 } from 'node:buffer'

/**
 * The longest string field, in decoded bytes, that is sent. The documentation of InfluxDB Clustered allows 1 MB;
 * the shared parser's large-strings build stops at 1 MiB, its default build at 64 KiB (that cluster then refuses).
 */
export const MAX_STRING_BYTES = 2 ** 20

/**
 * A field value as v3 writes it, or why there is none: `malformed` (1.x would not have taken it) or `refused`
 * (v3 cannot express it).
 */
export type FieldValue =
  { kind: 'value'; bytes: Uint8Array } | { kind: 'malformed' | 'refused'; reason: string }

const NUMBER = /^([+-]?)(\d*)(\.?)(\d*)(?:[eE]([+-]?\d+))?$/
const TRUE = new Set(['t', 'T', 'true', 'True', 'TRUE'])
const FALSE = new Set(['f', 'F', 'false', 'False', 'FALSE'])

/** The careful reading of one field value; the hot loop takes plain numbers and strings itself. */
export function parseFieldValue(raw: Uint8Array): FieldValue {
  if (raw.length === 0) return { kind: 'malformed', reason: 'missing field value' }
  if (raw[0] === 34) return parseString(raw)
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1')
  if (TRUE.has(text)) return value('true')
  if (FALSE.has(text)) return value('false')
  if (/^[+-]?(nan|inf|infinity)$/i.test(text)) {
    return { kind: 'refused', reason: `${text} is not a value in v3 line protocol` }
  }
  if (/^-?\d+i$/.test(text)) return parseInteger(text, -(2n ** 63n), 2n ** 63n - 1n)
  if (/^\d+u$/.test(text)) return parseInteger(text, 0n, 2n ** 64n - 1n)
  const match = NUMBER.exec(text)
  if (match === null || `${match[2]}${match[4]}` === '')
    return { kind: 'malformed', reason: 'invalid number' }
  // 1.x refuses a float that overflows; v3 would read it as infinite.
  if (!Number.isFinite(Number(text))) return { kind: 'malformed', reason: 'the float is out of range' }
  // `1.`, `.5`, `+5`: the same digits, as v3's grammar wants them.
  const [, sign, whole, , fraction, exponent] = match
  return value(
    `${sign === '-' ? '-' : ''}${whole || '0'}${fraction ? `.${fraction}` : ''}${exponent ? `e${exponent}` : ''}`,
  )
}

function value(text: string): FieldValue {
  return { kind: 'value', bytes: Buffer.from(text, 'latin1') }
}

function parseInteger(text: string, smallest: bigint, largest: bigint): FieldValue {
  const number = BigInt(text.slice(0, -1))
  if (number >= smallest && number <= largest) return value(text)
  return { kind: 'malformed', reason: 'the integer is out of range' }
}

/** `"` and `\` are escaped alike in 1.x and v3, and any other backslash is itself in both: the bytes stay. */
function parseString(raw: Uint8Array): FieldValue {
  const reason = refusedString(raw)
  return reason === undefined ? { kind: 'value', bytes: raw } : { kind: 'refused', reason }
}

/** Why a quoted string (quotes included) cannot be sent; `undefined` when it can. */
export function refusedString(raw: Uint8Array): string | undefined {
  if (raw.length - 2 > MAX_STRING_BYTES && decodedStringBytes(raw) > MAX_STRING_BYTES) {
    return `the string is longer than ${MAX_STRING_BYTES} bytes`
  }
  return isUtf8(raw) ? undefined : 'the string is not valid UTF-8'
}

function decodedStringBytes(raw: Uint8Array): number {
  let bytes = 0
  for (let at = 1; at < raw.length - 1; at++) {
    if (raw[at] === 92 && (raw[at + 1] === 34 || raw[at + 1] === 92)) at += 1
    bytes += 1
  }
  return bytes
}
