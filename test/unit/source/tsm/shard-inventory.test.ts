import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inventoryOf } from '../../../../src/source/tsm/shard-inventory.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { slowRead } from '../../../rig/tsm-slow-read.ts'
import { integerBlock, writeTombstone, writeTsm } from '../../../rig/tsm-files.ts'

const SAMPLE = join(import.meta.dirname, '../../../../examples/demo/data')
const block = (...times: number[]) => integerBlock(times.map((time) => [BigInt(time), 1n] as const))
const inventory = (paths: string[]) =>
  inventoryOf(paths, { memory: 64e6, temporaryFolder: '/nowhere', signal: new AbortController().signal })

test('series, fields with their types, times, points, overlaps and deletes', async () => {
  const folder = await temporaryFolder()
  const [first, second] = ['1-1.tsm', '2-1.tsm'].map((name) => join(folder, name)) as [string, string]
  writeTsm(first, [
    { key: 'a\\,b,t=1#!~#f', type: 1, blocks: [block(1, 2), block(5, 6, 9)] },
    { key: 'cpu,t=1#!~#f', type: 1, blocks: [block(1, 2)] },
    { key: 'cpu,t=2#!~#f', type: 1, blocks: [block(3)] },
    { key: 'gone#!~#f', type: 1, blocks: [block(1, 2)] },
  ])
  writeTsm(second, [
    { key: 'a\\,b,t=1#!~#f', type: 1, blocks: [block(3, 4)] },
    { key: 'cpu,t=1#!~#f', type: 0, blocks: [block(2, 20)] },
    { key: 'cpu,t=3#!~#g h', type: 3, blocks: [block(-4)] },
  ])
  const tombstone = first.replace('.tsm', '.tombstone')
  writeTombstone(tombstone, 4, [
    ['a\\,b,t=1#!~#f', 6n, 6n],
    ['gone#!~#f', 0n, 9n],
  ])
  const found = await inventory([first, second, tombstone])
  expect(found).toMatchObject({
    series: 4,
    overlaps: 1,
    measurements: [
      {
        name: 'a,b',
        series: 1,
        fields: [{ name: 'f', types: ['integer'] }],
        blocks: 3,
        points: 7,
        exact: true,
        first: 1n,
        last: 9n,
      },
      {
        name: 'cpu',
        series: 3,
        fields: [
          { name: 'f', types: ['float', 'integer'] },
          { name: 'g h', types: ['string'] },
        ],
        points: 6,
        first: -4n,
        last: 20n,
      },
    ],
    files: [
      { path: first, keys: 4, partlyDeleted: 1, deleted: 1, blocks: 5, first: 1n, last: 9n },
      { path: second, keys: 3, partlyDeleted: 0, deleted: 0, blocks: 3, first: -4n, last: 20n },
    ],
  })
})

test("the shipped sample, that a real influxd wrote: points packed in each of the times' encodings", async () => {
  const paths = ['1/000000001-000000001.tsm', '1/000000002-000000001.tsm'].map((name) =>
    join(SAMPLE, 'plant/autogen', name),
  )
  const found = await inventory(paths)
  const points = await Promise.all(paths.map(async (path) => (await slowRead([path])).length))
  expect(found.measurements.every(({ exact }) => exact)).toBe(true)
  expect(found.measurements.reduce((sum, one) => sum + one.points, 0)).toBe(points.reduce((a, b) => a + b))
  expect(found.files.map(({ path }) => path)).toEqual(paths)
})

test('stops when asked to', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, '1-1.tsm')
  const keys = Array.from({ length: 2500 }, (_, i) => ({
    key: `m,t=${String(i).padStart(5, '0')}#!~#f`,
    type: 1,
    blocks: [block(i)],
  }))
  writeTsm(path, keys)
  const controller = new AbortController()
  const seen: number[] = []
  const inventory = inventoryOf([path], {
    memory: 64e6,
    temporaryFolder: '/nowhere',
    signal: controller.signal,
    onProgress: (done, total) => {
      seen.push(done / total)
      controller.abort()
    },
  })
  await expect(inventory).rejects.toThrow(/abort/)
  expect(seen).toHaveLength(1)
})
