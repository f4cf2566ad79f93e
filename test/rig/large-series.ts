/** Large TSM files and WAL segments, quickly: values repeat, times do not. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { encodeBlock } from './tsm-encode.ts'
import { walEntryOf } from './tsm-files.ts'

const SECOND = 1_000_000_000n
const ROWS_A_BLOCK = 1000
/** Blocks of values that are made; a file's blocks are these again and again. */
const PATTERNS = 7

export interface LargeSeries {
  fields: number
  /** Points a field, one a second. */
  seconds: number
  /** Makes the value of a point; default: floats of two decimals. */
  value?: (i: number) => number | Buffer
  type?: number
}

export const START = 1_709_510_400n * SECOND

/** Writes `<series>` with fields `field_000`, `field_001`, ... @returns its bytes */
export function writeLargeSeries(
  path: string,
  series: string,
  {
    fields,
    seconds,
    type = 0,
    value = (i) => Math.round(5000 + 100 * Math.sin(i / 50) + (i % 17)) / 100,
  }: LargeSeries,
): number {
  const file = openSync(path, 'w')
  let offset = 0
  const write = (bytes: Buffer) => {
    writeSync(file, bytes)
    offset += bytes.length
  }
  const times = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => START + BigInt(from + i) * SECOND)
  /** Only the first time of a regular block differs: it stands behind CRC, type, length and encoding. */
  const patterns = Array.from({ length: PATTERNS }, (_, p) => {
    const some = times(0, ROWS_A_BLOCK)
    const values = some.map((_time, i) => value(p * 311 + i))
    const shape = { times: 'rle', scale: 9, values: 'packed', skips: [0], copies: true } as const
    return encodeBlock(type, some, values, { ...shape, skips: [0] })
  })
  write(Buffer.from('16d116d101', 'hex'))
  const index: Buffer[] = []
  const blocks = Math.floor(seconds / ROWS_A_BLOCK)
  for (let f = 0; f < fields; f++) {
    const key = Buffer.from(`${series}#!~#field_${String(f).padStart(3, '0')}`)
    const head = Buffer.alloc(2 + key.length + 3)
    head.writeUInt16BE(key.length)
    key.copy(head, 2)
    head.writeUInt8(type, 2 + key.length)
    head.writeUInt16BE(blocks, 3 + key.length)
    index.push(head)
    for (let b = 0; b < blocks; b++) {
      const first = START + BigInt(b * ROWS_A_BLOCK) * SECOND
      const block = Buffer.from(patterns[(b + f) % PATTERNS] ?? head)
      block.writeBigInt64BE(first, 7)
      block.writeUInt32BE(crc32(block.subarray(4)))
      const entry = Buffer.alloc(28)
      entry.writeBigInt64BE(first)
      entry.writeBigInt64BE(first + BigInt(ROWS_A_BLOCK - 1) * SECOND, 8)
      entry.writeBigInt64BE(BigInt(offset), 16)
      entry.writeUInt32BE(block.length, 24)
      index.push(entry)
      write(block)
    }
  }
  const footer = Buffer.alloc(8)
  footer.writeBigInt64BE(BigInt(offset))
  write(Buffer.concat([...index, footer]))
  closeSync(file)
  return offset
}

/** Writes `count` series of a field each, with one block of ten points. @returns its bytes */
export function writeManySeries(path: string, count: number): number {
  const file = openSync(path, 'w')
  const times = Array.from({ length: 10 }, (_, i) => START + BigInt(i) * SECOND)
  const shape = { times: 'rle', scale: 9, values: 'packed', skips: [0], copies: true } as const
  const block = encodeBlock(
    0,
    times,
    times.map((_, i) => i + 0.5),
    shape,
  )
  writeSync(file, Buffer.from('16d116d101', 'hex'))
  const index: Buffer[] = []
  for (let i = 0; i < count; i++) {
    writeSync(file, block)
    const key = Buffer.from(`cpu,host=server-${String(i).padStart(9, '0')},region=eu-central#!~#usage_idle`)
    const entry = Buffer.alloc(2 + key.length + 3 + 28)
    let at = entry.writeUInt16BE(key.length)
    at += key.copy(entry, at)
    at = entry.writeUInt8(0, at)
    at = entry.writeUInt16BE(1, at)
    at = entry.writeBigInt64BE(START, at)
    at = entry.writeBigInt64BE(times.at(-1) ?? START, at)
    at = entry.writeBigInt64BE(BigInt(5 + i * block.length), at)
    entry.writeUInt32BE(block.length, at)
    index.push(entry)
  }
  const footer = Buffer.alloc(8)
  footer.writeBigInt64BE(BigInt(5 + count * block.length))
  writeSync(file, Buffer.concat([...index, footer]))
  closeSync(file)
  return 5 + count * block.length
}

/** Writes a WAL segment of so many entries: in each, 100 series get 1000 floats of their own times. @returns its bytes */
export function writeLargeWal(path: string, entries: number): number {
  const file = openSync(path, 'w')
  let bytes = 0
  for (let entry = 0; entry < entries; entry++) {
    const points = Buffer.alloc(16_000)
    for (let point = 0; point < 1000; point++) {
      points.writeBigInt64BE(START + BigInt(entry * 1000 + point) * SECOND, 16 * point)
      points.writeDoubleBE(point / 100, 16 * point + 8)
    }
    const keys = Array.from({ length: 100 }, (_, i) => {
      const key = `cpu,host=h${i}#!~#load`
      const head = Buffer.alloc(7 + key.length)
      head.writeUInt8(1)
      head.writeUInt16BE(key.length, 1)
      head.write(key, 3)
      head.writeUInt32BE(1000, 3 + key.length)
      return Buffer.concat([head, points])
    })
    bytes += writeSync(file, walEntryOf(1, Buffer.concat(keys)))
  }
  closeSync(file)
  return bytes
}
