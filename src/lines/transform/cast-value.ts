/** Field values from one type to another, in line protocol (1.x and v3 write them alike). The kernel does the same (src/kernel/assembly/cast.ts). */
import type { FieldType } from '../../manifest/migration.ts'
import { parseFieldValue, refusedString } from '../field-value.ts'

const QUOTE = 34
const MINUS = 45
const BACKSLASH = 92

/** The type of a value of line protocol; booleans are written out, `NaN` and the infinities are floats. */
export function typeOfValue(bytes: Uint8Array, start: number, end: number): FieldType {
  const first = bytes[start]
  if (first === QUOTE) return 'string'
  if (first === 116 || first === 102) return 'boolean'
  const last = bytes[end - 1]
  return last === 105 ? 'integer' : last === 117 ? 'unsigned' : 'float'
}

/** The value as v3 line protocol of the other type (or the same) has it, or why there is none. */
export function castValue(value: Buffer, from: FieldType, to: FieldType): Buffer | string {
  if (from === to) return inexpressibleValue(value, from) ?? value
  if (from === 'float') {
    const reason = inexpressibleValue(value, from)
    if (reason !== undefined) return reason
  }
  const text = castText(from === 'string' ? trimmed(value) : numberText(value, from), from, to)
  return text === undefined ? cannotCast(from, to) : Buffer.from(text, 'latin1')
}

/** Why such a value stays behind. */
export function cannotCast(from: FieldType, to: FieldType): string {
  return `the ${from} cannot be cast to ${to}`
}

/** A value, cast, as a tag has it: of a string its content, of others what a cast to string gives; or why there is none. */
export function tagText(value: Buffer, from: FieldType, type: FieldType): Buffer | string {
  // What v3 has no string for may well be a tag.
  const cast = from === 'string' && type === 'string' ? value : castValue(value, from, type)
  if (typeof cast === 'string') return cast
  return type === 'string' ? stringContent(cast) : Buffer.from(numberText(cast, type), 'latin1')
}

/** What stands between the quotes of a string. */
function stringContent(value: Uint8Array): Buffer {
  const content = Buffer.allocUnsafe(value.length)
  let length = 0
  for (let at = 1; at < value.length - 1; at++) {
    if (value[at] === BACKSLASH && (value[at + 1] === QUOTE || value[at + 1] === BACKSLASH)) at += 1
    content[length++] = value[at] as number
  }
  return content.subarray(0, length)
}

/** Why a value cannot be sent as it is; `undefined` when it can. */
function inexpressibleValue(value: Buffer, type: FieldType): string | undefined {
  if (type === 'string') return refusedString(value)
  if (type !== 'float') return undefined
  const first = value[value[0] === MINUS ? 1 : 0] as number
  if (first >= 48 && first <= 57) return undefined
  const parsed = parseFieldValue(value)
  return parsed.kind === 'value' ? undefined : parsed.reason
}

/** Without what marks its type; a float as JavaScript writes it, and the kernel does, but `-0` for minus zero. */
function numberText(value: Buffer, type: FieldType): string {
  const text = value.toString('latin1')
  if (type === 'boolean') return text
  if (type !== 'float') return text.slice(0, -1)
  const number = Number(text)
  if (Number.isNaN(number)) return text
  return Object.is(number, -0) ? '-0' : String(number)
}

/** White space, as ASCII has it, is not a part of the number in a string. */
function trimmed(value: Buffer): string {
  return stringContent(value)
    .toString('latin1')
    .replace(/^[\t-\r ]+|[\t-\r ]+$/g, '')
}

function castText(text: string, from: FieldType, to: FieldType): string | undefined {
  switch (to) {
    case 'string':
      return `"${text}"`
    case 'float':
      return floatOf(text, from)
    case 'integer':
      return wholeOf(text, from, 'i', -(2n ** 63n), 2n ** 63n - 1n)
    case 'unsigned':
      return wholeOf(text, from, 'u', 0n, 2n ** 64n - 1n)
    case 'boolean':
      return booleanOf(text, from)
  }
}

function floatOf(text: string, from: FieldType): string | undefined {
  if (from === 'boolean') return text === 'true' ? '1' : '0'
  if (from !== 'string') return numberText(Buffer.from(text), 'float')
  if (!/^[+-]?[0-9.]/.test(text)) return undefined
  const parsed = parseFieldValue(Buffer.from(text, 'latin1'))
  if (parsed.kind !== 'value' || typeOfValue(parsed.bytes, 0, parsed.bytes.length) !== 'float')
    return undefined
  return Buffer.from(parsed.bytes).toString('latin1')
}

function wholeOf(
  text: string,
  from: FieldType,
  suffix: 'i' | 'u',
  smallest: bigint,
  largest: bigint,
): string | undefined {
  if (from === 'boolean') return text === 'true' ? `1${suffix}` : `0${suffix}`
  const number = from === 'float' ? wholeFloat(Number(text)) : wholeText(text, suffix)
  return number === undefined || number < smallest || number > largest ? undefined : `${number}${suffix}`
}

function wholeFloat(number: number): bigint | undefined {
  return Number.isInteger(number) ? BigInt(number) : undefined
}

function wholeText(text: string, suffix: string): bigint | undefined {
  const [, digits] = /^(-?[0-9]+)([iu]?)$/.exec(text) ?? []
  const isOfType = digits === text || text.endsWith(suffix)
  return digits === undefined || !isOfType ? undefined : BigInt(digits)
}

function booleanOf(text: string, from: FieldType): string | undefined {
  if (from === 'string') {
    const parsed = /^[tTfF]/.test(text) ? parseFieldValue(Buffer.from(text, 'latin1')) : undefined
    return parsed?.kind === 'value' ? Buffer.from(parsed.bytes).toString('latin1') : undefined
  }
  const number = Number(text)
  return number === 1 ? 'true' : number === 0 ? 'false' : undefined
}
