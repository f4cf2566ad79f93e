import { expect, test } from 'vitest'
import { parseRfc3339 } from '../../../src/core/time.ts'
import type { Transform } from '../../../src/manifest/migration.ts'
import { normalizeTransform } from '../../../src/manifest/normalize-transform.ts'
import { checked, noted, type Wish } from '../../rig/preflight-rig.ts'

const DAY = 86_400_000_000_000n
const NOW = parseRfc3339('2024-03-31T12:30:00Z') ?? 0n
const findings = async (lines: string[], given: Wish = {}) =>
  noted(await checked(lines, { now: NOW, ...given }))
const tables = (count: number) => Array.from({ length: count }, (_, i) => `m${i} f=1 1`)
const rules = (...list: Parameters<typeof normalizeTransform>[0][]): { transforms: Transform[] } => ({
  transforms: list.map(normalizeTransform),
})

test('tables are counted with those that are there', async () => {
  expect(await findings(tables(500))).toEqual([])
  expect(await findings(tables(501))).toEqual(['error preflight/tables db: {"maxTables":600}'])
  expect(await findings(tables(499), { found: {}, existing: { m1: {}, other: {}, more: {} } })).toEqual([
    'error preflight/tables db: {"maxTables":600} and Run with --update: it raises the limit of "db".',
  ])
  expect(
    await findings(tables(499), { wish: { maxTables: 600 }, existing: { other: {}, more: {} } }),
  ).toEqual([])
})

test('points that a database refuses now, and points that it will hide', async () => {
  const line = [`m f=1 ${NOW - 40n * DAY}`]
  const month = { retentionPeriod: 30n * DAY }
  expect(await findings(line, { wish: month })).toEqual(['warning preflight/retention-hides db: '])
  expect(await findings(line, { wish: month, found: { retentionPeriod: 0n } })).toEqual([
    'warning preflight/retention-hides db: ',
  ])
  const [tooShort] = await findings(line, { found: month })
  expect(tooShort).toBe(
    'error preflight/retention db: Run with --update: "db" gets the retention that is asked for, after everything is loaded.',
  )
  expect(await findings(line, { found: month, update: true })).toEqual([])
  // What is as asked for is left as it is, with --update too.
  const same = 'error preflight/retention db: {"timeRange":{"start":"2024-03-01T13:00:00Z"}}'
  expect(await findings(line, { wish: month, found: month, update: true })).toEqual([same])
})

test('partitions are days, or what the template says', async () => {
  const lines = ['m,site=a f=1 0', `m,site=b f=1 ${12_000n * DAY}`]
  expect(await findings(lines)).toEqual(['warning preflight/partitions db m: '])
  const monthly = [{ type: 'time', value: '%Y-%m' } as const]
  expect(await findings(lines, { mapping: { partitionTemplate: monthly } })).toEqual([])
  const bySite = [...monthly, { type: 'tag', value: 'site' } as const]
  const sites = Array.from({ length: 30 }, (_, i) => `m,site=s${i} f=1 ${BigInt(i) * 400n * DAY}`)
  expect(await findings(sites, { mapping: { partitionTemplate: bySite } })).toEqual([
    'warning preflight/partitions db m: ',
  ])
})

test('what no name saves is counted exactly, with the first examples', async () => {
  const long = (size: number) => `m,t=x s="${'x'.repeat(size)}" 5`
  const found = await checked([
    ...Array.from({ length: 5 }, (_, i) => `m,t=a\tb,u=${i} f=1,g=2 ${i}`),
    'm,t=\xff f=1 1',
    'm s="\xff" 1',
    long(65_536),
    long(65_537),
    long(2 ** 20 + 1),
    'm f=NaN 1',
    'no fields',
  ])
  const shown = found.map(({ code, what, points, details }) => [code, what, points, details.length])
  expect(shown).toEqual([
    ['preflight/value', 'the tag value holds a tab', 10, 3],
    ['preflight/value', 'the tag value is not valid UTF-8', 1, 1],
    ['preflight/value', 'the string is not valid UTF-8', 1, 1],
    ['preflight/value', 'the string is longer than 1048576 bytes', 1, 1],
    ['preflight/value', 'NaN is not a value in v3 line protocol', 1, 1],
    ['preflight/line', 'not line protocol: invalid field format', 1, 1],
    ['preflight/value', 'the string is longer than 64 KiB', 1, 1],
  ])
})

test('what transforms make one is told, with the rule for equal times', async () => {
  const mapping = rules({ measurement: 'm', dropTags: ['id'], renameFields: { b: 'a' } })
  const found = await checked(['m,id=1 a=1 1', 'm,id=2 a=1,b=2 1', 'm,id=3 a=1 1', 'n,id=1 a=1 1'], {
    mapping,
  })
  expect(found.map(({ severity, code, details }) => [severity, code, details[0]])).toEqual(
    [
      ['warning', 'preflight/fields-merged', '1 in all series'],
      ['warning', 'preflight/series-merged', '2 with an earlier one of the same slice'],
    ].sort((a, b) => (String(a[1]) > String(b[1]) ? -1 : 1)),
  )
  for (const { details } of found) expect(details.join()).toContain('of points with equal times')
})
