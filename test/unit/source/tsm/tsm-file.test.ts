import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ALL_TIME } from '../../../../src/core/time.ts'
import { BlockTable } from '../../../../src/source/tsm/block-table.ts'
import { wordsOf } from '../../../../src/source/tsm/int64-words.ts'
import { TsmFile } from '../../../../src/source/tsm/tsm-file.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { integerBlock, MAX_INT64, MIN_INT64, writeTsm, type KeyToWrite } from '../../../rig/tsm-files.ts'

const range = (start: bigint, end: bigint) => ({ first: wordsOf(start), last: wordsOf(end) })
const ALL = range(ALL_TIME.start, ALL_TIME.end - 1n)
const block = (min: bigint, max: bigint) =>
  integerBlock([[min, 1n], ...(max > min ? [[max, 2n] as const] : [])])

async function fileOf(keys: KeyToWrite[], change?: (bytes: Buffer) => Buffer): Promise<string> {
  const path = join(await temporaryFolder(), '000000001-000000001.tsm')
  const bytes = writeTsm(path, keys)
  if (change) writeFileSync(path, change(bytes))
  return path
}

function readIndex(path: string, window = ALL, chunk?: number) {
  const file = TsmFile.open(path)
  try {
    const index = file.index(chunk === undefined ? {} : { chunk })
    const keys = []
    while (index.next()) {
      const table = new BlockTable()
      index.appendBlocks(table, window)
      const blocks = Array.from({ length: table.length }, (_, i) => [table.minTime(i), table.maxTime(i)])
      keys.push({ key: index.key.toString(), type: index.type, series: index.seriesLength, blocks })
    }
    return keys
  } finally {
    file.close()
  }
}

function failureOf(run: () => unknown) {
  try {
    run()
  } catch (error) {
    return error
  }
  return 'no failure'
}

test('keys with their types and blocks, both ends of time included', async () => {
  const path = await fileOf([
    {
      key: 'cpu,host=a#!~#load',
      type: 0,
      blocks: [block(MIN_INT64, -1n), block(0n, 5n), block(6n, MAX_INT64)],
    },
    { key: 'cpu,host=a#!~#x#!~#y', type: 3, blocks: [block(-7n, -7n)] },
  ])
  expect(readIndex(path)).toEqual([
    {
      key: 'cpu,host=a#!~#load',
      type: 0,
      series: 10,
      blocks: [
        [MIN_INT64, -1n],
        [0n, 5n],
        [6n, MAX_INT64],
      ],
    },
    { key: 'cpu,host=a#!~#x#!~#y', type: 3, series: 10, blocks: [[-7n, -7n]] },
  ])
})

test.each([
  [0n, 0n, ['0..5']],
  [5n, 5n, ['0..5']],
  [6n, 9n, []],
  [-5n, 10n, ['-5..-2', '0..5', '10..4294967296']],
  [4294967296n, MAX_INT64, ['10..4294967296']],
  [4294967297n, MAX_INT64, []],
  [MIN_INT64, -5n, ['-5..-2']],
])('the blocks that meet %s to %s', async (start, end, expected) => {
  const path = await fileOf([
    { key: 'm#!~#f', type: 1, blocks: [block(-5n, -2n), block(0n, 5n), block(10n, 4294967296n)] },
  ])
  const [key] = readIndex(path, range(start, end))
  expect(key?.blocks.map(([min, max]) => `${min}..${max}`)).toEqual(expected)
})

test('an index read in pieces of any size is the same', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => ({
    key: `m,t=${String(i).padStart(4, '0')}${'x'.repeat(i % 50)}#!~#f`,
    type: i % 5,
    blocks: Array.from({ length: 1 + (i % 7) }, (_, j) => block(BigInt(j) * 10n, BigInt(j) * 10n + 5n)),
  }))
  const path = await fileOf(keys)
  const whole = readIndex(path)
  expect(whole.map(({ key }) => key)).toEqual(keys.map(({ key }) => key))
  for (const chunk of [1, 7, 64, 100, 1000, 4096]) expect(readIndex(path, ALL, chunk)).toEqual(whole)
})

test.each<[string, KeyToWrite[], RegExp, RegExp]>([
  [
    'keys out of order',
    [
      { key: 'b#!~#f', type: 1, blocks: [block(0n, 1n)] },
      { key: 'a#!~#f', type: 1, blocks: [block(0n, 1n)] },
    ],
    /not in order/,
    /series a, field f, byte/,
  ],
  [
    'the same key twice',
    [
      { key: 'a#!~#f', type: 1, blocks: [block(0n, 1n)] },
      { key: 'a#!~#f', type: 1, blocks: [block(0n, 1n)] },
    ],
    /not in order/,
    /field f/,
  ],
  [
    'blocks out of order',
    [{ key: 'a#!~#f', type: 1, blocks: [block(5n, 9n), block(1n, 2n)] }],
    /not in time order/,
    /series a, field f, block 1, byte/,
  ],
  [
    'a block that ends before it starts',
    [{ key: 'a#!~#f', type: 1, blocks: [{ ...block(0n, 1n), min: 2n }] }],
    /ends before it starts/,
    /block 0/,
  ],
  [
    'a key without a field',
    [{ key: 'a', type: 1, blocks: [block(0n, 1n)] }],
    /series and a field/,
    /series a, byte/,
  ],
  ['a type that is none', [{ key: 'a#!~#f', type: 5, blocks: [block(0n, 1n)] }], /value type 5/, /field f/],
  [
    'no blocks',
    [
      { key: 'a#!~#f', type: 1, blocks: [] },
      { key: 'b#!~#f', type: 1, blocks: [block(0n, 1n)] },
    ],
    /without blocks/,
    /series a/,
  ],
])('%s is damage, with its place', async (_name, keys, message, where) => {
  const path = await fileOf(keys)
  expect(failureOf(() => readIndex(path))).toMatchObject({
    name: 'Failure',
    code: 'export/tsm-damaged',
    message: expect.stringMatching(message) as string,
    where: expect.stringMatching(where) as string,
  })
})

test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
  ['another magic number', (bytes) => Buffer.concat([Buffer.from('x'), bytes.subarray(1)]), /does not begin/],
  [
    'another version',
    (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.of(2), bytes.subarray(5)]),
    /version 2/,
  ],
  ['an empty file', () => Buffer.alloc(0), /0 bytes/],
  ['a cut footer', (bytes) => bytes.subarray(0, -3), /index|key/],
  [
    'a footer past the end',
    (bytes) => Buffer.concat([bytes.subarray(0, -8), Buffer.from('0000000000ffffff', 'hex')]),
    /outside/,
  ],
  [
    'a footer far past 2^53',
    (bytes) => Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8, 255)]),
    /outside/,
  ],
  [
    'a block past the index',
    (bytes) => (bytes.writeUInt32BE(1 << 20, bytes.length - 12), bytes),
    /not within/,
  ],
  ['a block of no size', (bytes) => (bytes.writeUInt32BE(4, bytes.length - 12), bytes), /4 bytes/],
])('%s is damage', async (_name, change, message) => {
  const path = await fileOf([{ key: 'a#!~#f', type: 1, blocks: [block(0n, 1n)] }], change)
  expect(failureOf(() => readIndex(path))).toMatchObject({
    code: 'export/tsm-damaged',
    message: expect.stringMatching(message) as string,
    where: expect.stringContaining(path) as string,
  })
})

test('a file that is gone is a changed source', () => {
  expect(failureOf(() => TsmFile.open('/nowhere/1-1.tsm'))).toMatchObject({ code: 'export/source-changed' })
})

test('reads a block from its place, and notices a file that got shorter', async () => {
  const path = await fileOf([{ key: 'a#!~#f', type: 1, blocks: [block(0n, 1n)] }])
  const file = TsmFile.open(path)
  const bytes = readFileSync(path)
  const target = Buffer.alloc(10)
  file.read(target, 7)
  expect(target).toEqual(bytes.subarray(7, 17))
  writeFileSync(path, bytes.subarray(0, 12))
  expect(failureOf(() => file.read(target, 7))).toMatchObject({ code: 'export/tsm-damaged' })
  file.close()
})
