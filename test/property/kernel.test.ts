import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALL_TIME } from '../../src/core/time.ts'
import { createKernel } from '../../src/kernel/kernel.ts'
import { addRaw, NO_LIMITS, runColumns, takeAll } from '../rig/kernel-run.ts'
import { Random, risingTimes, someColumns, someShape, someValues, TIME_KINDS } from '../rig/random-columns.ts'
import { encodeBlock, withCrc, type BlockShape } from '../rig/tsm-encode.ts'
import { oracleRows, type OracleColumn } from '../rig/tsm-oracle.ts'
import { decodeTsmBlock } from '../rig/tsm-slow-blocks.ts'

const SERIES = 'machine\\ room,host=a\\,b'
const seed = fc.integer()
/** KERNEL_RUNS=20 runs every property twenty times as often. */
const runs = (count: number) => ({ numRuns: count * Number(process.env.KERNEL_RUNS ?? 1) })
const kernel = createKernel()

describe('one block', () => {
  const count = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 100, max: 1300 }))
  const type = fc.integer({ min: 0, max: 4 })

  test('comes back as it was encoded, whatever the encoding', () => {
    fc.assert(
      fc.property(seed, type, count, fc.constantFrom(...TIME_KINDS), (seed, type, count, kind) => {
        const random = new Random(seed)
        const times = risingTimes(random, kind, count)
        const values = someValues(random, type, times.length)
        const columns = [oneBlock(type, times, values)]
        const shape = someShape(random)
        const run = runColumns(SERIES, columns, ALL_TIME, () => shape)
        expectOracle(run, columns, ALL_TIME)
        if (times.length === 0) return
        const slow = decodeTsmBlock(encodeBlock(type, times, values, shape))
        expect(slow.times).toEqual(times)
      }),
      runs(100),
    )
  })

  test('of each width of simple8b comes back', () => {
    for (const bits of [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60]) {
      const random = new Random(bits)
      const deltas = Array.from({ length: 500 }, () => 1n + (random.bits64() >> BigInt(64 - bits)))
      const wide = deltas.map((delta) => (delta < 1n << BigInt(bits) ? delta : delta - 1n))
      let time = -(2n ** 62n)
      const times = [time, ...wide.slice(0, bits === 60 ? 6 : 500).map((delta) => (time += delta))]
      const values = times.map((_, i) => (i % 2 === 0 ? 1n << BigInt(bits - 1) : 0n) >> 1n)
      const columns = [oneBlock(1, times, values)]
      const shape: BlockShape = { times: 'packed', scale: 0, values: 'packed', skips: [0], copies: false }
      expectOracle(
        runColumns(SERIES, columns, ALL_TIME, () => shape),
        columns,
        ALL_TIME,
      )
    }
  })
})

describe('columns', () => {
  test('become the rows that the obvious merge gives, with the same sums and refusals', () => {
    fc.assert(
      fc.property(seed, (seed) => {
        const random = new Random(seed)
        const columns = someColumns(random)
        const window = someWindow(random)
        const run = runColumns(SERIES, columns, window, () => someShape(random))
        expectOracle(run, columns, window)
      }),
      runs(100),
    )
  })

  test('with one set of times and few sources too, over block ends', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 3500 }), (seed, count) => {
        const random = new Random(seed)
        const times = risingTimes(random, 'regular', count)
        const columns = Array.from({ length: 1 + random.below(4) }, (_, i): OracleColumn => {
          const type = random.below(5)
          const blocks: OracleColumn['sources'][number]['blocks'] = []
          for (let from = 0; from < times.length; from += 1000) {
            const some = times.slice(from, from + 1000)
            blocks.push({ times: some, values: someValues(random, type, some.length) })
          }
          return { field: `f${i}`, sources: [{ kind: 'tsm', type, blocks, deleted: [] }] }
        })
        const shape = someShape(random)
        expectOracle(
          runColumns(SERIES, columns, ALL_TIME, () => shape),
          columns,
          ALL_TIME,
        )
      }),
      runs(8),
    )
  })

  test('come in the same batches that cutting all rows at the limits gives', () => {
    fc.assert(
      fc.property(
        seed,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 3000 }),
        (seed, rows, bytes) => {
          const random = new Random(seed)
          const columns = someColumns(random)
          const window = someWindow(random)
          const shape = someShape(random)
          const oracle = oracleRows(SERIES, columns, window)
          const run = runColumns(SERIES, columns, window, () => shape, { rows, bytes, atLeastOne: true })
          expectOracle(run, columns, window)
          for (const batch of run.batches) {
            expect(batch.rows).toBeLessThanOrEqual(rows)
            if (batch.rows > 1) expect(batch.bytes.length).toBeLessThanOrEqual(bytes)
          }
          // Refusals are told of between batches, which then may be shorter.
          if (oracle.refusals.length === 0) {
            expect(run.batches.filter((batch) => batch.rows > 0).map((batch) => batch.rows)).toEqual(
              cut(oracle.rows, rows, bytes),
            )
          }
          expect(run.batches.reduce((sum, { points }) => sum + points, 0)).toBe(oracle.counters.points)
        },
      ),
      runs(50),
    )
  })
})

describe('damage', () => {
  const type = fc.integer({ min: 0, max: 4 })

  test('anywhere in a block is reported, and the other blocks still come', () => {
    fc.assert(
      fc.property(seed, type, (seed, type) => {
        const random = new Random(seed)
        const times = risingTimes(random, 'jittered', 60)
        const values = someValues(random, type, times.length)
        const pieces = [0, 20, 40].map((from) => ({
          times: times.slice(from, from + 20),
          values: values.slice(from, from + 20),
        }))
        const raw = pieces.map((piece) => ({
          bytes: encodeBlock(type, piece.times, piece.values, someShape(random)),
          minTime: piece.times[0] ?? 0n,
          maxTime: piece.times.at(-1) ?? 0n,
        }))
        const hit = random.below(3)
        const victim = raw[hit]
        if (victim === undefined) throw new Error('unreachable')
        victim.bytes = random.chance(0.5) ? flipped(random, victim.bytes) : shortened(random, victim.bytes)
        kernel.beginSeries(Buffer.from(SERIES), ALL_TIME)
        kernel.addColumn(Buffer.from('f'))
        addRaw(kernel, 0, type, raw)
        const run = takeAll(kernel, NO_LIMITS)
        expect(run.errors).toEqual([
          { code: expect.any(String) as unknown, column: 0, source: 0, block: hit },
        ])
        const left = [
          {
            field: 'f',
            sources: [{ kind: 'tsm', type, blocks: pieces.filter((_, i) => i !== hit), deleted: [] }],
          },
        ]
        const oracle = oracleRows(SERIES, left as OracleColumn[], ALL_TIME)
        expect(run.bytes.equals(Buffer.concat(oracle.rows))).toBe(true)
        expect(run.counters).toEqual(oracle.counters)
      }),
      runs(400),
    )
  })

  test('that the CRC does not show never traps, and what is accepted is what the slow decoder reads', () => {
    fc.assert(
      fc.property(seed, type, (seed, type) => {
        const random = new Random(seed)
        const times = risingTimes(random, random.pick(TIME_KINDS), 1 + random.below(50))
        const values = someValues(random, type, times.length)
        const whole = encodeBlock(type, times, values, someShape(random)).subarray(4)
        let body: Buffer = Buffer.from(whole)
        for (let i = random.below(4); i >= 0; i--) body = flipped(random, body)
        if (random.chance(0.3)) body = body.subarray(0, random.below(body.length))
        if (random.chance(0.2)) body[random.below(body.length)] = 0xff
        const block = withCrc(Buffer.from(body))
        kernel.beginSeries(Buffer.from(SERIES), ALL_TIME)
        kernel.addColumn(Buffer.from('f'))
        addRaw(kernel, 0, type, [{ bytes: block, minTime: times[0] ?? 0n, maxTime: times.at(-1) ?? 0n }])
        const run = takeAll(kernel, NO_LIMITS)
        if (run.errors.length > 0) {
          expect(run.bytes.length).toBe(0)
          return
        }
        if (run.counters.decoded === 0) return
        if (times.length === 0) return
        const slow = decodeTsmBlock(block)
        const columns = [oneBlock(type, slow.times, slow.values)]
        expect(run.bytes.equals(Buffer.concat(oracleRows(SERIES, columns, ALL_TIME).rows))).toBe(true)
      }),
      runs(1500),
    )
  })
})

function oneBlock(
  type: number,
  times: bigint[],
  values: OracleColumn['sources'][number]['blocks'][number]['values'],
): OracleColumn {
  return { field: 'f', sources: [{ kind: 'tsm', type, blocks: [{ times, values }], deleted: [] }] }
}

function expectOracle(
  run: ReturnType<typeof runColumns>,
  columns: readonly OracleColumn[],
  window: { start: bigint; end: bigint },
): void {
  const oracle = oracleRows(SERIES, columns, window)
  expect(run.errors).toEqual([])
  const expected = Buffer.concat(oracle.rows)
  if (!run.bytes.equals(expected)) expect(run.bytes.toString()).toBe(expected.toString())
  expect(run.counters).toEqual(oracle.counters)
  expect(run.refusals).toEqual(oracle.refusals)
  const { decoded, before, after, deleted, overwritten, refused, points } = run.counters
  expect(decoded).toBe(before + after + deleted + overwritten + refused + points)
}

function someWindow(random: Random): { start: bigint; end: bigint } {
  if (random.chance(0.5)) return ALL_TIME
  const start = BigInt(random.below(3000) * 1000 - 1000)
  return { start, end: start + BigInt(random.below(300) * 1000) }
}

function cut(rows: readonly Buffer[], mostRows: number, mostBytes: number): number[] {
  const batches: number[] = []
  let count = 0
  let bytes = 0
  for (const { length } of rows) {
    if (count > 0 && (count === mostRows || bytes + length > mostBytes)) {
      batches.push(count)
      count = bytes = 0
    }
    count++
    bytes += length
  }
  return count === 0 ? batches : [...batches, count]
}

function flipped(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const at = random.below(copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  return copy
}

function shortened(random: Random, bytes: Buffer): Buffer {
  return bytes.subarray(0, random.below(bytes.length))
}
