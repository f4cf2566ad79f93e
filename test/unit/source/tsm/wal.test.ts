import { appendFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_TIME, type TimeWindow } from '../../../../src/core/time.ts'
import type { WalNote } from '../../../../src/source/tsm/wal-segment.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { walEntry, writeWal, type WalEntry } from '../../../rig/tsm-files.ts'
import { slowRead } from '../../../rig/tsm-slow-read.ts'
import { openSeriesCursor } from '../../../../src/source/tsm/series-cursor.ts'

const at = (...points: [time: number, value: number][]) =>
  points.map(([time, value]) => [BigInt(time), value] as const)

/** Each list is a segment. */
async function segmentsOf(...segments: WalEntry[][]): Promise<{ folder: string; paths: string[] }> {
  const folder = await temporaryFolder()
  const paths = segments.map((_, i) => join(folder, `_${String(i + 1).padStart(5, '0')}.wal`))
  segments.forEach((entries, i) => writeWal(paths[i] ?? '', entries))
  return { folder, paths }
}

async function read(paths: string[], options: { memory?: number; window?: TimeWindow } = {}) {
  const notes: WalNote[] = []
  const points = await slowRead(paths, {
    temporaryFolder: await temporaryFolder(),
    onNote: (note) => notes.push(note),
    ...options,
  })
  return { points: points.map((point) => point.replace(/"/g, '')), notes }
}

/** All of memory, or so little that every entry is a run of its own. */
const MEMORY = [64e6, 1]

describe.each(MEMORY)('with memory for %d bytes', (memory) => {
  test('points of a key over entries and segments, unsorted and repeated: the last one counts', async () => {
    const { paths } = await segmentsOf(
      [
        { write: { 'm#!~#f': at([5, 1], [3, 2], [5, 3], [3, 4], [4, 5]) } },
        { write: { 'm#!~#f': at([4, 6]) } },
      ],
      [{ write: { 'm#!~#f': at([3, 7], [-1, 8]) } }],
    )
    const { points } = await read(paths, { memory })
    expect(points).toEqual([
      'm f @-1 = 8 (float)',
      'm f @3 = 7 (float)',
      'm f @4 = 6 (float)',
      'm f @5 = 3 (float)',
    ])
  })

  test('every type', async () => {
    const { paths } = await segmentsOf([
      {
        write: {
          'm#!~#b': [
            [1n, true],
            [2n, false],
          ],
          'm#!~#f': [[1n, -0]],
          'm#!~#i': [
            [1n, -(2n ** 63n)],
            [2n, 2n ** 63n - 1n],
          ],
          'm#!~#s': [
            [1n, ''],
            [2n, 'ü "q"'],
            [3n, 'x'.repeat(100_000)],
          ],
        },
      },
    ])
    const { points } = await read(paths, { memory })
    expect(points).toEqual([
      'm b @1 = true (boolean)',
      'm b @2 = false (boolean)',
      'm f @1 = -0 (float)',
      'm i @1 = -9223372036854775808 (integer)',
      'm i @2 = 9223372036854775807 (integer)',
      'm s @1 =  (string)',
      'm s @2 = ü \\q\\ (string)',
      `m s @3 = ${'x'.repeat(100_000)} (string)`,
    ])
  })

  test('deletes remove what came before them, and only that', async () => {
    const { paths } = await segmentsOf(
      [
        {
          write: { 'm#!~#f': at([1, 1], [2, 2], [3, 3]), 'm#!~#g': at([1, 1]), 'n#!~#f': at([1, 1], [2, 1]) },
        },
        { deleteRange: ['m#!~#f', 'x#!~#f'], min: 2n, max: 3n },
        { write: { 'm#!~#f': at([3, 33], [4, 4]) } },
      ],
      [
        { delete: ['m#!~#g', 'n#!~#f'] },
        { deleteRange: ['m#!~#f'], min: 5n, max: 4n },
        { write: { 'n#!~#f': at([2, 22]) } },
      ],
    )
    const { points } = await read(paths, { memory })
    expect(points).toEqual([
      'm f @1 = 1 (float)',
      'm f @3 = 33 (float)',
      'm f @4 = 4 (float)',
      'n f @2 = 22 (float)',
    ])
  })

  test('a field of another type after it was deleted', async () => {
    const { paths } = await segmentsOf([
      { write: { 'm#!~#f': at([1, 1]) } },
      { delete: ['m#!~#f'] },
      { write: { 'm#!~#f': [[1n, 'text']] } },
    ])
    expect((await read(paths, { memory })).points).toEqual(['m f @1 = text (string)'])
  })

  test('only points in the window', async () => {
    const { paths } = await segmentsOf([
      { write: { 'm#!~#f': at([1, 1], [2, 2], [3, 3]), 'n#!~#f': at([3, 1]) } },
    ])
    const { points } = await read(paths, { memory, window: { start: 2n, end: 3n } })
    expect(points).toEqual(['m f @2 = 2 (float)'])
  })
})

test('runs in files leave nothing behind', async () => {
  const { paths } = await segmentsOf(
    ...Array.from({ length: 5 }, (_, i) => [{ write: { [`m,t=${i}#!~#f`]: at([i, i]) } }]),
  )
  const temporary = await temporaryFolder()
  const cursor = await openSeriesCursor(paths, { window: ALL_TIME, memory: 1, temporaryFolder: temporary })
  expect(readdirSync(temporary)).toEqual([])
  expect([...cursor.series()].map(({ series }) => series.toString())).toEqual(
    Array.from({ length: 5 }, (_, i) => `m,t=${i}`),
  )
  cursor.close()
})

test('counts what becomes of the points', async () => {
  const { folder, paths } = await segmentsOf([
    { write: { 'm#!~#f': at([1, 1], [1, 2], [2, 1], [9, 1]) } },
    { deleteRange: ['m#!~#f'], min: 2n, max: 2n },
  ])
  const window = { start: 0n, end: 5n }
  const cursor = await openSeriesCursor(paths, { window, memory: 1e6, temporaryFolder: folder })
  expect(cursor.walCounts).toEqual({ points: 4, overwritten: 1, deleted: 1, outside: 1 })
  cursor.close()
})

test('values of two types in one field are refused, as influxd does not open such a shard', async () => {
  const { paths } = await segmentsOf([
    { write: { 'm#!~#f': at([1, 1]) } },
    { write: { 'm#!~#f': [[2n, 1n]] } },
  ])
  await expect(read(paths)).rejects.toMatchObject({ code: 'export/wal-type-conflict' })
})

describe('ends that a crash leaves', () => {
  const first: WalEntry = { write: { 'm#!~#f': at([1, 1]) } }
  const second: WalEntry = { write: { 'm#!~#s': [[2n, 'abc'.repeat(100)]], 'm#!~#f': at([3, 3]) } }

  test('the last entry cut anywhere: kept up to it, and noted', async () => {
    const { paths } = await segmentsOf([first])
    const entry = walEntry(second)
    const start = walEntry(first).length
    for (let length = 1; length < entry.length; length++) {
      writeFileSync(paths[0] ?? '', Buffer.concat([walEntry(first), entry.subarray(0, length)]))
      const { points, notes } = await read(paths)
      expect(points, `${length} bytes`).toEqual(['m f @1 = 1 (float)'])
      expect(notes).toEqual([{ kind: 'torn-end', segment: paths[0], position: start, bytes: length }])
    }
  })

  test('zeros up to the end', async () => {
    const { paths } = await segmentsOf([first])
    appendFileSync(paths[0] ?? '', Buffer.alloc(5000))
    const { points, notes } = await read(paths)
    expect(points).toEqual(['m f @1 = 1 (float)'])
    expect(notes).toMatchObject([{ kind: 'torn-end', bytes: 5000 }])
  })

  test('a hole with entries behind it: influxd started again and wrote on', async () => {
    const { paths } = await segmentsOf([first], [])
    writeFileSync(paths[0] ?? '', Buffer.concat([walEntry(first), Buffer.alloc(40), walEntry(second)]))
    const { points, notes } = await read(paths)
    expect(points).toHaveLength(3)
    expect(notes).toMatchObject([{ kind: 'hole', bytes: 40 }])
  })

  test('an empty last segment', async () => {
    const { paths } = await segmentsOf([first], [])
    expect((await read(paths)).points).toHaveLength(1)
  })

  test('a cut entry in a segment before the last is damage', async () => {
    const { paths } = await segmentsOf([first], [second])
    writeFileSync(paths[0] ?? '', Buffer.concat([walEntry(first), walEntry(second).subarray(0, 30)]))
    await expect(read(paths)).rejects.toMatchObject({
      code: 'export/wal-damaged',
      where: `${paths[0]}, byte ${walEntry(first).length}`,
    })
  })

  test('a length that was changed is not taken for a torn end', async () => {
    const { paths } = await segmentsOf([])
    for (const bit of [0x01, 0x10]) {
      const bytes = Buffer.concat([walEntry(first), walEntry(second)])
      bytes[2] = bit // the upper bytes of the first entry's length
      writeFileSync(paths[0] ?? '', bytes)
      await expect(read(paths)).rejects.toMatchObject({ code: 'export/wal-damaged' })
    }
  })

  test('an entry of a type that is none', async () => {
    const { paths } = await segmentsOf([])
    writeFileSync(paths[0] ?? '', Buffer.concat([walEntry(first), Buffer.of(9), walEntry(second)]))
    await expect(read(paths)).rejects.toMatchObject({
      code: 'export/wal-damaged',
      message: expect.stringContaining('type 9') as string,
    })
  })
})
