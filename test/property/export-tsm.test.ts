/** Files made from a seed through the whole reader: what comes out is what is in them, or a failure, or a dead letter. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Failure } from '../../src/core/failure.ts'
import { parseRfc3339 } from '../../src/core/time.ts'
import { TsmFile } from '../../src/source/tsm/tsm-file.ts'
import { FigureBook } from '../../src/lines/figure-book.ts'
import { randomSlice } from '../rig/random-slice.ts'
import { sameFigures, slowFigures } from '../rig/slow-figures.ts'
import { spooled } from '../rig/spooling.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'
import { exported, pointsOf } from '../rig/tsm-export.ts'
import { slowRead } from '../rig/tsm-slow-read.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const RUNS = Number(process.env.RUNS ?? 30)
/** Milliseconds: machines of tests are slow now and then. */
const PATIENCE = 120_000 + RUNS * 1000
vi.setConfig({ testTimeout: PATIENCE })

async function sliceOf(seed: number) {
  const folder = await temporaryFolder()
  rmSync(folder, { recursive: true, force: true })
  return randomSlice(seed, folder)
}

test('is what the obvious reader finds, in any window, with little memory, in any batches', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const { paths, window } = await sliceOf(seed)
      const figures = new FigureBook()
      const all = await exported(paths, { figures })
      expect(pointsOf(all.text)).toEqual(await slowRead(paths))
      expect(sameFigures(figures.result(), slowFigures(all.text))).toBe(true)
      const again = new FigureBook()
      await spooled(all.text.toString('latin1').includes('\\\\') ? '' : all.text, { figures: again })
      if (again.result().length > 0) expect(hashes(again)).toEqual(hashes(figures))
      expect(all.letters).toEqual([])
      const { text, counts } = await exported(paths, { window })
      expect(pointsOf(text)).toEqual(await slowRead(paths, { window }))
      const little = await exported(paths, { window, memory: 2.2e6, batch: { lines: 23, bytes: 2000 } })
      expect(little.text.equals(text)).toBe(true)
      expect({ ...little.counts, batches: 0, gzipBytes: 0 }).toEqual({ ...counts, batches: 0, gzipBytes: 0 })
    }),
    { numRuns: RUNS },
  )
})

const hashes = (book: FigureBook) =>
  book.result().map(({ measurement, field, type, hash }) => [measurement, field, type, hash])

/** What a changed file gives: points, or the code of a failure. */
async function outcomeOf(paths: readonly string[]): Promise<{ points: string[] } | { code: string }> {
  try {
    return { points: pointsOf((await exported(paths)).text) }
  } catch (error) {
    if (error instanceof Failure) return { code: error.code }
    throw error
  }
}

/** Does something to a file, looks, and puts it back. */
async function changed<T>(path: string, bytes: Buffer, look: () => Promise<T>): Promise<T> {
  const before = readFileSync(path)
  writeFileSync(path, bytes)
  try {
    return await look()
  } finally {
    writeFileSync(path, before)
  }
}

/** `@time = value` of everything in TSM files, deleted or not, and in the WAL. */
async function storedValues(paths: readonly string[]): Promise<Set<string>> {
  const folder = await temporaryFolder()
  const values: string[] = []
  for (const path of paths.filter((one) => /\.(tsm|wal)$/.test(one))) {
    // Without its tombstone beside it.
    const copy = join(folder, basename(path))
    copyFileSync(path, copy)
    values.push(...(await slowRead([copy])).map(withoutName))
  }
  return new Set(values)
}

const withoutName = (point: string) => point.replace(/^.* @(?=-?\d+ = )/s, '@')

const placeIn = (path: string) => {
  if (!path.endsWith('.tsm')) return { bytes: readFileSync(path), indexStart: 0 }
  const file = TsmFile.open(path)
  const { indexStart } = file
  file.close()
  return { bytes: readFileSync(path), indexStart }
}

describe('damage', () => {
  const flips = fc.record({
    seed: seeds,
    file: fc.nat(),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    mask: fc.integer({ min: 1, max: 255 }),
  })

  test('a byte changed in a block is always told, with file, series, field, block and times', async () => {
    await fc.assert(
      fc.asyncProperty(flips, async ({ seed, file, at, mask }) => {
        const { paths } = await sliceOf(seed)
        const tsm = paths.filter((path) => path.endsWith('.tsm'))
        const path = tsm[file % tsm.length]
        if (path === undefined) return
        const { bytes, indexStart } = placeIn(path)
        const place = 5 + Math.floor(at * (indexStart - 5))
        const broken = Buffer.from(bytes)
        broken[place] = (broken[place] ?? 0) ^ mask
        const truth = await slowRead(paths)
        await changed(path, broken, async () => {
          const failure = await exported(paths).catch((error: unknown) => error)
          expect(failure).toMatchObject({ name: 'Failure', code: 'export/tsm-damaged' })
          const { where = '' } = failure as Failure
          const said = /^(.*), series (.*), field (.*), block \d+, byte \d+, (\S+) to (\S+)$/s.exec(where)
          expect(said?.[1]).toBe(path)
          const [min, max] = [parseRfc3339(said?.[4] ?? ''), parseRfc3339(said?.[5] ?? '')]
          // Skipped: nothing wrong comes out, and nothing is missing but what is listed.
          const { text, counts, letters } = await exported(paths, { skipDamage: true })
          expect(counts.skipped).toBe(1)
          expect(letters[0]).toMatchObject({ by: 'influx-ferry', where, line: '', points: 0 })
          const points = new Set(pointsOf(text))
          const known = new Set(truth)
          expect([...points].filter((point) => !known.has(point))).toEqual([])
          for (const point of truth.filter((one) => !points.has(one))) {
            const [, field = '', time = ''] = / ("(?:[^"\\]|\\.)*") @(-?\d+) = /.exec(point) ?? []
            expect(JSON.parse(field)).toBe(said?.[3])
            expect(BigInt(time) >= (min ?? 0n) && BigInt(time) <= (max ?? 0n)).toBe(true)
          }
        })
      }),
      { numRuns: RUNS },
    )
  })

  test('a byte changed elsewhere: a failure, or values that are in the files', async () => {
    await fc.assert(
      fc.asyncProperty(flips, async ({ seed, file, at, mask }) => {
        const { paths } = await sliceOf(seed)
        const path = paths[file % paths.length] ?? ''
        const { bytes, indexStart } = placeIn(path)
        const place = indexStart + Math.floor(at * (bytes.length - indexStart))
        const broken = Buffer.from(bytes)
        broken[place] = (broken[place] ?? 0) ^ mask
        // The index has no checksum: a letter of a name may be another one. Names are left out here.
        const values = await storedValues(paths)
        const truth = await slowRead(paths)
        await changed(path, broken, async () => {
          const outcome = await outcomeOf(paths)
          if ('code' in outcome) return expect(outcome.code).toMatch(/^export\//)
          // A WAL has no checksum at all.
          if (path.endsWith('.wal')) return
          if (path.endsWith('.tombstone')) return expect(outcome.points).toEqual(truth)
          for (const point of outcome.points) expect(values).toContain(withoutName(point))
        })
      }),
      { numRuns: RUNS * 2 },
    )
  })

  test('a file cut anywhere: a failure, or what a crash may leave', async () => {
    await fc.assert(
      fc.asyncProperty(flips, async ({ seed, file, at }) => {
        const { paths } = await sliceOf(seed)
        const path = paths[file % paths.length] ?? ''
        const { bytes } = placeIn(path)
        const length = Math.floor(at * bytes.length)
        await changed(path, bytes.subarray(0, length), async () => {
          const outcome = await outcomeOf(paths)
          if (path.endsWith('.tsm')) expect(outcome).toEqual({ code: 'export/tsm-damaged' })
          // Cut after a whole delete statement, or inside the last segment, a file is as good as new.
          else if ('code' in outcome) expect(outcome.code).toMatch(/^export\/(wal|tombstone)-damaged$/)
          else expect(outcome.points).toEqual(await slowRead(paths))
        })
      }),
      { numRuns: RUNS },
    )
  })
})
