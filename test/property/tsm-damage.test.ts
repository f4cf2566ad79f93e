/** Files of a real influxd with bytes changed and ends cut: a Failure or the truth, never a hang, a crash, a wrong number. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { Failure } from '../../src/core/failure.ts'
import { ALL_TIME } from '../../src/core/time.ts'
import { TsmFile } from '../../src/source/tsm/tsm-file.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'
import { slowRead } from '../rig/tsm-slow-read.ts'
import { openSeriesCursor } from '../../src/source/tsm/series-cursor.ts'

const SAMPLE = join(import.meta.dirname, '../../examples/demo')
const TSM = join(SAMPLE, 'data/plant/autogen/1/000000001-000000001.tsm')
const WAL = join(SAMPLE, 'wal/plant/autogen/1/_00004.wal')

let tsm: Buffer
let wal: Buffer
let indexStart: number
beforeAll(() => {
  tsm = readFileSync(TSM)
  wal = readFileSync(WAL)
  const file = TsmFile.open(TSM)
  indexStart = file.indexStart
  file.close()
})

/** Everything that the file layer can say about a slice of one file, or the code of its failure. */
async function said(path: string): Promise<{ code: string } | { blocks: string[] }> {
  try {
    const cursor = await openSeriesCursor([path], {
      window: ALL_TIME,
      memory: 8e6,
      temporaryFolder: '/nowhere',
    })
    try {
      const found: string[] = []
      for (const { series, fields, blocks } of cursor.series())
        for (const { field, sources } of fields)
          for (const { first, count, store } of sources)
            for (let row = first; row < first + count; row++) {
              const bytes = Buffer.alloc(blocks.sizes[row] ?? 0)
              store.read(bytes, blocks.offsets[row] ?? 0)
              found.push(
                `${series.toString('hex')} ${field.toString('hex')} ${blocks.minTime(row)} ${bytes.length}`,
              )
            }
      return { blocks: found }
    } finally {
      cursor.close()
    }
  } catch (error) {
    if (error instanceof Failure) return { code: error.code }
    throw error
  }
}

async function fileFor(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), '1')
  mkdirSync(folder)
  return join(folder, name)
}

describe('TSM', () => {
  test('cut anywhere: damage', async () => {
    const path = await fileFor('000000001-000000001.tsm')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: tsm.length - 1 }), async (length) => {
        writeFileSync(path, tsm.subarray(0, length))
        expect(await said(path)).toEqual({ code: 'export/tsm-damaged' })
      }),
      { numRuns: 300 },
    )
  })

  test('a byte of header, index or footer changed: damage, or as many blocks', async () => {
    const path = await fileFor('000000001-000000001.tsm')
    writeFileSync(path, tsm)
    const sound = (await said(path)) as { blocks: string[] }
    expect(sound.blocks.length).toBeGreaterThan(10)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: indexStart, max: tsm.length - 1 })),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Buffer.from(tsm)
          changed[at] = (changed[at] ?? 0) ^ mask
          writeFileSync(path, changed)
          const outcome = await said(path)
          // The index has no checksum: a letter of a name, a time, or a block's place may be another one that could be.
          if ('code' in outcome) expect(outcome.code).toBe('export/tsm-damaged')
          else expect(outcome.blocks).toHaveLength(sound.blocks.length)
        },
      ),
      // The first: a key's length, which made it swallow the key behind it.
      { numRuns: 1000, examples: [[91_443, 67]] },
    )
  })

  test('a byte within blocks changed: the decoder notices', async () => {
    const path = await fileFor('000000001-000000001.tsm')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: indexStart - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Buffer.from(tsm)
          changed[at] = (changed[at] ?? 0) ^ mask
          writeFileSync(path, changed)
          await expect(slowRead([path])).rejects.toThrow(/CRC/)
        },
      ),
      { numRuns: 10 },
    )
  })
})

describe('WAL', () => {
  test('cut anywhere: what comes before the cut entry', async () => {
    const path = await fileFor('_00001.wal')
    cpSync(WAL, path)
    const all = new Set(await slowRead([path]))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: wal.length - 1 }), async (length) => {
        writeFileSync(path, wal.subarray(0, length))
        const points = await slowRead([path])
        expect(points.length).toBeLessThan(all.size)
        expect(points.every((point) => all.has(point))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('a byte changed: damage, or no more points than there were', async () => {
    const path = await fileFor('_00001.wal')
    cpSync(WAL, path)
    const sound = (await slowRead([path])).length
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: wal.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Buffer.from(wal)
          changed[at] = (changed[at] ?? 0) ^ mask
          writeFileSync(path, changed)
          const outcome = await slowRead([path]).catch((error: unknown) => error)
          // A WAL has no checksum at all: a digit changed in place cannot be noticed.
          if (Array.isArray(outcome)) expect(outcome.length).toBeLessThanOrEqual(sound)
          else
            expect(outcome).toMatchObject({
              name: 'Failure',
              code: expect.stringMatching(/^export\/wal-/) as string,
            })
        },
      ),
      { numRuns: 300 },
    )
  })
})
