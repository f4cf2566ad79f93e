/** Columns, blocks and values made from a seed, edge values included: what the kernel is tested with. */
import type { OracleColumn, OracleSource } from './tsm-oracle.ts'
import type { Value } from './tsm-slow-blocks.ts'
import { INTEGER_ENCODINGS, type BlockShape } from './tsm-encode.ts'

const MAX = 2n ** 63n - 1n
/** Largest time a point can have; the largest int64 is none (see assembly/codes.ts). */
export const MAX_POINT_TIME = MAX - 1n

/** A small generator of numbers that is the same everywhere. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** Whole, from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.#bits() / 2 ** 32) * below)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  chance(share: number): boolean {
    return this.#bits() / 2 ** 32 < share
  }

  bits64(): bigint {
    return (BigInt(this.#bits()) << 32n) | BigInt(this.#bits())
  }

  /** Of any magnitude up to 64 bits. */
  bigint(): bigint {
    return this.bits64() >> BigInt(this.below(64))
  }

  #bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}

export const TIME_KINDS = ['regular', 'jittered', 'ones', 'wide', 'any'] as const

/** Up to `count` times that rise. */
export function risingTimes(random: Random, kind: (typeof TIME_KINDS)[number], count: number): bigint[] {
  const unit = 10n ** BigInt(random.below(13))
  const bits = random.below(60)
  let time = kind === 'any' ? -(2n ** 63n) : BigInt.asIntN(60, random.bits64())
  const step = 1n + BigInt(random.below(1000))
  const times: bigint[] = []
  for (let i = 0; i < count; i++) {
    if (i > 0 || kind === 'any') {
      if (kind === 'regular') time += step * unit
      else if (kind === 'jittered') time += BigInt(1 + random.below(100)) * unit
      else if (kind === 'ones') time += random.chance(0.01) ? 5n : 1n
      else if (kind === 'wide') time += 1n + (random.bits64() >> BigInt(64 - Math.max(1, bits)))
      else time += random.chance(0.3) ? 1n : random.bits64() >> BigInt(random.below(32))
    }
    if (time > MAX_POINT_TIME) break
    times.push(time)
  }
  if (kind === 'any' && random.chance(0.5)) times.push(MAX_POINT_TIME)
  return [...new Set(times)]
}

const FLOATS = [
  0, -0, 1, -1, 0.1, 0.5, 1 / 3, 21, 1e-6, 9.99e-7, 1e-7, 1.5e-7, 123456.789, 1e15, 1e16, 1e20, 1e21, 1e22, 1e23, 5e-324,
  2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 9007199254740991, 9007199254740992,
  9007199254740993, 4.35, 0.000001, 1e-8, 123456789012345680, 9.5e-323, 4294967295, 1234567.12345678, 99999999.999999,
  Infinity, -Infinity,
] // prettier-ignore
const INTEGERS = [
  0n,
  1n,
  -1n,
  7n,
  -(2n ** 63n),
  MAX,
  2n ** 53n,
  -(2n ** 53n),
  10n ** 8n,
  99999999n,
  10n ** 16n,
  10n ** 18n,
]
const STRINGS = [
  '',
  'a',
  '"',
  '\\',
  'a "quoted" \\ thing\n\t',
  'grüße',
  '日本語',
  '🎉🎉',
  'ok',
  'x'.repeat(300),
]
const BAD_UTF8 = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0x61, 0xe2, 0x82],
  [0x80],
]

export function someValues(random: Random, type: number, count: number): Value[] {
  if (type === 0) return someFloats(random, count)
  if (type === 2) return Array.from({ length: count }, () => random.chance(0.5))
  if (type === 3) return Array.from({ length: count }, () => someString(random))
  return someIntegers(random, count).map((value) => (type === 4 ? BigInt.asUintN(64, value) : value))
}

function someFloats(random: Random, count: number): Value[] {
  const kind = random.pick(['same', 'decimals', 'walk', 'any', 'edges'] as const)
  const places = 10 ** random.below(9)
  let last = random.below(1e6)
  return Array.from({ length: count }, () => {
    if (kind === 'edges') return random.chance(0.02) ? someNan(random) : random.pick(FLOATS)
    if (kind === 'any') {
      const bits = random.bits64()
      // A NaN in a block would end it if it were the one that ends blocks.
      return (bits & 0x7ff0000000000000n) === 0x7ff0000000000000n ? 0 : bits
    }
    if (kind === 'same') last = random.chance(0.02) ? random.below(100) : last
    if (kind === 'decimals') last = Math.round(random.below(2 ** 30) - 2 ** 29) / places
    if (kind === 'walk') last += Math.round((random.below(201) - 100) / 7) / places
    return last
  })
}

function someNan(random: Random): bigint {
  return random.pick([0x7ff8000000000000n, 0xfff8000000000001n, 0x7ff0000000000001n, 0x7fffffffffffffffn])
}

function someIntegers(random: Random, count: number): bigint[] {
  const kind = random.pick(['run', 'small', 'any', 'edges'] as const)
  // Runs of the zigzag delta 1, which is -1, have selectors of their own in simple8b.
  const step = random.chance(0.5) ? -1n : BigInt.asIntN(20, random.bits64())
  const bits = random.below(61)
  let value = random.pick([...INTEGERS, BigInt.asIntN(64, random.bits64())])
  return Array.from({ length: count }, () => {
    if (kind === 'run') value += step
    if (kind === 'small') value += BigInt.asIntN(Math.max(1, bits), random.bits64())
    if (kind === 'any') value = random.bits64() >> BigInt(random.below(64))
    if (kind === 'edges') value = random.pick(INTEGERS)
    return (value = BigInt.asIntN(64, value))
  })
}

function someString(random: Random): Buffer {
  if (random.chance(0.03)) return Buffer.from(random.pick(BAD_UTF8))
  if (random.chance(0.01)) return Buffer.from(random.pick(STRINGS).repeat(random.below(200)))
  const parts = Array.from({ length: random.below(4) }, () => random.pick(STRINGS))
  return Buffer.from(parts.join(random.pick(['', ' ', '"', 'plain text, some of it'])))
}

export function someShape(random: Random): BlockShape {
  return {
    times: random.pick(INTEGER_ENCODINGS),
    scale: random.below(13),
    values: random.pick(INTEGER_ENCODINGS),
    skips: Array.from({ length: 1 + random.below(5) }, () => (random.chance(0.5) ? 0 : random.below(16))),
    copies: random.chance(0.7),
  }
}

/** Columns whose times mostly meet, some of them exactly the same as another's. */
export function someColumns(random: Random): OracleColumn[] {
  const span = random.pick([5, 5, 40, 40, 40, 300, 300, 2000])
  const shared = someTimes(random, span)
  return Array.from({ length: 1 + random.below(6) }, (_, column) => ({
    field: `f${column}${'x'.repeat(random.below(20))}`,
    sources: Array.from({ length: random.pick([0, 1, 1, 1, 2, 3, 5]) }, () =>
      someSource(random, span, random.chance(0.6) ? shared : someTimes(random, span)),
    ),
  }))
}

function someTimes(random: Random, span: number): number[] {
  const share = random.pick([0.02, 0.5, 1])
  const from = random.below(span)
  return Array.from({ length: span }, (_, i) => i).filter(
    (i) => (share === 1 || random.chance(share)) && (i >= from || share < 1),
  )
}

function someSource(random: Random, span: number, times: readonly number[]): OracleSource {
  const kind = random.pick(['tsm', 'tsm', 'tsm', 'wal'] as const)
  const type = random.below(5)
  const size = random.pick([1, 7, 100, 1000])
  const blocks: OracleSource['blocks'] = []
  for (let from = 0; from < times.length; from += size) {
    const some = times.slice(from, from + size).map((time) => BigInt(time) * 1000n)
    blocks.push({ times: some, values: someValues(random, type, some.length) })
  }
  const deleted = Array.from({ length: random.pick([0, 0, 0, 1, 2, 5]) }, (): [bigint, bigint] => {
    const min = BigInt(random.below(span) * 1000 - random.below(3))
    return [min, min + BigInt(random.pick([0, 1, 2000, 50_000]))]
  })
  if (random.chance(0.05)) deleted.push([-(2n ** 63n), MAX])
  return { kind, type, blocks, deleted: kind === 'wal' ? [] : deleted }
}
