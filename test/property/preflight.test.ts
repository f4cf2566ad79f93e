/** Whatever names and types meet in one database: with all that is suggested, nothing is left to be resolved. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checked, noted, resolved, type Wish } from '../rig/preflight-rig.ts'

const name = fc.constantFrom('a', 'b', 'a_str', 'a_field', 'time', 'x\ty', 'x_y', '_z', 'b_2')
const key = fc.constantFrom('a', 'b', 'time', 'x\ty', 'k')
const value = fc.constantFrom('1', '2i', '3u', '"s"', 'true')
const tags = fc.dictionary(key, fc.constantFrom('v', 'w', 'a\tb'), { maxKeys: 2 })
const fields = fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 })
const measurement = fc.constantFrom('m', 'm_2', 'x\ty', 'x_y')
const type = fc.constantFrom('float', 'integer', 'string', 'boolean')

const pairs = (record: Record<string, string>) =>
  Object.entries(record).map(([key, value]) => `${key}=${value}`)

const line = fc
  .record({ measurement, tags, fields, time: fc.integer({ min: 0, max: 9 }) })
  .map(({ measurement, tags, fields, time }) => {
    const head = [measurement, ...pairs(tags)].join(',')
    return `${head} ${pairs(fields).join(',')} ${time}`
  })

const existing = fc.dictionary(
  fc.constantFrom('m', 'x_y'),
  fc
    .record({
      tags: fc.subarray(['a', 'k']),
      fields: fc.dictionary(fc.constantFrom('b', 'a_str', 'a_field'), type),
    })
    .map(({ tags, fields }) => ({ tags, fields })),
)

const wide = fc
  .tuple(fc.integer({ min: 1, max: 1200 }), fc.constantFrom('f', 'cpu_', 'a.b.'))
  .map(([count, prefix]) => `m ${Array.from({ length: count }, (_, i) => `${prefix}${i}=1`).join(',')} 1`)

test('the suggestions are enough', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 12 }),
      fc.option(wide, { nil: undefined }),
      existing,
      async (lines, wideLine, tables) => {
        const all = wideLine === undefined ? lines : [...lines, wideLine]
        const isThere = Object.keys(tables).length > 0
        const given = { existing: tables, ...(isThere && { found: {}, update: true }) } as Wish
        const first = await checked(all, given)
        const again = await checked(all, resolved(given, first))
        expect(noted(again).filter((finding) => finding.startsWith('error'))).toEqual([])
      },
    ),
    { numRuns: 200 },
  )
})
