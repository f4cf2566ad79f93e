/** Random series, values and rules: what the line path and the TSM path make of them is what the obvious way makes of them. */
import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Transform } from '../../src/manifest/migration.ts'
import { compileTransforms } from '../../src/lines/transform/series-transform.ts'
import type { ExportCounts } from '../../src/lines/accounting.ts'
import { FigureBook } from '../../src/lines/figure-book.ts'
import { renderLine, type MeantPoint } from '../rig/point-oracle.ts'
import { Random } from '../rig/random-columns.ts'
import { randomRules, type Names } from '../rig/random-rules.ts'
import { randomSlice } from '../rig/random-slice.ts'
import { sameFigures, slowFigures } from '../rig/slow-figures.ts'
import { spooled } from '../rig/spooling.ts'
import { transformed, type Transformed } from '../rig/transform-oracle.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'
import { exported, pointsOf } from '../rig/tsm-export.ts'
import { parseV3 } from '../rig/v3-line-protocol.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const RUNS = Number(process.env.RUNS ?? 200)
vi.setConfig({ testTimeout: 120_000 + RUNS * 1000 })

const NAMES: Names = {
  measurements: ['m', 'm!', 'm 2', 'größe', 'a,b'],
  tags: ['a', 'b', 'a=b', 'é'],
  texts: ['', 'x', 'y', 'x,y', '12', 'ü "'],
  fields: ['f', 'f g', 'f!', 'g', 'a', 'é'],
}
const VALUES: [raw: string, meant: string][] = [
  ['1.5', 'f64:1.5'],
  ['1e21', 'f64:1e+21'],
  ['-0', 'f64:-0'],
  ['2', 'f64:2'],
  ['1', 'f64:1'],
  ['9223372036854775808', 'f64:9223372036854776000'],
  ['0i', 'i64:0'],
  ['12i', 'i64:12'],
  ['-9223372036854775808i', 'i64:-9223372036854775808'],
  ['9007199254740993i', 'i64:9007199254740993'],
  ['18446744073709551615u', 'u64:18446744073709551615'],
  ['1u', 'u64:1'],
  ['true', 'bool:true'],
  ['f', 'bool:false'],
  ['""', 'string:'],
  ['" 12 "', 'string: 12 '],
  ['"-7i"', 'string:-7i'],
  ['"+1.5e3"', 'string:+1.5e3'],
  ['".5"', 'string:.5'],
  ['"1e999"', 'string:1e999'],
  ['"T"', 'string:T'],
  ['"a \\"q\\" \\\\"', 'string:a "q" \\'],
  ['"two\nlines"', 'string:two\nlines'],
]

function randomPoints(random: Random): MeantPoint[] {
  const series = Array.from({ length: 1 + random.below(5) }, () => ({
    measurement: random.pick(NAMES.measurements),
    tags: NAMES.tags
      .filter(() => random.chance(0.5))
      .map((key): [string, string] => [key, random.pick(NAMES.texts)]),
  }))
  return Array.from({ length: random.below(60) }, () => {
    const [raw, value] = random.pick(VALUES)
    const time =
      random.pick([1n, 1000n, 1_000_000n, 1_000_000_000n, 60_000_000_000n]) * BigInt(random.below(9) - 4)
    return { ...random.pick(series), field: random.pick(NAMES.fields), raw, value, time }
  })
}

/** A value that was replaced and then deleted counts as the one or the other, by how much of a WAL is read at a time. */
const replacedOrDeleted = ({ overwritten, deleted }: ExportCounts) => overwritten + deleted

function expectSums(counts: ExportCounts, expected: Transformed, before: ExportCounts): void {
  const { dropped, added, refusedPoints, overwritten, points, pointsRead, deleted, filtered } = counts
  const lost = replacedOrDeleted(counts) - replacedOrDeleted(before)
  expect({ dropped, added, refusedPoints, lost, points }).toEqual({
    dropped: expected.dropped,
    added: expected.added,
    refusedPoints: expected.refused,
    lost: expected.overwritten,
    points: expected.points.length,
  })
  expect(pointsRead + (added ?? 0)).toBe(
    points + overwritten + deleted + filtered + refusedPoints + (dropped ?? 0),
  )
}

const transformOf = (rules: readonly Transform[]) => compileTransforms(rules) ?? (() => [])

test('lines', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const random = new Random(seed)
      const source = randomPoints(random)
        .map((point) => renderLine([point]))
        .join('')
      const rules = randomRules(random, NAMES)
      const before = await spooled(source)
      const expected = transformed(parseV3(before.text), rules)
      for (const memory of [1, 1 << 20]) {
        const { text, counts, letters } = await spooled(source, { transform: transformOf(rules), memory })
        expect(pointsOf(text)).toEqual(expected.points)
        expectSums(counts, expected, before.counts)
        expect(letters.reduce((sum, { points }) => sum + points, 0)).toBe(expected.refused)
      }
    }),
    { numRuns: RUNS },
  )
})

const SLICE: Names = {
  measurements: ['cpu', 'cpu!', 'größe', 'two words'],
  tags: ['host', 'x y', 't', 'new'],
  texts: ['', 'a', 'b', 'a,b'],
  fields: ['f0', 'f1', 'a=b', 'x y', 'f"'],
}

/** Of figures: they do not depend on the way. */
function hashesOf(figures: FigureBook): string[] {
  return figures
    .result()
    .map(({ measurement, field, type, hash }) => `${measurement} ${field} ${type} ${hash}`)
    .sort()
}

/** But for backslashes in names, ready rows are lines of 1.x. */
async function hashesOfLines(text: Buffer): Promise<string[]> {
  const figures = new FigureBook()
  await spooled(text, { figures })
  return hashesOf(figures)
}

const FAST = [
  'drop',
  'keepSeries',
  'dropSeries',
  'keepFields',
  'dropFields',
  'cast',
  'splitByType',
  'renameFields',
] as const

test.each([
  ['any rules', undefined],
  ['rules that change names and types', FAST],
])('TSM files and WAL: %s', async (_, only) => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const folder = await temporaryFolder()
      rmSync(folder, { recursive: true, force: true })
      const { paths } = randomSlice(seed, folder)
      const rules = randomRules(new Random(seed), SLICE, only)
      const before = await exported(paths)
      const expected = transformed(parseV3(before.text), rules)
      for (const memory of [2.2e6, 64e6]) {
        const figures = new FigureBook()
        const { text, counts, letters } = await exported(paths, { transforms: rules, memory, figures })
        expect(pointsOf(text)).toEqual(expected.points)
        expectSums(counts, expected, before.counts)
        expect(sameFigures(figures.result(), slowFigures(text))).toBe(true)
        if (!text.includes('nas')) expect(hashesOf(figures)).toEqual(await hashesOfLines(text))
        expect(letters.reduce((sum, { points }) => sum + points, 0)).toBe(expected.refused)
      }
    }),
    { numRuns: RUNS },
  )
})
