/** Writes TSM files, tombstones and WAL segments byte by byte, as they should be, so that a test can make them otherwise. */
import { writeFileSync } from 'node:fs'
import { crc32, gzipSync } from 'node:zlib'

export const MIN_INT64 = -(2n ** 63n)
export const MAX_INT64 = 2n ** 63n - 1n

export interface BlockToWrite {
  min: bigint
  max: bigint
  /** What is behind the CRC: type, times, values. */
  data: Buffer
}

export interface KeyToWrite {
  key: string | Buffer
  type: number
  blocks: BlockToWrite[]
}

/** A block of integers (type 1), times and values not packed. */
export function integerBlock(points: readonly (readonly [time: bigint, value: bigint])[]): BlockToWrite {
  const raw = (numbers: bigint[], zigzag: boolean) => {
    const bytes = Buffer.alloc(1 + 8 * numbers.length)
    numbers.forEach((number, i) => {
      const delta = BigInt.asIntN(64, number - (i === 0 ? 0n : (numbers[i - 1] ?? 0n)))
      const packed = zigzag ? (delta << 1n) ^ (delta >> 63n) : delta
      bytes.writeBigUInt64BE(BigInt.asUintN(64, packed), 1 + 8 * i)
    })
    return bytes
  }
  const times = raw(
    points.map(([time]) => time),
    false,
  )
  const values = raw(
    points.map(([, value]) => value),
    true,
  )
  return {
    min: points[0]?.[0] ?? 0n,
    max: points.at(-1)?.[0] ?? 0n,
    data: Buffer.concat([Buffer.of(1), uvarint(times.length), times, values]),
  }
}

/** A TSM file; keys in the order given. */
export function writeTsm(path: string, keys: readonly KeyToWrite[]): Buffer {
  const parts: Buffer[] = [Buffer.from('16d116d101', 'hex')]
  const index: Buffer[] = []
  let offset = 5
  for (const { key, type, blocks } of keys) {
    const name = Buffer.from(key)
    const head = Buffer.alloc(2 + name.length + 3)
    head.writeUInt16BE(name.length)
    name.copy(head, 2)
    head.writeUInt8(type, 2 + name.length)
    head.writeUInt16BE(blocks.length, 3 + name.length)
    index.push(head)
    for (const { min, max, data } of blocks) {
      const crc = Buffer.alloc(4)
      crc.writeUInt32BE(crc32(data))
      parts.push(crc, data)
      const entry = Buffer.alloc(28)
      entry.writeBigInt64BE(min)
      entry.writeBigInt64BE(max, 8)
      entry.writeBigInt64BE(BigInt(offset), 16)
      entry.writeUInt32BE(4 + data.length, 24)
      index.push(entry)
      offset += 4 + data.length
    }
  }
  const footer = Buffer.alloc(8)
  footer.writeBigInt64BE(BigInt(offset))
  const bytes = Buffer.concat([...parts, ...index, footer])
  writeFileSync(path, bytes)
  return bytes
}

export type Deleted = readonly [key: string, min: bigint, max: bigint]

/** A tombstone file; with version 4, each list is one gzip member. */
export function writeTombstone(
  path: string,
  version: 1 | 2 | 3 | 4,
  ...members: readonly Deleted[][]
): Buffer {
  const entry = ([key, min, max]: Deleted) => {
    const bytes = Buffer.alloc(4 + Buffer.byteLength(key) + 16)
    const end = bytes.writeUInt32BE(Buffer.byteLength(key)) + bytes.write(key, 4)
    bytes.writeBigInt64BE(min, end)
    bytes.writeBigInt64BE(max, end + 8)
    return bytes
  }
  const all = members.flat()
  const header = Buffer.from([0, 0, 0x15, version])
  const bytes = {
    1: () => Buffer.from(all.map(([key]) => `${key}\n`).join('')),
    2: () => Buffer.concat([header, ...all.map(entry)]),
    3: () => Buffer.concat([header, gzipSync(Buffer.concat(all.map(entry)))]),
    4: () => Buffer.concat([header, ...members.map((list) => gzipSync(Buffer.concat(list.map(entry))))]),
  }[version]()
  writeFileSync(path, bytes)
  return bytes
}

export type WalValue = number | bigint | boolean | string
export type WalEntry =
  | { write: Record<string, readonly (readonly [time: bigint, value: WalValue])[]> }
  | { delete: string[] }
  | { deleteRange: string[]; min: bigint; max: bigint }

export function writeWal(path: string, entries: readonly WalEntry[]): Buffer {
  const bytes = Buffer.concat(entries.map(walEntry))
  writeFileSync(path, bytes)
  return bytes
}

/** One entry with its header. */
export function walEntry(entry: WalEntry): Buffer {
  const [type, data]: [number, Buffer] =
    'write' in entry
      ? [1, Buffer.concat(Object.entries(entry.write).map(walKey))]
      : 'delete' in entry
        ? [2, Buffer.from(entry.delete.join('\n'))]
        : [3, walDelete(entry)]
  return walEntryOf(type, data)
}

/** An entry of any content. */
export function walEntryOf(type: number, data: Buffer): Buffer {
  const packed = snappyLiterals(data)
  const head = Buffer.alloc(5)
  head.writeUInt8(type)
  head.writeUInt32BE(packed.length, 1)
  return Buffer.concat([head, packed])
}

function walKey([key, points]: [string, readonly (readonly [bigint, WalValue])[]]): Buffer {
  const first = points[0]?.[1]
  const type = { number: 1, bigint: 2, boolean: 3, string: 4 }[typeof first as 'number']
  const head = Buffer.alloc(3 + Buffer.byteLength(key) + 4)
  head.writeUInt8(type)
  head.writeUInt16BE(Buffer.byteLength(key), 1)
  head.write(key, 3)
  head.writeUInt32BE(points.length, head.length - 4)
  const values = points.map(([time, value]) => {
    const at = Buffer.alloc(8)
    at.writeBigInt64BE(time)
    return Buffer.concat([at, walValue(value)])
  })
  return Buffer.concat([head, ...values])
}

function walValue(value: WalValue): Buffer {
  if (typeof value === 'boolean') return Buffer.of(value ? 1 : 0)
  const bytes = Buffer.alloc(typeof value === 'string' ? 4 : 8)
  if (typeof value === 'number') bytes.writeDoubleBE(value)
  else if (typeof value === 'bigint') bytes.writeBigInt64BE(value)
  else bytes.writeUInt32BE(Buffer.byteLength(value))
  return typeof value === 'string' ? Buffer.concat([bytes, Buffer.from(value)]) : bytes
}

function walDelete({ deleteRange, min, max }: { deleteRange: string[]; min: bigint; max: bigint }): Buffer {
  const range = Buffer.alloc(16)
  range.writeBigInt64BE(min)
  range.writeBigInt64BE(max, 8)
  const keys = deleteRange.map((key) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(key))
    return Buffer.concat([length, Buffer.from(key)])
  })
  return Buffer.concat([range, ...keys])
}

/** Snappy without a copy in it. */
export function snappyLiterals(data: Buffer): Buffer {
  const parts = [uvarint(data.length)]
  for (let at = 0; at < data.length; at += 60) {
    const piece = data.subarray(at, at + 60)
    parts.push(Buffer.of((piece.length - 1) << 2), piece)
  }
  return Buffer.concat(parts)
}

function uvarint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
