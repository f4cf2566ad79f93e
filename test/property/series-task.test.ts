import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BlockStore } from '../../src/source/tsm/block-store.ts'
import { BlockTable } from '../../src/source/tsm/block-table.ts'
import { PAGE_BYTES, openShared } from '../../src/source/tsm/shared-store.ts'
import { seriesOf, TaskPacker, type TaskSeries } from '../../src/source/tsm/series-task.ts'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array))

function storeOf(text: string): BlockStore {
  const page = new SharedArrayBuffer(PAGE_BYTES)
  new Uint8Array(page).set(Buffer.from(text))
  return openShared({ path: text, pages: [page] })
}
const stores = ['one', 'two', 'three'].map(storeOf)

const blocks = fc
  .array(fc.tuple(int64, int64, fc.nat(2 ** 48), fc.nat(2 ** 31)), { maxLength: 200 })
  .map((rows) => {
    const table = new BlockTable()
    rows.forEach(([first, last, offset, size], number) => {
      table.push(0, 0, 0, 0, offset, size, number)
      table.times[2 * number] = first
      table.times[2 * number + 1] = last
    })
    return table
  })

const source = fc.record({
  store: fc.constantFrom(...stores),
  encoding: fc.constantFrom('tsm' as const, 'wal' as const),
  type: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, 4 as const),
  cast: fc.constantFrom(
    undefined,
    'float' as const,
    'boolean' as const,
    'nothing' as const,
    'as-it-is' as const,
  ),
  part: fc.nat(2 ** 26),
  first: fc.nat(2 ** 31),
  count: fc.nat(2 ** 31),
  deleted: fc.array(int64, { maxLength: 6 }).map((times) => BigInt64Array.from(times)),
})
const series: fc.Arbitrary<TaskSeries> = fc.record({
  series: fc.record({
    key: bytes,
    series: bytes,
    columns: fc.array(
      fc.record({
        key: bytes,
        fields: fc
          .tuple(bytes, bytes)
          .map(([one, two]): [Buffer, ...Buffer[]] => (two.length > 9 ? [one, two] : [one])),
        sources: fc.array(source, { maxLength: 3 }),
      }),
      { maxLength: 5 },
    ),
    blocks,
  }),
  use: fc.constantFrom('sent' as const, 'dropped' as const, 'transformed' as const),
  refused: fc.constantFrom(undefined, 'v3 has no way to write "ü"'),
})

/** All that a thread is told, as one value; a store as its path and what it reads from it. */
function plain({ series: { key, series: stored, columns, blocks: table }, use, refused }: TaskSeries) {
  const rows = Array.from({ length: table.length }, (_, row) => [
    ...[table.minTime(row), table.maxTime(row), table.offsets[row], table.sizes[row], table.numbers[row]],
  ])
  return {
    ...{ key: Buffer.from(key), stored: Buffer.from(stored), use, refused, rows },
    columns: columns.map((column) => ({
      ...{ key: Buffer.from(column.key), fields: column.fields.map((field) => Buffer.from(field)) },
      sources: column.sources.map(({ store, ...rest }) => {
        const start = new Uint8Array(3)
        store.read(start, 0)
        return { ...rest, path: store.path, start }
      }),
    })),
  }
}

test('a thread reads what was packed', () => {
  const packer = new TaskPacker()
  fc.assert(
    fc.property(fc.array(series, { maxLength: 5 }), (packed) => {
      for (const one of packed) packer.add(one)
      const task = structuredClone(packer.take())
      const unpacked = []
      for (const one of seriesOf(task)) unpacked.push(plain(one))
      expect(unpacked).toEqual(packed.map(plain))
      expect(packer.size).toBe(0)
    }),
  )
})
