/** TSM blocks, written the obvious way: every encoding that a decoder must know, whether or not influxd would choose it. */
import { crc32 } from 'node:zlib'
import type { Value } from './tsm-slow-blocks.ts'

export const INTEGER_ENCODINGS = ['raw', 'packed', 'rle'] as const
export type IntegerEncoding = (typeof INTEGER_ENCODINGS)[number]

/** What is wished for. What the numbers do not fit becomes raw, and the scale is lowered until it divides them. */
export interface BlockShape {
  times: IntegerEncoding
  /** Power of ten the deltas of times are divided by. */
  scale: number
  /** Of integers and unsigned values. */
  values: IntegerEncoding
  /** Of simple8b: how many of the fitting selectors to pass over, word by word; round and round. */
  skips: readonly number[]
  /** Of strings: whether snappy may copy. */
  copies: boolean
}

export const PLAIN: BlockShape = { times: 'packed', scale: 0, values: 'packed', skips: [0], copies: true }

/** CRC, type, length of the times, times, values. */
export function encodeBlock(
  type: number,
  times: readonly bigint[],
  values: readonly Value[],
  shape: BlockShape = PLAIN,
): Buffer {
  const section = encodeTimes(times, shape)
  return withCrc(
    Buffer.concat([
      Buffer.of(type),
      uvarint(BigInt(section.length)),
      section,
      encodeValues(type, values, shape),
    ]),
  )
}

export function withCrc(body: Buffer): Buffer {
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32(body))
  return Buffer.concat([crc, body])
}

function fitting(wish: IntegerEncoding, differences: readonly bigint[], unit: bigint): IntegerEncoding {
  const isRun = differences.length > 0 && differences.every((difference) => difference === differences[0])
  if (wish === 'rle' && isRun) return 'rle'
  return wish !== 'raw' && differences.every((difference) => difference / unit < 1n << 60n) ? 'packed' : 'raw'
}

function differencesOf(numbers: readonly bigint[]): bigint[] {
  return numbers.slice(1).map((number, i) => BigInt.asUintN(64, number - (numbers[i] ?? 0n)))
}

const zigzag = (value: bigint) => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))

function encodeTimes(times: readonly bigint[], shape: BlockShape): Buffer {
  const [first, ...rest] = [times[0], ...differencesOf(times)]
  if (first === undefined) return Buffer.alloc(0)
  let { scale } = shape
  while (rest.some((difference) => difference % 10n ** BigInt(scale) !== 0n)) scale--
  const unit = 10n ** BigInt(scale)
  const encoding = fitting(shape.times, rest, unit)
  const scaled = rest.map((difference) => difference / unit)
  if (encoding === 'raw') return Buffer.concat([Buffer.of(0), ...[first, ...rest].map(word)])
  if (encoding === 'packed')
    return Buffer.concat([Buffer.of(0x10 | scale), word(first), ...simple8b(scaled, shape.skips)])
  return Buffer.concat([
    Buffer.of(0x20 | scale),
    word(first),
    uvarint(scaled[0] ?? 0n),
    uvarint(BigInt(times.length)),
  ])
}

function encodeValues(type: number, values: readonly Value[], shape: BlockShape): Buffer {
  if (type === 0) return encodeFloats(values.map(bitsOf))
  if (type === 2) return encodeBooleans(values as boolean[])
  if (type === 3) return encodeStrings(values as Buffer[], shape.copies)
  return encodeIntegers(
    values.map((value) => BigInt.asIntN(64, value as bigint)),
    shape,
  )
}

/** The bits of a double; a bigint stands for them itself, for NaNs of every kind. */
function bitsOf(value: Value): bigint {
  if (typeof value === 'bigint') return value
  return new BigUint64Array(Float64Array.of(value as number).buffer)[0] ?? 0n
}

function encodeIntegers(numbers: readonly bigint[], shape: BlockShape): Buffer {
  const first = numbers[0]
  if (first === undefined) return Buffer.alloc(0)
  const rest = differencesOf(numbers).map((difference) => zigzag(BigInt.asIntN(64, difference)))
  const encoding = fitting(shape.values, rest, 1n)
  if (encoding === 'raw') return Buffer.concat([Buffer.of(0), ...[zigzag(first), ...rest].map(word)])
  if (encoding === 'packed')
    return Buffer.concat([Buffer.of(0x10), word(zigzag(first)), ...simple8b(rest, shape.skips)])
  return Buffer.concat([
    Buffer.of(0x20),
    word(zigzag(first)),
    uvarint(rest[0] ?? 0n),
    uvarint(BigInt(rest.length)),
  ])
}

const SELECTORS = [
  [240, 0], [120, 0], [60, 1], [30, 2], [20, 3], [15, 4], [12, 5], [10, 6], [8, 7], [7, 8], [6, 10], [5, 12], [4, 15],
  [3, 20], [2, 30], [1, 60],
] as const // prettier-ignore

function simple8b(values: readonly bigint[], skips: readonly number[]): Buffer[] {
  const words: Buffer[] = []
  for (let from = 0; from < values.length;) {
    const possible = SELECTORS.flatMap(([count, bits], selector) => {
      const some = values.slice(from, from + count)
      const fit =
        some.length === count &&
        some.every((value) => (bits === 0 ? value === 1n : value >> BigInt(bits) === 0n))
      return fit ? [{ selector, some, bits }] : []
    })
    const chosen = possible[Math.min(skips[words.length % skips.length] ?? 0, possible.length - 1)]
    if (chosen === undefined) throw new RangeError('too large for simple8b')
    const { selector, some, bits } = chosen
    const packed = some.reduce((sum, value, i) => sum | (bits === 0 ? 0n : value << BigInt(i * bits)), 0n)
    words.push(word((BigInt(selector) << 60n) | packed))
    from += some.length
  }
  return words
}

const GORILLA_END = 0x7ff8000000000001n

/** As influxd does it, with the leading zeros cut to five bits by a mask. */
function encodeFloats(values: readonly bigint[]): Buffer {
  const bits: number[] = []
  const put = (value: bigint, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push(Number((value >> BigInt(i)) & 1n))
  }
  let before: bigint | undefined
  let window: { leading: number; trailing: number } | undefined
  for (const value of [...values, GORILLA_END]) {
    if (before === undefined) put(value, 64)
    else if (value === before) put(0n, 1)
    else {
      const xor = value ^ before
      const text = xor.toString(2).padStart(64, '0')
      const leading = text.indexOf('1') % 32
      const trailing = 63 - text.lastIndexOf('1')
      if (window !== undefined && leading >= window.leading && trailing >= window.trailing) {
        put(2n, 2)
      } else {
        window = { leading, trailing }
        put(3n, 2)
        put(BigInt(leading), 5)
        put(BigInt((64 - leading - trailing) % 64), 6)
      }
      put(xor >> BigInt(window.trailing), 64 - window.leading - window.trailing)
    }
    before = value
  }
  return Buffer.concat([Buffer.of(0x10), packBits(bits)])
}

function encodeBooleans(values: readonly boolean[]): Buffer {
  return Buffer.concat([Buffer.of(0x10), uvarint(BigInt(values.length)), packBits(values.map(Number))])
}

function packBits(bits: readonly number[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8))
  bits.forEach((bit, i) => (bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)))))
  return bytes
}

function encodeStrings(values: readonly Buffer[], copies: boolean): Buffer {
  const text = Buffer.concat(values.flatMap((value) => [uvarint(BigInt(value.length)), value]))
  return Buffer.concat([Buffer.of(0x10), snappy(text, copies)])
}

/** Snappy's block format: literals of all lengths and, if wanted, copies in each of their three forms. */
export function snappy(text: Buffer, copies: boolean): Buffer {
  const parts = [uvarint(BigInt(text.length))]
  const seen = new Map<string, number>()
  let literal = 0
  const flush = (end: number) => {
    if (end > literal) parts.push(snappyLiteral(text.subarray(literal, end)))
  }
  for (let at = 0; at < text.length;) {
    const four = text.subarray(at, at + 4).toString('latin1')
    const before = copies && four.length === 4 ? seen.get(four) : undefined
    seen.set(four, at)
    if (before === undefined) {
      at++
      continue
    }
    let size = 4
    while (size < 64 && at + size < text.length && text[before + size] === text[at + size]) size++
    flush(at)
    parts.push(snappyCopy(at - before, size, at % 3))
    at += size
    literal = at
  }
  flush(text.length)
  return Buffer.concat(parts)
}

function snappyLiteral(bytes: Buffer): Buffer {
  const size = bytes.length - 1
  if (size < 60) return Buffer.concat([Buffer.of(size << 2), bytes])
  const width = size < 256 ? 1 : size < 65536 ? 2 : size < 2 ** 24 ? 3 : 4
  const head = Buffer.alloc(1 + width, (59 + width) << 2)
  head.writeUIntLE(size, 1, width)
  return Buffer.concat([head, bytes])
}

function snappyCopy(offset: number, size: number, form: number): Buffer {
  if (form === 0 && size <= 11 && offset < 2048)
    return Buffer.of(1 | ((size - 4) << 2) | ((offset >> 8) << 5), offset & 255)
  const wide = form === 2 || offset > 65535
  const copy = Buffer.alloc(wide ? 5 : 3, (wide ? 3 : 2) | ((size - 1) << 2))
  if (wide) copy.writeUInt32LE(offset, 1)
  else copy.writeUInt16LE(offset, 1)
  return copy
}

/** A block of a sorted run of a WAL (src/source/tsm/wal-run.ts). */
export function encodeWalBlock(type: number, times: readonly bigint[], values: readonly Value[]): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(times.length)
  const little = (value: bigint) => word(value).reverse()
  const fixed = values.map((value) => {
    if (type === 3) return sizeOf(value as Buffer).reverse()
    if (type === 2) return Buffer.of(Number(value))
    return little(type === 0 ? bitsOf(value) : (value as bigint))
  })
  return Buffer.concat([head, ...times.map(little), ...fixed, ...(type === 3 ? (values as Buffer[]) : [])])
}

function sizeOf(value: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(value.length)
  return size
}

function word(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}

function uvarint(value: bigint): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left >>= 7n) {
    if (left < 128n) return Buffer.from([...bytes, Number(left)])
    bytes.push(Number(left & 127n) | 128)
  }
}
