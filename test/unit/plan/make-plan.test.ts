import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALL_TIME, intersect, type TimeWindow } from '../../../src/core/time.ts'
import type { Mapping, Migration } from '../../../src/manifest/migration.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { withoutWindows } from '../../../src/plan/slices.ts'
import type { Catalog, ShardGroup } from '../../../src/source/catalog.ts'
import type { State } from '../../../src/state/state.generated.ts'
import { initialState, reduce } from '../../../src/state/state.ts'

const file = (name: string) => ({ path: `/data/${name}`, bytes: 100, modified: 1n })

function group(id: number, start: bigint, end: bigint, orphan = false): ShardGroup {
  const shard = { id, orphan, tsmFiles: [file(`${id}.tsm`)], tombstoneFiles: [], walFiles: [] }
  return { id, start, end, shards: [shard] }
}

function catalogOf(policies: Record<string, ShardGroup[]>): Catalog {
  const databases = new Map<string, Catalog['databases'][number]>()
  for (const [key, shardGroups] of Object.entries(policies)) {
    const [name = '', policy = ''] = key.split('.')
    const database = databases.get(name) ?? { name, defaultRetentionPolicy: 'autogen', retentionPolicies: [] }
    database.retentionPolicies.push({ name: policy, duration: 7n, shardGroupDuration: 10n, shardGroups })
    databases.set(name, database)
  }
  return { source: 's', origin: 'meta.db', databases: [...databases.values()], notes: [] }
}

function mapping(
  database: string,
  retentionPolicy: string,
  target: string,
  timeRange: TimeWindow = ALL_TIME,
): Mapping {
  return {
    index: 0,
    position: { line: 1, column: 1 },
    source: 's',
    database,
    retentionPolicy,
    target,
    timeRange,
    retentionPeriod: 'source',
    maxTables: undefined,
    maxColumns: undefined,
    partitionTemplate: undefined,
    transforms: [],
    onInexpressible: 'fail',
    maxRejected: undefined,
  }
}

function migration(mappings: Mapping[], timeRange: TimeWindow = ALL_TIME): Migration {
  return {
    name: 'plant',
    file: 'manifest.yaml',
    hash: 'h',
    sources: [],
    mappings,
    timeRange,
  } as unknown as Migration
}

const written = (before: State, slice: string, target: string): State =>
  [
    {
      type: 'slice-exported' as const,
      slice,
      target,
      fingerprint: 'f',
      counts: {
        pointsRead: 0,
        points: 0,
        overwritten: 0,
        deleted: 0,
        skipped: 0,
        filtered: 0,
        refusedPoints: 0,
        rows: 0,
        batches: 0,
        rawBytes: 0,
        gzipBytes: 0,
      },
    },
    { type: 'slice-written' as const, slice },
  ].reduce(reduce, before)

const idsOf = ({ slices }: { slices: { id: string }[] }) => slices.map(({ id }) => id)
const codesOf = (diagnostics: { code: string }[]) => diagnostics.map(({ code }) => code)

describe('slices', () => {
  test('one a shard group, cut to the range', () => {
    const catalog = catalogOf({ 'db.rp': [group(2, 10n, 20n), group(1, 0n, 10n)] })
    const { plan, diagnostics } = makePlan(
      migration([mapping('db', 'rp', 't')], { start: 5n, end: 15n }),
      [catalog],
      undefined,
    )
    expect(diagnostics).toEqual([])
    expect(idsOf(plan)).toEqual(['s/db/rp/5_10', 's/db/rp/10_15'])
  })

  test('shard groups that overlap become one slice with the files of both', () => {
    const catalog = catalogOf({ 'db.rp': [group(1, 0n, 10n), group(2, 8n, 20n), group(3, 20n, 30n)] })
    const { plan } = makePlan(migration([mapping('db', 'rp', 't')]), [catalog], undefined)
    expect(idsOf(plan)).toEqual(['s/db/rp/0_20', 's/db/rp/20_30'])
    expect(plan.slices[0]?.files).toHaveLength(2)
  })

  test('every time belongs to exactly one slice, whatever the windows', () => {
    const window = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 }))
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 8 }),
        fc.array(window, { maxLength: 4 }),
        (groups, done) => {
          const catalog = catalogOf({
            'db.rp': groups.map(([start, length], n) => group(n, BigInt(start), BigInt(start + length))),
          })
          const { plan } = makePlan(migration([mapping('db', 'rp', 't')]), [catalog], undefined)
          const cut = done.map(([start, length]) => ({ start: BigInt(start), end: BigInt(start + length) }))
          const left = plan.slices.flatMap((slice) => withoutWindows(slice, cut))
          for (let time = 0n; time < 80n; time += 1n) {
            const at = { start: time, end: time + 1n }
            const covered = groups.some(
              ([start, length]) => BigInt(start) <= time && time < BigInt(start + length),
            )
            const taken = cut.some((window) => intersect(window, at) !== undefined)
            expect(plan.slices.filter(({ window }) => intersect(window, at))).toHaveLength(covered ? 1 : 0)
            expect(left.filter(({ window }) => intersect(window, at))).toHaveLength(covered && !taken ? 1 : 0)
          }
        },
      ),
    )
  })

  test('a shard that meta.db does not know is left out, or stops a plan whose influx_inspect would export it', () => {
    const catalog = catalogOf({ 'db.rp': [group(1, 0n, 10n), group(9, 5n, 6n, true)] })
    const plain = migration([mapping('db', 'rp', 't')])
    const { plan } = makePlan(plain, [catalog], undefined)
    expect(plan.slices.flatMap(({ files }) => files)).toEqual([file('1.tsm')])
    expect(plan.notes).toEqual([expect.stringContaining('shard 9 is left out')])
    const command = ['docker', 'exec', 'db', 'influx_inspect']
    const sources = [{ name: 's', kind: 'data-dir', reader: 'influx_inspect', command }]
    const { diagnostics } = makePlan({ ...plain, sources } as Migration, [catalog], undefined)
    expect(codesOf(diagnostics)).toEqual(['source/orphan-shard'])
  })
})

describe('mappings', () => {
  const catalog = catalogOf({
    'plant.autogen': [group(1, 0n, 10n)],
    'plant.weekly': [group(2, 0n, 10n)],
    '_internal.monitor': [group(3, 0n, 10n)],
    'my plant.autogen': [group(4, 0n, 10n)],
  })

  test('a wildcard is the rest: not what was named before it, never _internal', () => {
    const mappings = [
      mapping('plant', 'autogen', 'plant'),
      mapping('pl*', '*', '{database}/{retentionPolicy}'),
    ]
    const { plan, diagnostics } = makePlan(migration(mappings), [catalog], undefined)
    expect(diagnostics).toEqual([])
    expect(plan.mappings.map(({ id, target }) => [id, target])).toEqual([
      ['s/plant/autogen', 'plant'],
      ['s/plant/weekly', 'plant/weekly'],
    ])
  })

  test('a source name that does not fit the target is an error that names it', () => {
    const { diagnostics } = makePlan(migration([mapping('*', '*', '{database}')]), [catalog], undefined)
    expect(codesOf(diagnostics)).toEqual(['mapping/target-name', 'mapping/target-collision'])
    expect(diagnostics[0]?.message).toContain('my plant')
  })

  test('what is not there is an error that says what is', () => {
    const { diagnostics } = makePlan(migration([mapping('plnt', 'autogen', 't')]), [catalog], undefined)
    expect(codesOf(diagnostics)).toEqual(['mapping/nothing-there'])
    expect(diagnostics[0]?.hint).toContain('"plant"."weekly"')
  })

  test('ids are paths: names with slashes, spaces and dots stay one part', () => {
    const odd = catalogOf({ '../x y': [group(1, 0n, 10n)] })
    odd.databases[0]!.name = '..'
    odd.databases[0]!.retentionPolicies[0]!.name = 'a/b c'
    const { plan } = makePlan(migration([mapping('*', '*', 't')]), [odd], undefined)
    expect(plan.mappings[0]?.id).toBe('s/%2E%2E/a%2Fb%20c')
  })
})

describe('what was done before', () => {
  const catalog = catalogOf({ 'db.rp': [group(1, 0n, 10n), group(2, 10n, 20n)] })
  const state = written(initialState('plant', 'h'), 's/db/rp/5_10', 't')

  test('a widened range plans the new part alone, beside what was done', () => {
    const { plan, diagnostics } = makePlan(migration([mapping('db', 'rp', 't')]), [catalog], state)
    expect(diagnostics).toEqual([])
    expect(idsOf(plan)).toEqual(['s/db/rp/0_5', 's/db/rp/5_10', 's/db/rp/10_20'])
  })

  test('what is exported and not sent yet may get another target', () => {
    const slice = state.slices['s/db/rp/5_10']
    const unsent = { ...state, slices: { 's/db/rp/5_10': { ...slice, status: 'exported' } } } as State
    const { plan, diagnostics } = makePlan(migration([mapping('db', 'rp', 'other')]), [catalog], unsent)
    expect(diagnostics).toEqual([])
    expect(plan.slices.map(({ mapping }) => mapping.target)).toEqual(['other', 'other', 'other'])
  })

  test.each([
    ['another target', migration([mapping('db', 'rp', 'other')]), 'the manifest now says "other"'],
    [
      'a narrowed range',
      migration([mapping('db', 'rp', 't')], { start: 7n, end: 20n }),
      'time range no longer holds it',
    ],
    ['a mapping taken out', migration([]), 'no longer maps it'],
  ])('%s contradicts it', (_, changed, message) => {
    const { diagnostics } = makePlan(changed, [catalog], state)
    expect(codesOf(diagnostics)).toEqual(['state/contradiction'])
    expect(diagnostics[0]?.message).toContain(message)
  })

  test('a shard group that expired at the source since is no contradiction, and is kept', () => {
    const { plan, diagnostics } = makePlan(
      migration([mapping('db', 'rp', 't')]),
      [catalogOf({ 'db.rp': [group(2, 10n, 20n)] })],
      state,
    )
    expect(diagnostics).toEqual([])
    expect(idsOf(plan).sort()).toEqual(['s/db/rp/10_20', 's/db/rp/5_10'])
  })
})

describe('a slice that failed', () => {
  const failed = (before: State, slice: string): State =>
    reduce(before, {
      ...{ type: 'slice-failed', slice, target: 't', code: 'export/tsm-damaged', message: 'm' },
      ...{ where: undefined, remedy: undefined },
    })
  const state = failed(initialState('plant', 'h'), 's/db/rp/0_10')
  const left = catalogOf({ 'db.rp': [group(2, 10n, 20n)] })

  test('stays in the plan when its shard has left the source', () => {
    const { plan } = makePlan(migration([mapping('db', 'rp', 't')]), [left], state)
    expect(idsOf(plan)).toEqual(['s/db/rp/10_20', 's/db/rp/0_10'])
    expect(plan.slices[1]?.files).toEqual([])
  })

  test('is let go when its time is no longer asked for', () => {
    const { plan } = makePlan(migration([mapping('db', 'rp', 't')], { start: 10n, end: 20n }), [left], state)
    expect(idsOf(plan)).toEqual(['s/db/rp/10_20'])
  })

  test('after a part of it was written keeps its target', () => {
    const counts = { pointsRead: 2, points: 2, overwritten: 0, deleted: 0, filtered: 0, refusedPoints: 0 }
    const sums = { ...counts, skipped: 0, rows: 2, batches: 2, rawBytes: 9, gzipBytes: 9 }
    const id = 's/db/rp/10_20'
    const exported = reduce(initialState('plant', 'h'), {
      ...{ type: 'slice-exported', slice: id, target: 't', fingerprint: 'f', counts: sums },
    })
    const outcome = { lines: 1, points: 1, refusedLines: 0, refusedPoints: 0, bytes: 4 }
    const sent = reduce(exported, { type: 'batch-acknowledged', slice: id, batch: 0, outcome })
    const elsewhere = (state: State) =>
      codesOf(makePlan(migration([mapping('db', 'rp', 'u')]), [left], state).diagnostics)
    expect(elsewhere(failed(sent, id))).toEqual(['state/contradiction'])
    expect(elsewhere(failed(failed(sent, id), id))).toEqual(['state/contradiction'])
    expect(elsewhere(failed(exported, id))).toEqual([])
  })
})
