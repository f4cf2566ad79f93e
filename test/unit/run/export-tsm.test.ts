/** The reader's own cases; what it finds in ordinary files is in test/property and test/integration. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../rig/temporary-folder.ts'
import { exported, pointsOf } from '../../rig/tsm-export.ts'
import { encodeBlock } from '../../rig/tsm-encode.ts'
import { integerBlock, writeTombstone, writeTsm, writeWal, type KeyToWrite } from '../../rig/tsm-files.ts'
import type { Value } from '../../rig/tsm-slow-blocks.ts'

async function shard(): Promise<string> {
  const folder = join(await temporaryFolder(), '1')
  mkdirSync(folder)
  return folder
}

const integers = (key: string, ...blocks: [bigint, bigint][][]): KeyToWrite => ({
  key,
  type: 1,
  blocks: blocks.map(integerBlock),
})

/** One block of any type. */
function block(key: string, type: number, points: readonly (readonly [bigint, Value])[]): KeyToWrite {
  const times = points.map(([time]) => time)
  const data = encodeBlock(
    type,
    times,
    points.map(([, value]) => value),
  ).subarray(4)
  return { key, type, blocks: [{ min: times[0] ?? 0n, max: times.at(-1) ?? 0n, data }] }
}

const name = (generation: number, suffix = 'tsm') =>
  `${String(generation).padStart(9, '0')}-000000001.${suffix}`
const textOf = async (paths: string[], options = {}) => (await exported(paths, options)).text.toString()

test('counts every point once: overwritten, deleted, outside of the window', async () => {
  const folder = await shard()
  const paths = [
    join(folder, name(1)),
    join(folder, name(1, 'tombstone')),
    join(folder, name(2)),
    join(folder, '_00001.wal'),
  ]
  writeTsm(paths[0] ?? '', [
    integers(
      'cpu#!~#i',
      [
        [1n, 1n],
        [2n, 2n],
        [3n, 3n],
        [4n, 4n],
      ],
      [
        [8n, 8n],
        [9n, 9n],
      ],
    ),
  ])
  writeTombstone(paths[1] ?? '', 4, [['cpu#!~#i', 3n, 3n]])
  writeTsm(paths[2] ?? '', [
    integers('cpu#!~#i', [
      [2n, 20n],
      [8n, 80n],
    ]),
  ])
  writeWal(paths[3] ?? '', [
    {
      write: {
        'cpu#!~#i': [
          [2n, 200n],
          [2n, 201n],
          [5n, 5n],
          [30n, 1n],
        ],
      },
    },
    { deleteRange: ['cpu#!~#i'], min: 5n, max: 5n },
  ])
  const { text, counts } = await exported(paths, { window: { start: 2n, end: 9n } })
  expect(text.toString()).toBe('cpu i=201i 2\ncpu i=4i 4\ncpu i=80i 8\n')
  expect(counts).toMatchObject({
    pointsRead: 12,
    points: 3,
    // 2 of the first file, 2 of the second, 2 of the WAL's first write; 8 of the first file.
    overwritten: 4,
    // 3 by the tombstone, 5 in the WAL.
    deleted: 2,
    // 1 and 9 of blocks that reach into the window, 30 of the WAL.
    filtered: 3,
    refusedPoints: 0,
    skipped: 0,
    rows: 3,
  })
})

test('blocks of one file that overlap: the later one wins', async () => {
  const path = join(await shard(), name(1))
  writeTsm(path, [
    integers(
      'cpu#!~#i',
      [
        [1n, 1n],
        [5n, 5n],
      ],
      [
        [3n, 30n],
        [5n, 50n],
        [7n, 70n],
      ],
    ),
  ])
  expect(await textOf([path])).toBe('cpu i=1i 1\ncpu i=30i 3\ncpu i=50i 5\ncpu i=70i 7\n')
})

test('names as v3 has them, and dead letters for what it cannot write, with the reasons of the other reader', async () => {
  const path = join(await shard(), name(1))
  writeTsm(path, [
    block('a\\ b,t\\=g=x\\,y#!~#x y', 0, [[1n, 1.5]]),
    block('bad\ttab#!~#f', 0, [
      [1n, 1],
      [2n, 2],
    ]),
    block('bad\ttab#!~#s', 3, [[2n, Buffer.from('q"\n')]]),
    block('ok#!~#f', 0, [[1n, 1]]),
    block('ok#!~#s', 3, [
      [1n, Buffer.of(0x61, 0xff)],
      [2n, Buffer.from('fine')],
    ]),
    block('ok#!~#time', 1, [[1n, 7n]]),
    block('ok#!~#v', 3, [[1n, Buffer.alloc(2 ** 20 + 1, 'v')]]),
  ])
  const { text, letters, counts } = await exported([path])
  expect(text.toString()).toBe('a\\ b,t\\=g=x\\,y x\\ y=1.5 1\nok f=1 1\nok s="fine" 2\n')
  const by = 'influx-ferry'
  const slice = 'm/0_1'
  expect(letters.map((letter) => ({ ...letter, line: letter.line.slice(0, 30) }))).toEqual([
    { slice, by, reason: 'the measurement holds a tab', points: 1, line: 'bad\ttab f=1 1' },
    { slice, by, reason: 'the measurement holds a tab', points: 2, line: 'bad\ttab f=2,s="q\\"\n" 2' },
    { slice, by, reason: 'the field is called time', points: 1, line: 'ok time=7i 1' },
    expect.objectContaining({ reason: 'the string is not valid UTF-8', points: 1, encoding: 'base64' }),
    expect.objectContaining({
      reason: 'the string is longer than 1048576 bytes',
      line: `ok v="${'v'.repeat(24)}`,
    }),
  ])
  expect(Buffer.from(letters[3]?.line ?? '', 'base64').toString('latin1')).toBe('ok s="a\xff" 1')
  expect(counts).toMatchObject({ pointsRead: 9, points: 3, refusedPoints: 6, rows: 3 })
})

test.each([
  ['m\\=x#!~#f', 'm=x#!~#f'],
  ['m=x#!~#f', 'm\\=x#!~#f'],
  ['m\\"#!~#f', 'm"#!~#f'],
])('%s and %s are one series to v3: a failure, not rows that are there twice', async (a, b) => {
  const path = join(await shard(), name(1))
  const keys = [a, b].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  writeTsm(
    path,
    keys.map((key) => integers(key, [[1n, 1n]])),
  )
  await expect(exported([path])).rejects.toMatchObject({ code: 'export/series-collide' })
  writeTsm(path, [integers(a, [[1n, 1n]])])
  expect(pointsOf((await exported([path])).text)).toHaveLength(1)
})

test('a WAL whose last entry is torn is read up to it, and a note says so', async () => {
  const path = join(await shard(), '_00001.wal')
  const first = writeWal(path, [{ write: { 'cpu#!~#i': [[1n, 1n]] } }])
  const whole = writeWal(path, [{ write: { 'cpu#!~#i': [[1n, 1n]] } }, { write: { 'cpu#!~#i': [[2n, 2n]] } }])
  writeFileSync(path, whole.subarray(0, -3))
  const { text, notes } = await exported([path])
  expect(text.toString()).toBe('cpu i=1i 1\n')
  expect(notes).toEqual([
    { kind: 'torn-end', segment: path, position: first.length, bytes: whole.length - 3 - first.length },
  ])
})

describe('onCorruption: skip', () => {
  async function broken() {
    const folder = await shard()
    const paths = [join(folder, name(1)), join(folder, name(2))]
    writeTsm(paths[0] ?? '', [
      integers('cpu#!~#i', [
        [1n, 1n],
        [2n, 2n],
        [3n, 3n],
        [4n, 4n],
      ]),
    ])
    writeTsm(paths[1] ?? '', [
      integers(
        'cpu#!~#i',
        [
          [2n, 20n],
          [3n, 30n],
        ],
        [[5n, 50n]],
      ),
    ])
    return paths
  }

  test('leaves out what a damaged block may have replaced, and says how much', async () => {
    const paths = await broken()
    const bytes = readFileSync(paths[1] ?? '')
    bytes[20] = (bytes[20] ?? 0) ^ 1
    writeFileSync(paths[1] ?? '', bytes)
    const { text, counts, letters } = await exported(paths, { skipDamage: true })
    expect(text.toString()).toBe('cpu i=1i 1\ncpu i=4i 4\ncpu i=50i 5\n')
    expect(counts).toMatchObject({ pointsRead: 5, points: 3, refusedPoints: 2, deleted: 0, skipped: 1 })
    expect(letters).toEqual([
      {
        slice: 'm/0_1',
        by: 'influx-ferry',
        reason: 'a damaged block: its bytes do not match its checksum (CRC32)',
        where: `${paths[1]}, series cpu, field i, block 0, byte 5, 1970-01-01T00:00:00.000000002Z to 1970-01-01T00:00:00.000000003Z`,
        line: '',
        points: 0,
      },
      expect.objectContaining({ reason: expect.stringMatching(/^older values/) as string, points: 2 }),
    ])
  })

  test('leaves out a file that cannot be opened, and the rest of a segment', async () => {
    const paths = await broken()
    writeFileSync(paths[1] ?? '', 'no TSM file at all')
    const wal = join(paths[0] ?? '', '../_00001.wal')
    const entries = [{ write: { 'cpu#!~#i': [[7n, 7n]] } }, { write: { 'cpu#!~#i': [[8n, 8n]] } }] as const
    const bytes = writeWal(wal, entries)
    bytes[bytes.length / 2] = 9
    writeFileSync(wal, bytes)
    const next = join(paths[0] ?? '', '../_00002.wal')
    writeWal(next, [{ write: { 'cpu#!~#i': [[9n, 9n]] } }])
    const all = [...paths, wal, next]
    await expect(exported(all)).rejects.toMatchObject({ code: 'export/tsm-damaged' })
    const { text, counts, letters } = await exported(all, { skipDamage: true })
    expect(text.toString()).toBe([1, 2, 3, 4, 7, 9].map((n) => `cpu i=${n}i ${n}\n`).join(''))
    expect(counts).toMatchObject({ points: 6, skipped: 2 })
    expect(letters.map(({ where }) => where?.replace(/, byte.*/, ''))).toEqual([paths[1], wal])
  })
})

describe('memory', () => {
  const rows = 20_000
  async function large() {
    const path = join(await shard(), name(1))
    const size = 500
    writeTsm(
      path,
      ['a', 'b', 'c', 'd'].map((field, f) => ({
        key: `cpu#!~#${field}`,
        type: 1,
        blocks: Array.from({ length: rows / size }, (_, i) =>
          integerBlock(
            Array.from({ length: size }, (_, j): [bigint, bigint] => [
              BigInt((i * size + j) * (1 + (f % 2))),
              BigInt(i ^ j),
            ]),
          ),
        ),
      })),
    )
    return path
  }

  test('a series that does not fit is read in windows of blocks, to the same bytes', async () => {
    const path = await large()
    const whole = await exported([path])
    // Four times 320 kB of blocks.
    const windows = await exported([path], { memory: 1.6e6 })
    expect(windows.text.equals(whole.text)).toBe(true)
    expect(windows.counts).toEqual(whole.counts)
    expect(whole.counts.points).toBe(4 * rows)
  })

  test('a block that does not fit is a failure that names the series', async () => {
    const path = join(await shard(), name(1))
    writeTsm(path, [block('logs,host=a#!~#text', 3, [[1n, Buffer.alloc(3e6, 'x')]])])
    await expect(exported([path], { memory: 2e6 })).rejects.toMatchObject({
      code: 'export/series-too-large',
      where: expect.stringContaining('series logs,host=a') as string,
    })
  })
})
