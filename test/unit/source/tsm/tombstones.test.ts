import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_TIME } from '../../../../src/core/time.ts'
import { readTombstones } from '../../../../src/source/tsm/tombstones.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { MAX_INT64, MIN_INT64, writeTombstone, type Deleted } from '../../../rig/tsm-files.ts'

const path = async () => join(await temporaryFolder(), '000000001-000000001.tombstone')
const budget = () => ({ left: 1e6, total: 1e6 })
const read = (file: string, window = ALL_TIME) => readTombstones(file, { window, budget: budget() })

async function rangesIn(file: string, keys: string[], window = ALL_TIME) {
  const tombstones = await read(file, window)
  return Object.fromEntries(keys.map((key) => [key, [...tombstones.rangesOf(Buffer.from(key))]]))
}

const ENTRIES: Deleted[] = [
  ['b#!~#f', 1n, 5n],
  ['a#!~#f', MIN_INT64, MAX_INT64],
  ['b#!~#f', 6n, 9n],
  ['b#!~#f', -3n, -1n],
  ['c#!~#g', 3n, 2n],
]

test.each([2, 3, 4] as const)('version %i: ranges by key, joined where they meet', async (version) => {
  const file = await path()
  writeTombstone(file, version, ENTRIES.slice(0, 2), ENTRIES.slice(2))
  expect(await rangesIn(file, ['a#!~#f', 'aa#!~#f', 'b#!~#f', 'c#!~#g', 'd#!~#g'])).toEqual({
    'a#!~#f': [MIN_INT64, MAX_INT64],
    'aa#!~#f': [],
    'b#!~#f': [-3n, -1n, 1n, 9n],
    'c#!~#g': [],
    'd#!~#g': [],
  })
})

test('version 1: whole keys, a line each', async () => {
  const file = await path()
  writeFileSync(file, 'b#!~#f\r\n\na,t=x\\ y#!~#f')
  expect(await rangesIn(file, ['a,t=x\\ y#!~#f', 'b#!~#f'])).toEqual({
    'a,t=x\\ y#!~#f': [MIN_INT64, MAX_INT64],
    'b#!~#f': [MIN_INT64, MAX_INT64],
  })
})

test('an empty file deletes nothing; nor does a header alone', async () => {
  const file = await path()
  writeFileSync(file, '')
  expect((await read(file)).size).toBe(0)
  writeFileSync(file, Buffer.from('00001504', 'hex'))
  expect((await read(file)).size).toBe(0)
})

test('deletes outside of the window are not kept', async () => {
  const file = await path()
  writeTombstone(file, 4, ENTRIES)
  expect((await read(file, { start: 9n, end: 10n })).size).toBe(2)
  expect((await read(file, { start: 10n, end: 11n })).size).toBe(1)
})

test('many entries, in members larger than a piece', async () => {
  const file = await path()
  const entries = Array.from({ length: 20_000 }, (_, i): Deleted => [
    `m,t=${(i * 7919) % 20_000}#!~#f`,
    BigInt(i),
    BigInt(i),
  ])
  writeTombstone(file, 4, entries.slice(0, 15_000), entries.slice(15_000))
  const tombstones = await readTombstones(file, { window: ALL_TIME, budget: { left: 1e8, total: 1e8 } })
  expect(tombstones.size).toBe(20_000)
  for (const [key, min] of entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    expect([...tombstones.rangesOf(Buffer.from(key))]).toEqual([min, min])
})

test('more than the budget is refused, with what to do', async () => {
  const file = await path()
  writeTombstone(
    file,
    4,
    Array.from({ length: 1000 }, (_, i): Deleted => [`m,t=${i}#!~#f`, 0n, 1n]),
  )
  const refused = readTombstones(file, { window: ALL_TIME, budget: { left: 50_000, total: 50_000 } })
  await expect(refused).rejects.toMatchObject({
    code: 'export/tombstones-too-large',
    message: expect.stringContaining('50 kB') as string,
    remedy: expect.stringContaining('memory') as string,
  })
})

describe('damage', () => {
  test.each([2, 3, 4] as const)(
    'version %i cut anywhere is damage or still whole members',
    async (version) => {
      const file = await path()
      const bytes = writeTombstone(file, version, ENTRIES.slice(0, 2), ENTRIES.slice(2))
      let damaged = 0
      for (let length = 5; length < bytes.length; length++) {
        writeFileSync(file, bytes.subarray(0, length))
        const outcome = await read(file).then(
          ({ size }) => size,
          (error: { code: string }) => error.code,
        )
        if (outcome === 'export/tombstone-damaged') damaged += 1
        // Cut between two entries or members: no more can be known.
        else expect(outcome).toBeTypeOf('number')
      }
      expect(damaged).toBeGreaterThanOrEqual(bytes.length - 5 - (version === 3 ? 0 : version === 4 ? 1 : 4))
    },
  )

  test.each([3, 4] as const)('version %i: a flipped byte is never read over', async (version) => {
    const file = await path()
    const bytes = writeTombstone(file, version, ENTRIES.slice(0, 2), ENTRIES.slice(2))
    const sound = await rangesIn(file, ['a#!~#f', 'b#!~#f'])
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ 0x10
      writeFileSync(file, flipped)
      const outcome = await rangesIn(file, ['a#!~#f', 'b#!~#f']).catch(
        (error: { code: string }) => error.code,
      )
      // Some bytes of a gzip header (time, system) mean nothing.
      if (outcome !== 'export/tombstone-damaged') expect(outcome, `byte ${at}`).toEqual(sound)
    }
  })

  test('other bytes behind the last member', async () => {
    const file = await path()
    writeTombstone(file, 4, ENTRIES)
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('garbage')]))
    await expect(read(file)).rejects.toMatchObject({ code: 'export/tombstone-damaged' })
  })

  test('an unknown version', async () => {
    const file = await path()
    writeFileSync(file, Buffer.from('0000150501020304', 'hex'))
    await expect(read(file)).rejects.toMatchObject({
      code: 'export/tombstone-damaged',
      message: expect.stringContaining('version 5') as string,
    })
  })

  test('a file that is gone', async () => {
    await expect(read('/nowhere/x.tombstone')).rejects.toMatchObject({ code: 'export/source-changed' })
  })
})
