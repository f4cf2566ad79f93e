import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { END_OF_TIME, MIN_TIME } from '../../src/core/time.ts'
import { expectedOf, renderLine, rowKey } from '../rig/point-oracle.ts'
import type { MeantPoint } from '../rig/point-oracle.ts'
import { chunked, spooled } from '../rig/spooling.ts'
import { parseV3 } from '../rig/v3-line-protocol.ts'

const char = fc.constantFrom(
  'a',
  'b',
  'Z',
  '0',
  ',',
  '=',
  ' ',
  '"',
  '\\',
  'é',
  '😀',
  '#',
  '\t',
  '\r',
  '/',
  '_',
)
const name = fc
  .tuple(fc.constantFrom('a', 'b', 'é', 'q"', 'x,', 'y='), fc.array(char, { maxLength: 4 }))
  .map(([first, rest]) => first + rest.join(''))
  .filter((text) => !text.endsWith('\\')) // in 1.x, too, it would escape what follows
const fieldName = fc.oneof(fc.constantFrom('f1', 'f2', 'f3', 'time'), name)
const tags = fc
  .uniqueArray(
    fc.tuple(fc.oneof({ weight: 9, arbitrary: name }, fc.constant('time')), fc.oneof(fc.constant(''), name)),
    {
      selector: ([key]) => key,
      maxLength: 3,
    },
  )
  // influx_inspect gives them sorted, files may not
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }))
const text = fc
  .array(fc.constantFrom('a', 'é', '"', '\\', '\n', ',', '=', ' ', '\t', '\r', 'long'.repeat(20)), {
    maxLength: 12,
  })
  .map((chars) => chars.join(''))
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => ({ raw: String(n), value: `f64:${n + 0}` })),
  fc
    .constantFrom('1.', '.5', '-.5', '1.e3', '1E5', '007', '-0')
    .map((raw) => ({ raw, value: `f64:${Object.is(Number(raw), -0) ? '-0' : Number(raw)}` })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => ({ raw: `${n}i`, value: `i64:${n}` })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => ({ raw: `${n}u`, value: `u64:${n}` })),
  fc.constantFrom('t', 'T', 'true', 'True', 'TRUE').map((raw) => ({ raw, value: 'bool:true' })),
  fc.constantFrom('f', 'F', 'false', 'False', 'FALSE').map((raw) => ({ raw, value: 'bool:false' })),
  text.map((t) => ({ raw: `"${t.replace(/["\\]/g, '\\$&')}"`, value: `string:${t}` })),
  fc.constantFrom('NaN', '+Inf', '-Inf').map((raw) => ({ raw, value: 'refused' })),
)
const time = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: -3n, max: 12n }) },
  {
    weight: 2,
    arbitrary: fc.bigInt({ min: 0n, max: 5n }).map((n) => 1_600_000_000_000_000_000n + n * 1_000_000_000n),
  },
  fc.bigInt({ min: MIN_TIME, max: END_OF_TIME - 1n }),
  fc.constantFrom(MIN_TIME, END_OF_TIME - 1n, -1_000_000_000n, 999_999_999n, 1_000_000_000n),
)

/** Groups of points that share series and time; a group is a line, or a line each. */
const lines = fc
  .tuple(
    fc.array(fc.tuple(name, tags), { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), time, fc.array(fc.tuple(fieldName, value), { minLength: 1, maxLength: 4 })), {
      maxLength: 60,
    }),
  )
  .map(([series, groups]): MeantPoint[][] =>
    groups.map(([which, at, fields]) => {
      const [measurement, tagSet] = series[which % series.length] as (typeof series)[number]
      return fields.map(([field, v]) => ({ measurement, tags: tagSet, field, ...v, time: at }))
    }),
  )

describe('spoolSlice against a map of maps', () => {
  const input = fc.record({
    lines,
    oneEach: fc.boolean(),
    noise: fc.constantFrom('', '\n', '# CONTEXT-DATABASE:x\n', '  \n', 'CREATE DATABASE "x y" WITH NAME z\n'),
    cutEnd: fc.boolean(),
    cuts: fc.array(fc.nat(4000), { maxLength: 20 }),
    memory: fc.constantFrom(1, 6000, 20_000, 1 << 22),
    batch: fc.record({ lines: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 800 }) }),
    window: fc.constantFrom(
      { start: MIN_TIME, end: END_OF_TIME },
      { start: 0n, end: 8n },
      { start: MIN_TIME, end: 1_600_000_003_000_000_000n },
      { start: -1n, end: END_OF_TIME - 1n },
    ),
  })

  test('rows, order, sums, limits; and the same bytes whatever the memory', async () => {
    await fc.assert(
      fc.asyncProperty(input, async (given) => {
        const groups = given.oneEach ? given.lines.flat().map((point) => [point]) : given.lines
        let source = groups.map((group) => given.noise + renderLine(group)).join('')
        if (given.cutEnd) source = source.replace(/\n$/, '')
        const { batch, window, memory } = given
        const got = await spooled(chunked(Buffer.from(source), given.cuts), { batch, window, memory })

        const want = expectedOf(groups.flat(), window)
        const rows = parseV3(got.text)
        const found = new Map(rows.map((r) => [rowKey(r.measurement, r.tags, r.time), new Map(r.fields)]))
        expect(found).toEqual(want.rows)
        expect(rows.length).toBe(want.rows.size)
        const { points, overwritten, filtered, refusedPoints, pointsRead } = got.counts
        expect({ overwritten, filtered, refusedPoints }).toEqual({
          overwritten: want.overwritten,
          filtered: want.filtered,
          refusedPoints: want.refused,
        })
        expect(pointsRead).toBe(groups.flat().length)
        expect(points).toBe([...want.rows.values()].reduce((sum, row) => sum + row.size, 0))
        expect(got.letters.reduce((sum, letter) => sum + letter.points, 0)).toBe(want.refused)

        // Order: series key bytes, time, field bytes; tags by their decoded keys.
        const bytes = (s: string) => Buffer.from(s)
        for (const [i, row] of rows.entries()) {
          const tagKeys = row.tags.map(([key]) => key)
          expect(tagKeys).toEqual([...tagKeys].sort((a, b) => Buffer.compare(bytes(a), bytes(b))))
          const before = rows[i - 1]
          if (before === undefined) continue
          const bySeries = Buffer.compare(bytes(seriesOf(before.text)), bytes(seriesOf(row.text)))
          expect(bySeries < 0 || (bySeries === 0 && before.time < row.time)).toBe(true)
        }

        // Each member is a batch within the limits, cut as late as it can be.
        for (const [i, member] of got.members.entries()) {
          const entry = got.index.batches[i]
          const inside = parseV3(member)
          expect(entry).toMatchObject({ rawBytes: member.length, lines: inside.length })
          expect(entry?.points).toBe(inside.reduce((sum, row) => sum + row.fields.length, 0))
          expect(inside.length).toBeLessThanOrEqual(batch.lines)
          if (inside.length > 1) expect(member.length).toBeLessThanOrEqual(batch.bytes)
          const following = got.members[i + 1]
          const next = following && parseV3(following)[0]
          if (next && inside.length < batch.lines) {
            expect(member.length + bytes(next.text).length + 1).toBeGreaterThan(batch.bytes)
          }
        }

        const again = await spooled(source, { batch, window, memory: memory === 1 << 22 ? 1 : 1 << 22 })
        expect(again.file.equals(got.file)).toBe(true)
        expect(again.counts).toEqual(got.counts)
      }),
      { numRuns: 100 },
    )
  })
})

/** Up to the first space that no backslash (itself not escaped) stands before. */
function seriesOf(text: string): string {
  return /^(?:[^\\ ]|\\[^])*/.exec(text)?.[0] ?? ''
}
