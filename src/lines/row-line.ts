/** Lines as we write them (v3 escaping, fields merged), taken apart again. */
import { Failure } from '../core/failure.ts'
import type { FieldType } from '../manifest/migration.ts'

const BACKSLASH = 0x5c
const SPACE = 0x20
const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22

export interface RowLine {
  /** The series key and the field keys, still escaped. */
  series: Buffer
  fields: { key: Buffer; type: FieldType; value: number | bigint | boolean | string }[]
  /** Nanoseconds. */
  time: bigint
}

/** Without its newline. @throws Failure `lines/not-ours` */
export function parseRowLine(line: Uint8Array): RowLine {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length)
  const end = skipName(bytes, 0, SPACE, SPACE)
  const row: RowLine = { series: bytes.subarray(0, end), fields: [], time: 0n }
  let at = end
  while (bytes[at] === SPACE || bytes[at] === COMMA) {
    const equals = skipName(bytes, at + 1, EQUALS, SPACE)
    if (bytes[equals] !== EQUALS) break
    const stop = skipValue(bytes, equals + 1)
    row.fields.push({ key: bytes.subarray(at + 1, equals), ...valueOf(bytes.subarray(equals + 1, stop)) })
    at = stop
  }
  const time = bytes.toString('latin1', at + 1)
  if (row.fields.length === 0 || bytes[at] !== SPACE || !/^-?\d+$/.test(time)) throw notOurs(bytes)
  return { ...row, time: BigInt(time) }
}

function skipName(bytes: Buffer, from: number, one: number, other: number): number {
  let at = from
  for (; at < bytes.length && bytes[at] !== one && bytes[at] !== other; at++)
    if (bytes[at] === BACKSLASH) at += 1
  return at
}

function skipValue(bytes: Buffer, from: number): number {
  let at = from
  if (bytes[at] !== QUOTE) {
    while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== SPACE) at++
    return at
  }
  for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at += 1
  return at + 1
}

function valueOf(bytes: Buffer): Omit<RowLine['fields'][number], 'key'> {
  if (bytes[0] === QUOTE)
    return { type: 'string', value: bytes.toString('utf8', 1, bytes.length - 1).replace(/\\(["\\])/g, '$1') }
  const text = bytes.toString('latin1')
  if (text === 'true' || text === 'false') return { type: 'boolean', value: text === 'true' }
  if (/^-?\d+i$/.test(text)) return { type: 'integer', value: BigInt(text.slice(0, -1)) }
  if (/^\d+u$/.test(text)) return { type: 'unsigned', value: BigInt(text.slice(0, -1)) }
  if (text === '' || Number.isNaN(Number(text))) throw notOurs(bytes)
  return { type: 'float', value: Number(text) }
}

function notOurs(bytes: Buffer): Failure {
  return new Failure('lines/not-ours', 'this is not a line as influx-ferry writes it', {
    where: bytes.toString('utf8', 0, 200),
    remedy: 'If it was changed by hand, take the change back; else please report this line.',
  })
}
