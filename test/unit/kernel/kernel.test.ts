import { describe, expect, test } from 'vitest'
import { ALL_TIME } from '../../../src/core/time.ts'
import { BlockType, createKernel } from '../../../src/kernel/kernel.ts'
import { addRaw, NO_LIMITS, takeAll, type RawBlock } from '../../rig/kernel-run.ts'
import { encodeBlock, encodeWalBlock, withCrc } from '../../rig/tsm-encode.ts'
import type { Value } from '../../rig/tsm-slow-blocks.ts'

const { float, integer, boolean, string } = BlockType
const NONE = new BigInt64Array(0)
const kernel = createKernel()

function begin(fields: readonly string[] = ['v']): void {
  kernel.beginSeries(Buffer.from('m,t=a'), ALL_TIME)
  for (const field of fields) kernel.addColumn(Buffer.from(field))
}

function block(type: number, times: bigint[], values: Value[]): RawBlock {
  return { bytes: encodeBlock(type, times, values), minTime: times[0] ?? 0n, maxTime: times.at(-1) ?? 0n }
}

/** A block of any body, with a right CRC. */
function body(minTime: bigint, maxTime: bigint, ...parts: (Buffer | readonly number[])[]): RawBlock {
  return { bytes: withCrc(Buffer.concat(parts.map((part) => Buffer.from(part)))), minTime, maxTime }
}

function rowsOf(type: number, blocks: readonly RawBlock[], encoding: 'tsm' | 'wal' = 'tsm') {
  begin()
  addRaw(kernel, 0, type, blocks, encoding)
  const run = takeAll(kernel, NO_LIMITS)
  return { text: run.bytes.toString(), errors: run.errors.map(({ code, block }) => `${block} ${code}`), run }
}

describe('a damaged block', () => {
  const good = block(integer, [1n, 2n], [5n, 6n])
  const first = [0, 0, 0, 0, 0, 0, 0, 1]
  /** Times 1 to 3 as a run, and booleans. */
  const times = [10, 0x20, ...first, 1, 3]
  const cases: Record<string, [code: string, type: number, block: RawBlock]> = {
    'with a wrong CRC': [
      'bad-crc',
      integer,
      { ...good, bytes: Buffer.concat([Buffer.of(0), good.bytes.subarray(1)]) },
    ],
    'of no bytes': ['truncated', integer, { ...good, bytes: Buffer.alloc(0) }],
    'cut within its CRC': ['truncated', integer, { ...good, bytes: good.bytes.subarray(0, 3) }],
    'of another type': ['type-mismatch', float, good],
    'with times longer than itself': ['truncated', integer, body(1n, 3n, [integer, 200, 1], [0x20])],
    'with times of no encoding': ['bad-encoding', integer, body(1n, 3n, [integer, 1, 0x30])],
    'with raw times cut': ['truncated', integer, body(1n, 3n, [integer, 3, 0, 1, 1])],
    'with packed times cut': ['truncated', integer, body(1n, 3n, [integer, 3, 0x10, 1, 1])],
    'with a run of times without a count': [
      'truncated',
      integer,
      body(1n, 3n, [integer, 10, 0x20, ...first, 1]),
    ],
    'with something behind its run of times': [
      'bad-encoding',
      integer,
      body(1n, 3n, [integer, 12, 0x20, ...first, 1, 3, 9]),
    ],
    'with times that stand still': [
      'time-order',
      boolean,
      body(1n, 1n, [boolean, 11, 0x20, ...first, 0, 3], [0x10, 3, 0]),
    ],
    'with times that wrap round': [
      'time-order',
      boolean,
      body(1n, 1n, [boolean, 17, 0, ...first, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x10, 2, 0]),
    ],
    'with more times than any block': [
      'too-large',
      boolean,
      body(1n, 1n, [boolean, 17, 0x20, ...first, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], [0x10, 3, 0]),
    ],
    'with fewer values than times': [
      'count-mismatch',
      boolean,
      body(1n, 3n, [boolean, 11], times.slice(1), [0x10, 2, 0]),
    ],
    'with fewer bits than booleans': [
      'truncated',
      boolean,
      body(1n, 3n, [boolean, 11], times.slice(1), [0x10, 3]),
    ],
    'without values': ['count-mismatch', boolean, body(1n, 3n, [boolean, 11], times.slice(1))],
    'with floats that do not end': [
      'truncated',
      float,
      body(1n, 3n, [float, 11], times.slice(1), [0x10, ...first]),
    ],
    'with floats of no encoding': [
      'bad-encoding',
      float,
      body(1n, 3n, [float, 11], times.slice(1), [0, ...first, 0]),
    ],
    'with a window of bits before there was one': [
      'bad-encoding',
      float,
      body(1n, 3n, [float, 11], times.slice(1), [0x10, ...first, 0x80, 0, 0]),
    ],
    'with a window of more than 64 bits': [
      'bad-encoding',
      float,
      body(1n, 3n, [float, 11], times.slice(1), [0x10, ...first, 0xff, 0xf8, 0, 0]),
    ],
    'with integers of no encoding': [
      'bad-encoding',
      integer,
      body(1n, 3n, [integer, 11], times.slice(1), [0x30, ...first]),
    ],
    'with a longer run of integers': [
      'count-mismatch',
      integer,
      body(1n, 3n, [integer, 11], times.slice(1), [0x20, ...first, 2, 3]),
    ],
    'with a shorter run of integers': [
      'count-mismatch',
      integer,
      body(1n, 3n, [integer, 11], times.slice(1), [0x20, ...first, 2, 1]),
    ],
    'with strings that are no snappy': [
      'bad-encoding',
      string,
      body(1n, 3n, [string, 11], times.slice(1), [0x10, 3, 0xff, 0]),
    ],
    'with strings of a size that cannot be': [
      'bad-encoding',
      string,
      body(1n, 3n, [string, 11], times.slice(1), [0x10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]),
    ],
    'with a string longer than all': [
      'truncated',
      string,
      body(1n, 3n, [string, 11], times.slice(1), [0x10, 2, 4, 9, 65]),
    ],
    'with one string too many': [
      'count-mismatch',
      string,
      body(1n, 3n, [string, 11], times.slice(1), [0x10, 4, 12, 0, 0, 0, 0]),
    ],
    'at other times than its index says': ['index-mismatch', integer, { ...good, maxTime: 3n }],
    'with the largest time there is': ['bad-time', integer, block(integer, [1n, 2n ** 63n - 1n], [1n, 2n])],
  }

  test.each(Object.entries(cases))(
    '%s is reported, and its neighbours are used',
    (_, [code, type, damaged]) => {
      const before = block(type, [-1n], [valueOf(type)])
      const after = block(type, [100n], [valueOf(type)])
      const { text, errors } = rowsOf(type, [before, damaged, after])
      expect(errors).toEqual([`1 ${code}`])
      expect(text.split('\n').map((line) => line.split(' ').at(-1))).toEqual(['-1', '100', ''])
    },
  )

  test('that overlaps the one before it is out of order', () => {
    const { text, errors } = rowsOf(integer, [
      good,
      block(integer, [2n, 3n], [7n, 8n]),
      block(integer, [4n], [9n]),
    ])
    expect(errors).toEqual(['1 time-order'])
    expect(text).toBe('m,t=a v=5i 1\nm,t=a v=6i 2\nm,t=a v=9i 4\n')
  })

  test.each([
    ['cut', 'truncated', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['with bytes behind it', 'count-mismatch', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
    ['of any size', 'too-large', (bytes: Buffer) => Buffer.concat([Buffer.alloc(4, 0xff), bytes])],
  ])('of a run of the WAL, %s, is reported', (_, code, change) => {
    const bytes = change(encodeWalBlock(integer, [1n, 2n], [5n, 6n]))
    expect(rowsOf(integer, [{ bytes, minTime: 1n, maxTime: 2n }], 'wal').errors).toEqual([`0 ${code}`])
  })
})

describe('limits', () => {
  test('keep back a first row that is too long, unless there must be one', () => {
    begin()
    const long = Buffer.from('x'.repeat(5000))
    addRaw(kernel, 0, string, [block(string, [1n, 2n, 3n], [Buffer.from('a'), long, Buffer.from('b')])])
    const limits = { rows: 10, bytes: 100 }
    const sizes = [false, false, true, false].map((atLeastOne) => {
      const { rows, state, bytes } = kernel.next({ ...limits, atLeastOne })
      return [rows, state, bytes.length]
    })
    expect(sizes).toEqual([
      [1, 'full', 14],
      [0, 'full', 0],
      [1, 'full', 5013],
      [1, 'done', 14],
    ])
  })

  test('of no rows give none, and nothing is lost by it', () => {
    begin()
    addRaw(kernel, 0, integer, [block(integer, [1n, 2n], [5n, 6n])])
    expect(kernel.next({ rows: 0, bytes: 100, atLeastOne: true }).rows).toBe(0)
    expect(takeAll(kernel, NO_LIMITS).bytes.toString()).toBe('m,t=a v=5i 1\nm,t=a v=6i 2\n')
  })
})

describe('strings', () => {
  test('of up to a mebibyte are taken, a longer one is refused with its bytes', () => {
    const longest = Buffer.alloc(1 << 20, '"')
    const longer = Buffer.alloc((1 << 20) + 1, 'y')
    const { text, run } = rowsOf(string, [block(string, [1n, 2n], [longest, longer])])
    expect(text).toBe(`m,t=a v="${'\\"'.repeat(1 << 20)}" 1\n`)
    expect(
      run.refusals.map(({ time, reason, value }) => [
        time,
        reason,
        Buffer.from(value as Uint8Array).equals(longer),
      ]),
    ).toEqual([[2n, 'too-long', true]])
  })

  test('that are refused in great numbers are told of in between, and rows go on', () => {
    const bad = Buffer.from([0x61, 0xff])
    const times = Array.from({ length: 5000 }, (_, i) => BigInt(i))
    begin(['v', 'w'])
    addRaw(kernel, 0, string, [
      block(
        string,
        times,
        times.map(() => bad),
      ),
    ])
    addRaw(kernel, 1, boolean, [
      block(
        boolean,
        times,
        times.map((time) => time % 2n === 0n),
      ),
    ])
    const { rows, state } = kernel.next({ rows: 10_000, bytes: 1e7, atLeastOne: true })
    expect(state).toBe('report')
    expect(rows).toBeLessThan(5000)
    const refused = kernel.takeRefusals().length
    expect(refused).toBe(rows)
    const rest = takeAll(kernel, NO_LIMITS)
    expect(rest.counters).toMatchObject({ decoded: 10_000, refused: 5000, points: 5000, rows: 5000 })
    expect(rest.refusals.length + refused).toBe(5000)
  })
})

describe('memory', () => {
  test('that would grow beyond what is allowed is a failure, and the next series is fine', () => {
    const small = createKernel({ maximumBytes: 4e6 })
    small.beginSeries(Buffer.from('m'), ALL_TIME)
    expect(() => small.reserve(5e6)).toThrow(expect.objectContaining({ code: 'kernel/out-of-memory' }))
    small.beginSeries(Buffer.from('m'), ALL_TIME)
    small.addColumn(Buffer.from('v'))
    addRaw(small, 0, integer, [block(integer, [1n], [5n])])
    expect(() => small.next({ rows: 10, bytes: 1e7, atLeastOne: true })).toThrow(
      expect.objectContaining({ code: 'kernel/out-of-memory' }),
    )
    small.beginSeries(Buffer.from('m'), ALL_TIME)
    small.addColumn(Buffer.from('v'))
    addRaw(small, 0, integer, [block(integer, [1n], [5n])])
    expect(takeAll(small, { rows: 10, bytes: 1000, atLeastOne: true }).bytes.toString()).toBe('m v=5i 1\n')
  })

  test('is used again for the next series', () => {
    const other = createKernel()
    const sizes = Array.from({ length: 20 }, () => {
      other.beginSeries(Buffer.from('m'), ALL_TIME)
      other.reserve(3e6)
      return other.memoryBytes()
    })
    expect(new Set(sizes).size).toBe(1)
  })

  test('growing while a series is added keeps what was added before', () => {
    begin(['v', 'w'])
    addRaw(kernel, 0, integer, [block(integer, [1n], [5n])])
    const before = kernel.memoryBytes()
    const region = kernel.reserve(before * 2)
    region.bytes.fill(0xff)
    addRaw(kernel, 1, integer, [block(integer, [1n], [6n])])
    expect(takeAll(kernel, NO_LIMITS).bytes.toString()).toBe('m,t=a v=5i,w=6i 1\n')
  })
})

test('a block outside of its region is a defect, not a read of other memory', () => {
  begin()
  const region = kernel.reserve(100)
  const source = {
    encoding: 'tsm',
    type: integer,
    first: 0,
    count: 1,
    region,
    regionOffset: 0,
    deleted: NONE,
  } as const
  const words = new Int32Array(4)
  const at = (offset: number, size: number) => ({
    words,
    offsets: Float64Array.of(offset),
    sizes: Uint32Array.of(size),
  })
  expect(() => kernel.addBlocks(0, { ...source, blocks: at(90, 11) })).toThrow(RangeError)
  expect(() => kernel.addBlocks(0, { ...source, blocks: at(-1, 11) })).toThrow(RangeError)
  expect(() => kernel.addBlocks(1, { ...source, blocks: at(0, 11) })).toThrow(RangeError)
})

test('a window to the end of time has the last point that InfluxDB takes', () => {
  const last = 2n ** 63n - 2n
  expect(rowsOf(integer, [block(integer, [-(2n ** 63n), last], [5n, 6n])]).text).toBe(
    `m,t=a v=5i ${-(2n ** 63n)}\nm,t=a v=6i ${last}\n`,
  )
})

test('a series without columns or without points is done at once', () => {
  begin([])
  expect(takeAll(kernel, NO_LIMITS).counters.rows).toBe(0)
  begin(['v', 'w'])
  addRaw(kernel, 1, integer, [])
  expect(takeAll(kernel, NO_LIMITS).batches).toHaveLength(1)
})

function valueOf(type: number): Value {
  return ([1.5, 1n, true, Buffer.from('a'), 1n] as const)[type] ?? 0
}
