import { expect, test } from 'vitest'
import { checkClock, checkSpool, checkTokens } from '../../../src/preflight/check-place.ts'
import type { ClusterFacts } from '../../../src/preflight/cluster-facts.ts'
import type { Migration } from '../../../src/manifest/migration.ts'
import type { Slice } from '../../../src/plan/plan.ts'

const spool = { dir: '/work' } as Migration['spool']
const slice = (...files: [path: string, bytes: number][]) =>
  ({ files: files.map(([path, bytes]) => ({ path, bytes, modified: 0n })) }) as unknown as Slice
const facts = (part: Partial<ClusterFacts>): ClusterFacts => ({
  ...{ databases: undefined, tables: new Map(), clockDifference: undefined, refusals: [] },
  ...{ notes: [], unseen: [] },
  ...part,
})

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const one of all) list.push(one)
  return list
}

test('room for the spool: TSM files and a tenth, each file once, plain text not', async () => {
  const slices = [
    slice(['a.tsm', 600], ['b.lp', 9000]),
    slice(['a.tsm', 600], ['c.wal', 300], ['d.lp.gz', 100]),
  ]
  const found = async (free: number, transfer: Migration['transfer'] = 'staged') =>
    collect(checkSpool({ spool, transfer }, slices, () => Promise.resolve(free)))
  expect(await found(1100)).toEqual([])
  expect(await found(1099)).toMatchObject([
    {
      severity: 'error',
      code: 'preflight/disk',
      where: '/work',
      remedies: [{ kind: 'manifest', keys: { transfer: 'direct' } }],
    },
  ])
  expect(await found(0, 'direct')).toEqual([])
})

test('clocks may differ by five minutes', () => {
  const found = (clockDifference: number | undefined) => [
    ...checkClock(facts({ clockDifference }), 'http://c'),
  ]
  expect([found(undefined), found(300_000), found(-300_000)]).toEqual([[], [], []])
  expect(found(-420_000)).toMatchObject([
    { severity: 'warning', details: [expect.stringContaining('7 minutes behind')] },
  ])
})

test('a token that may not read is no error where nothing is verified', () => {
  const refusal = (database: string, action: 'read' | 'write') => ({
    description: 't',
    database,
    action,
    reason: 'no',
  })
  const refusals = [refusal('a', 'read'), refusal('b', 'read'), refusal('a', 'write')]
  const found = (level: 'basic' | 'none') =>
    [...checkTokens({ refusals }, { verify: { level, concurrency: 1 } })].map(({ severity, what, where }) => [
      severity,
      what,
      where,
    ])
  expect(found('basic')).toEqual([
    ['error', 'token that may not read', 'a, b'],
    ['error', 'token that may not write', 'a'],
  ])
  expect(found('none').map(([severity]) => severity)).toEqual(['warning', 'error'])
})
