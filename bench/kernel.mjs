// How fast the kernel alone is, on blocks made here: npm run build && node bench/kernel.mjs [shape] [--values 15552000]
// `decode` is a run whose window is before all points: every block is decoded, nothing is merged or written.
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { createKernel } from '../dist/kernel/kernel.js'

const ROWS_A_BLOCK = 1000
const START = 1_709_510_400_000_000_000n
const FLOAT = 0
const INTEGER = 1
const BOOLEAN = 2
const STRING = 3

/** Fields of a series, and what its times are like. */
const shapes = {
  'ten floats of two decimals': { fields: Array(10).fill(walk(2)), jitter: false },
  'ten floats, jittered times': { fields: Array(10).fill(walk(2)), jitter: true },
  'ten floats of full precision': {
    fields: Array(10).fill([FLOAT, () => Math.random() * 1000]),
    jitter: false,
  },
  'eight mixed fields': {
    fields: [
      walk(1),
      walk(3),
      counter(),
      counter(),
      [INTEGER, () => BigInt(Math.floor(Math.random() * 2 ** 40))],
      [BOOLEAN, () => Math.random() < 0.9],
      status(),
      status(),
    ],
    jitter: false,
  },
  'one float': { fields: [walk(2)], jitter: false },
}

const { values: options, positionals } = parseArgs({
  options: { values: { type: 'string', default: '15552000' }, repeats: { type: 'string', default: '5' } },
  allowPositionals: true,
})
for (const [name, shape] of Object.entries(shapes)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const rows =
    Math.ceil(Math.min(1_500_000, Number(options.values)) / shape.fields.length / ROWS_A_BLOCK) * ROWS_A_BLOCK
  const series = encodeSeries(shape, rows)
  const values = rows * shape.fields.length
  const times = Math.max(1, Math.round(Number(options.values) / values))
  const figures = ['decode', 'all'].map((what) => {
    const seconds = Array.from({ length: Number(options.repeats) }, () => run(series, times, what)).sort(
      (a, b) => a.seconds - b.seconds,
    )
    return seconds[Math.floor(seconds.length / 2)]
  })
  const [decode, all] = figures
  const each = (seconds) =>
    `${seconds.toFixed(2)} s, ${((seconds / times / values) * 1e9).toFixed(1)} ns a value`
  console.log(
    `${name}: ${((times * values) / 1e6).toFixed(1)} M values, ${((times * series.bytes.length) / 1e6).toFixed(0)} MB of blocks\n` +
      `  decode                ${each(decode.seconds)}\n` +
      `  decode, merge, format ${each(all.seconds)}; ${(all.bytes / 1e6).toFixed(0)} MB of lines, ${(all.memory / 1e6).toFixed(0)} MB of memory`,
  )
}

function run({ fields, bytes }, times, what) {
  const kernel = createKernel()
  const window = what === 'decode' ? { start: 0n, end: START } : { start: 0n, end: 2n ** 62n }
  const none = new BigInt64Array(0)
  let written = 0
  const started = process.cpuUsage()
  for (let time = 0; time < times; time++) {
    kernel.beginSeries(Buffer.from(`machine,host=host-${time},room=a`), window)
    const region = kernel.reserve(bytes.length)
    region.bytes.set(bytes)
    fields.forEach(({ type, blocks }, i) => {
      const column = kernel.addColumn(Buffer.from(`field_${i}`))
      const first = 0
      const count = blocks.sizes.length
      kernel.addBlocks(column, {
        encoding: 'tsm',
        type,
        blocks,
        first,
        count,
        region,
        regionOffset: 0,
        deleted: none,
      })
    })
    for (;;) {
      const rows = kernel.next({ rows: 10_000, bytes: 10_000_000, atLeastOne: true })
      written += rows.bytes.length
      if (rows.state === 'report') throw new Error(JSON.stringify(kernel.takeErrors()[0]))
      if (rows.state === 'done') break
    }
  }
  const { user, system } = process.cpuUsage(started)
  return { seconds: (user + system) / 1e6, bytes: written, memory: kernel.memoryBytes() }
}

function walk(decimals) {
  let value = 50 * 10 ** decimals
  return [FLOAT, () => (value += Math.floor(Math.random() * 101) - 50) / 10 ** decimals]
}

function counter() {
  let value = 0n
  return [INTEGER, () => (value += BigInt(Math.floor(Math.random() * 1000)))]
}

function status() {
  const texts = ['running', 'stopped', 'waiting for material', 'maintenance, door open']
  let text = texts[0]
  return [STRING, () => (text = Math.random() < 0.05 ? texts[Math.floor(Math.random() * 4)] : text)]
}

function encodeSeries({ fields, jitter }, rows) {
  const times = Array.from(
    { length: rows },
    (_, i) =>
      START +
      BigInt(i) * 1_000_000_000n +
      (jitter ? BigInt(Math.floor(Math.random() * 1000)) * 1_000_000n : 0n),
  )
  const parts = []
  let offset = 0
  const encoded = fields.map(([type, value]) => {
    const blocks = { words: null, offsets: [], sizes: [] }
    const ends = []
    for (let from = 0; from < rows; from += ROWS_A_BLOCK) {
      const some = times.slice(from, from + ROWS_A_BLOCK)
      const block = encodeBlock(type, some, some.map(value))
      parts.push(block)
      ends.push(some[0], some.at(-1))
      blocks.offsets.push(offset)
      blocks.sizes.push(block.length)
      offset += block.length
    }
    blocks.words = new Int32Array(BigInt64Array.from(ends).buffer)
    blocks.offsets = Float64Array.from(blocks.offsets)
    blocks.sizes = Uint32Array.from(blocks.sizes)
    return { type, blocks }
  })
  return { fields: encoded, bytes: Buffer.concat(parts) }
}

function encodeBlock(type, times, values) {
  const section = encodeTimes(times)
  const encode = [encodeFloats, encodeIntegers, encodeBooleans, encodeStrings][type]
  const body = Buffer.concat([Buffer.of(type), uvarint(BigInt(section.length)), section, encode(values)])
  return Buffer.concat([word(BigInt(crc32(body))).subarray(4), body])
}

/** A run if they are regular, else milliseconds in simple8b. */
function encodeTimes(times) {
  const deltas = times.slice(1).map((time, i) => time - times[i])
  if (deltas.every((delta) => delta === deltas[0])) {
    return Buffer.concat([
      Buffer.of(0x29),
      word(times[0]),
      uvarint(deltas[0] / 10n ** 9n),
      uvarint(BigInt(times.length)),
    ])
  }
  return Buffer.concat([
    Buffer.of(0x16),
    word(times[0]),
    ...simple8b(deltas.map((delta) => delta / 10n ** 6n)),
  ])
}

function encodeIntegers(values) {
  const deltas = values
    .map((value, i) => value - (values[i - 1] ?? 0n))
    .map((delta) => (delta < 0n ? -2n * delta - 1n : 2n * delta))
  return Buffer.concat([Buffer.of(0x10), word(deltas[0]), ...simple8b(deltas.slice(1))])
}

function simple8b(values) {
  const widths = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60]
  const words = []
  for (let from = 0; from < values.length;) {
    const width = widths.find((bits) => {
      const count = Math.floor(60 / bits)
      return (
        from + count <= values.length &&
        values.slice(from, from + count).every((value) => value < 1n << BigInt(bits))
      )
    })
    const count = Math.floor(60 / width)
    let packed = BigInt(widths.indexOf(width) + 2) << 60n
    for (let i = 0; i < count; i++) packed |= values[from + i] << BigInt(i * width)
    words.push(word(packed))
    from += count
  }
  return words
}

/** Gorilla. */
function encodeFloats(values) {
  const bits = new BigUint64Array(Float64Array.from(values).buffer)
  let text = bits[0].toString(2).padStart(64, '0')
  let [leading, trailing] = [64, 64]
  for (let i = 1; i <= bits.length; i++) {
    const xor = (bits[i] ?? 0x7ff8000000000001n) ^ bits[i - 1]
    if (xor === 0n) {
      text += '0'
      continue
    }
    const digits = xor.toString(2).padStart(64, '0')
    const [first, last] = [digits.indexOf('1') % 32, 63 - digits.lastIndexOf('1')]
    if (leading !== 64 && first >= leading && last >= trailing) text += '10'
    else {
      ;[leading, trailing] = [first, last]
      text += `11${leading.toString(2).padStart(5, '0')}${((64 - leading - trailing) % 64).toString(2).padStart(6, '0')}`
    }
    text += digits.slice(leading, 64 - trailing)
  }
  return Buffer.concat([Buffer.of(0x10), packed(text)])
}

function encodeBooleans(values) {
  return Buffer.concat([Buffer.of(0x10), uvarint(BigInt(values.length)), packed(values.map(Number).join(''))])
}

/** Snappy of literals, and copies of the string before where it is the same. */
function encodeStrings(values) {
  const strings = values.map((value) => Buffer.from(`${String.fromCharCode(value.length)}${value}`))
  const parts = strings.map((string, i) =>
    i > 0 && string.equals(strings[i - 1])
      ? Buffer.of(2 | ((string.length - 1) << 2), string.length, 0)
      : Buffer.concat([Buffer.of((string.length - 1) << 2), string]),
  )
  return Buffer.concat([Buffer.of(0x10), uvarint(BigInt(Buffer.concat(strings).length)), ...parts])
}

function packed(bits) {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8))
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(bits.slice(8 * i, 8 * i + 8).padEnd(8, '0'), 2)
  return bytes
}

function word(value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}

function uvarint(value) {
  const bytes = []
  let left = value
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}
