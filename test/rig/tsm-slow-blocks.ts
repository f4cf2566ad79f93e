/** TSM blocks decoded in the most obvious way, bigints throughout: what fast code is held against. */
import { crc32 } from 'node:zlib'
import { snappyDecode, snappyLength } from './snappy.ts'

export type Value = number | bigint | boolean | Buffer
export interface Points {
  times: bigint[]
  values: Value[]
}

/** A block as it lies in the file: CRC, type, length of the times, times, values. Throws on anything odd. */
export function decodeTsmBlock(block: Buffer): Points & { type: number } {
  // Node 20.15 has crc32 in zlib; @types/node 20 as well.
  if (crc32(block.subarray(4)) !== block.readUInt32BE(0)) throw new Error('the CRC of a block is wrong')
  const type = block.readUInt8(4)
  const [length, start] = uvarint(block, 5)
  const times = decodeTimes(block.subarray(start, start + Number(length)))
  const data = block.subarray(start + Number(length))
  const values = decodeValues(type, data)
  if (values.length !== times.length)
    throw new Error(`a block with ${times.length} times and ${values.length} values`)
  return { type, times, values }
}

/** A block of a sorted run of the WAL: src/source/tsm/wal-run.ts says how it is laid out. */
export function decodeWalBlock(block: Buffer, type: number): Points {
  const count = block.readUInt32LE(0)
  const numbers = [...Array(count).keys()]
  const values = 8 + 8 * count
  let text = values + 4 * count
  return {
    times: numbers.map((i) => block.readBigInt64LE(8 + 8 * i)),
    values: numbers.map((i) => {
      if (type === 0) return block.readDoubleLE(values + 8 * i)
      if (type === 1) return block.readBigInt64LE(values + 8 * i)
      if (type === 4) return block.readBigUInt64LE(values + 8 * i)
      if (type === 2) return block[values + i] === 1
      const from = text
      text += block.readUInt32LE(values + 4 * i)
      return block.subarray(from, text)
    }),
  }
}

function decodeValues(type: number, data: Buffer): Value[] {
  if (type === 0) return decodeFloats(data)
  if (type === 1) return decodeIntegers(data)
  if (type === 2) return decodeBooleans(data)
  if (type === 3) return decodeStrings(data)
  if (type === 4) return decodeIntegers(data).map((value) => BigInt.asUintN(64, value))
  throw new Error(`a block of type ${type}`)
}

function decodeTimes(data: Buffer): bigint[] {
  const encoding = data.readUInt8(0) >> 4
  const scale = 10n ** BigInt(data.readUInt8(0) & 15)
  if (encoding === 2) {
    const first = data.readBigUInt64BE(1)
    const [delta, afterDelta] = uvarint(data, 9)
    const [count] = uvarint(data, afterDelta)
    return sums([first, ...Array.from({ length: Number(count) - 1 }, () => delta * scale)])
  }
  if (encoding === 1) {
    const deltas = simple8b(data.subarray(9)).map((delta) => delta * scale)
    return sums([data.readBigUInt64BE(1), ...deltas])
  }
  if (encoding === 0) return sums(words(data.subarray(1)))
  throw new Error(`times with encoding ${encoding}`)
}

function decodeIntegers(data: Buffer): bigint[] {
  const encoding = data.readUInt8(0) >> 4
  if (encoding === 2) {
    const first = data.readBigUInt64BE(1)
    const [delta, afterDelta] = uvarint(data, 9)
    const [count] = uvarint(data, afterDelta)
    return sums([first, ...Array.from({ length: Number(count) }, () => delta)].map(zigzag))
  }
  if (encoding === 1) return sums([data.readBigUInt64BE(1), ...simple8b(data.subarray(9))].map(zigzag))
  if (encoding === 0) return sums(words(data.subarray(1)).map(zigzag))
  throw new Error(`integers with encoding ${encoding}`)
}

const zigzag = (value: bigint) => (value >> 1n) ^ -(value & 1n)

function sums(deltas: bigint[]): bigint[] {
  let sum = 0n
  return deltas.map((delta) => (sum = BigInt.asIntN(64, sum + delta)))
}

function words(data: Buffer): bigint[] {
  if (data.length % 8 !== 0) throw new Error('numbers that are no multiple of eight bytes')
  return Array.from({ length: data.length / 8 }, (_, i) => data.readBigUInt64BE(8 * i))
}

// prettier-ignore
const SELECTORS = [
  [240, 0], [120, 0], [60, 1], [30, 2], [20, 3], [15, 4], [12, 5], [10, 6], [8, 7], [7, 8], [6, 10], [5, 12], [4, 15],
  [3, 20], [2, 30], [1, 60],
] as const

function simple8b(data: Buffer): bigint[] {
  return words(data).flatMap((word) => {
    const [count, bits] = SELECTORS[Number(word >> 60n)] ?? [0, 0]
    if (bits === 0) return Array.from({ length: count }, () => 1n)
    return Array.from({ length: count }, (_, i) => BigInt.asUintN(bits, word >> BigInt(i * bits)))
  })
}

function decodeBooleans(data: Buffer): boolean[] {
  const [count, start] = uvarint(data, 1)
  return Array.from(
    { length: Number(count) },
    (_, i) => (data.readUInt8(start + (i >> 3)) & (128 >> (i & 7))) !== 0,
  )
}

function decodeStrings(data: Buffer): Buffer[] {
  const packed = data.subarray(1)
  const { length, start } = snappyLength(packed)
  const text = Buffer.alloc(length ?? 0)
  if (snappyDecode(packed, start, text) !== 'whole') throw new Error('strings that are no snappy block')
  const strings: Buffer[] = []
  for (let at = 0; at < text.length;) {
    const [size, from] = uvarint(text, at)
    at = from + Number(size)
    strings.push(text.subarray(from, at))
  }
  return strings
}

/** Gorilla: the first value whole, then the XOR with the one before; a NaN of influxd's own ends it. */
function decodeFloats(data: Buffer): number[] {
  const bits = new Bits(data.subarray(1))
  const values: number[] = []
  let value = bits.take(64)
  let leading = 0n
  let trailing = 0n
  while (value !== 0x7ff8000000000001n) {
    values.push(new Float64Array(BigUint64Array.of(value).buffer)[0] ?? 0)
    if (bits.take(1) === 0n) continue
    if (bits.take(1) === 1n) {
      leading = bits.take(5)
      const significant = bits.take(6) || 64n
      trailing = 64n - leading - significant
    }
    value ^= bits.take(Number(64n - leading - trailing)) << trailing
  }
  return values
}

class Bits {
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  take(count: number): bigint {
    let value = 0n
    for (let i = 0; i < count; i++, this.#at++)
      value = (value << 1n) | BigInt((this.#data.readUInt8(this.#at >> 3) >> (7 - (this.#at & 7))) & 1)
    return value
  }
}

function uvarint(data: Buffer, at: number): [value: bigint, next: number] {
  let value = 0n
  for (let i = 0; ; i++) {
    const byte = data.readUInt8(at + i)
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return [value, at + i + 1]
  }
}
