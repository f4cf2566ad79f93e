import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { ALL_TIME } from '../../../../src/core/time.ts'
import type { Failure } from '../../../../src/core/failure.ts'
import { openSeriesCursor, type SeriesCursorOptions } from '../../../../src/source/tsm/series-cursor.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { integerBlock, writeTombstone, writeTsm, writeWal } from '../../../rig/tsm-files.ts'
import { slowRead } from '../../../rig/tsm-slow-read.ts'

const block = (...points: [time: number, value: number][]) =>
  integerBlock(points.map(([time, value]) => [BigInt(time), BigInt(value)]))
const key = (name: string, ...blocks: ReturnType<typeof block>[]) => ({ key: name, type: 1, blocks })

/** A folder with shards, and the paths written into it. */
async function slice() {
  const folder = await temporaryFolder()
  const paths: string[] = []
  const place = (name: string) => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    paths.push(path)
    return path
  }
  return { folder, paths, place }
}

async function seriesIn(paths: string[], options: Partial<SeriesCursorOptions> = {}) {
  const cursor = await openSeriesCursor(paths, {
    window: ALL_TIME,
    memory: 64e6,
    temporaryFolder: '/nowhere',
    ...options,
  })
  try {
    return [...cursor.series()].map(({ series, fields }) => ({
      series: series.toString(),
      fields: fields.map(({ field, sources }) => ({
        field: field.toString(),
        sources: sources.map(
          ({ store, count }) => `${store.path.replace(/.*\/(\d+)\/0*(\d+)-.*/, '$1/$2')}: ${count}`,
        ),
      })),
    }))
  } finally {
    cursor.close()
  }
}

const read = async (paths: string[], options = {}) =>
  (await slowRead(paths, options)).map((point) => point.replace(/"| \(integer\)/g, ''))

test('later files win over earlier ones, the WAL over all, each field by itself', async () => {
  const { paths, place } = await slice()
  writeTsm(place('data/7/000000002-000000001.tsm'), [
    key('m#!~#a', block([1, 12], [2, 22])),
    key('m#!~#c', block([1, 7])),
  ])
  writeTsm(place('data/7/000000001-000000004.tsm'), [
    key('m#!~#a', block([1, 11], [3, 31])),
    key('m#!~#b', block([2, 21])),
  ])
  writeWal(place('wal/7/_00003.wal'), [{ write: { 'm#!~#a': [[3n, 33n]], 'n#!~#a': [[1n, 1n]] } }])
  expect(await read(paths)).toEqual([
    'm a @1 = 12',
    'm a @2 = 22',
    'm a @3 = 33',
    'm b @2 = 21',
    'm c @1 = 7',
    'n a @1 = 1',
  ])
})

test('the shard with the higher id wins, by number', async () => {
  const { paths, place } = await slice()
  writeTsm(place('10/000000001-000000001.tsm'), [key('m#!~#a', block([1, 10]))])
  writeTsm(place('9/000000001-000000001.tsm'), [key('m#!~#a', block([1, 9], [2, 9]))])
  expect(await read(paths)).toEqual(['m a @1 = 10', 'm a @2 = 9'])
})

test('a tombstone deletes from its own file only', async () => {
  const { paths, place } = await slice()
  writeTsm(place('1/000000001-000000001.tsm'), [
    key('m#!~#a', block([1, 1], [2, 2], [3, 3])),
    key('n#!~#a', block([1, 1])),
  ])
  writeTsm(place('1/000000002-000000001.tsm'), [key('m#!~#a', block([2, 22]))])
  writeTombstone(place('1/000000001-000000001.tombstone'), 4, [['m#!~#a', 2n, 3n]], [['n#!~#a', 0n, 9n]])
  expect(await read(paths)).toEqual(['m a @1 = 1', 'm a @2 = 22'])
})

test('series whose keys sort otherwise with the separator behind them come once each', async () => {
  const { paths, place } = await slice()
  const names = ['cpu!', 'cpu', 'cpu,a=b', 'cpu\\ x', 'cpv'].map((name) => `${name}#!~#f`)
  writeTsm(
    place('1/000000001-000000001.tsm'),
    names.toSorted().map((name) => key(name, block([1, 1]))),
  )
  writeTsm(
    place('1/000000002-000000001.tsm'),
    names
      .slice(1, 3)
      .toSorted()
      .map((name) => key(name, block([2, 1]))),
  )
  writeWal(place('1/_1.wal'), [{ write: Object.fromEntries(names.map((name) => [name, [[3n, 1n]]])) }])
  const found = await seriesIn(paths)
  expect(found.map(({ series }) => series)).toEqual(['cpu!', 'cpu', 'cpu,a=b', 'cpu\\ x', 'cpv'])
  expect(found[1]?.fields[0]?.sources.slice(0, 2)).toEqual(['1/1: 1', '1/2: 1'])
})

test('a range of series', async () => {
  const { paths, place } = await slice()
  const names = ['a', 'b', 'c', 'd'].map((name) => `${name}#!~#f`)
  writeTsm(
    place('1/000000001-000000001.tsm'),
    names.map((name) => key(name, block([1, 1]))),
  )
  const of = async (range: { from?: string; until?: string }) =>
    (
      await seriesIn(paths, {
        range: {
          ...(range.from !== undefined && { from: Buffer.from(range.from) }),
          ...(range.until !== undefined && { until: Buffer.from(range.until) }),
        },
      })
    ).map(({ series }) => series)
  expect(await of({ from: 'b#!~#' })).toEqual(['b', 'c', 'd'])
  expect(await of({ until: 'c#!~#' })).toEqual(['a', 'b'])
  expect(await of({ from: 'b', until: 'd' })).toEqual(['b', 'c'])
})

test('series and fields without a block in the window are not given', async () => {
  const { paths, place } = await slice()
  writeTsm(place('1/000000001-000000001.tsm'), [
    key('m#!~#a', block([1, 1]), block([5, 5])),
    key('m#!~#b', block([1, 1])),
    key('n#!~#a', block([1, 1])),
  ])
  expect(await seriesIn(paths, { window: { start: 2n, end: 6n } })).toEqual([
    { series: 'm', fields: [{ field: 'a', sources: ['1/1: 1'] }] },
  ])
})

test('a thousand fields in many files', async () => {
  const { paths, place } = await slice()
  const fields = Array.from({ length: 1000 }, (_, i) => `f${String(i).padStart(4, '0')}`)
  for (let file = 1; file <= 20; file++)
    writeTsm(
      place(`1/${String(file).padStart(9, '0')}-000000001.tsm`),
      fields.filter((_, i) => (i + file) % 3 > 0).map((field) => key(`m#!~#${field}`, block([file, file]))),
    )
  const [series] = await seriesIn(paths, { memory: 1e6 })
  expect(series?.fields.map(({ field }) => field)).toEqual(fields)
  expect(series?.fields[0]?.sources).toHaveLength(14)
})

test('damage is thrown, or with onDamage left out and told', async () => {
  const { paths, place } = await slice()
  writeTsm(place('1/000000001-000000001.tsm'), [key('a#!~#f', block([1, 1])), key('b#!~#f', block([1, 1]))])
  writeTsm(place('1/000000002-000000001.tsm'), [key('a#!~#f', block([2, 2])), key('A#!~#f', block([1, 1]))])
  writeFileSync(place('1/000000003-000000001.tsm'), 'nothing')
  await expect(seriesIn(paths)).rejects.toMatchObject({ code: 'export/tsm-damaged' })
  const damage: Failure[] = []
  expect(await read(paths, { onDamage: (one: Failure) => damage.push(one) })).toEqual([
    'a f @1 = 1',
    'a f @2 = 2',
    'b f @1 = 1',
  ])
  expect(damage.map(({ where }) => where)).toEqual([
    expect.stringContaining('000000003'),
    expect.stringContaining('000000002-000000001.tsm, series A, field f'),
  ])
})

test('a tombstone that came after the listing is a changed source', async () => {
  const { folder, paths, place } = await slice()
  writeTsm(place('1/000000001-000000001.tsm'), [key('a#!~#f', block([1, 1]))])
  writeTombstone(join(folder, '1/000000001-000000001.tombstone'), 4, [['a#!~#f', 1n, 1n]])
  await expect(seriesIn(paths)).rejects.toMatchObject({ code: 'export/source-changed' })
})

test('a TSM file without generation and sequence is refused', async () => {
  const { paths, place } = await slice()
  writeTsm(place('1/copy of 000000001-000000001.tsm'), [key('a#!~#f', block([1, 1]))])
  await expect(seriesIn(paths)).rejects.toMatchObject({ code: 'export/tsm-name' })
})
