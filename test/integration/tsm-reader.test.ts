/** The TSM reader against influxd, which is the truth, and against influx_inspect, where it tells all. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { ALL_TIME } from '../../src/core/time.ts'
import type { DataDirSource } from '../../src/manifest/migration.ts'
import type { Slice } from '../../src/plan/plan.ts'
import { slicesOf } from '../../src/plan/slices.ts'
import { exportWithInfluxInspect, probeInfluxInspect } from '../../src/source/influx-inspect.ts'
import { readCatalog } from '../../src/source/read-catalog.ts'
import { migrationOf } from '../rig/ferry.ts'
import { fillWithHardData, MONDAY, type HardDatabase } from '../rig/hard-data.ts'
import { createDatabase, eventsFrom, happen, History, live, POLICY } from '../rig/histories.ts'
import { influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox } from '../rig/open-sandbox.ts'
import { readBack } from '../rig/read-back.ts'
import { spooled } from '../rig/spooling.ts'
import { exported, pointsOf } from '../rig/tsm-export.ts'
import { filesOf } from '../rig/tsm-slow-read.ts'

const SEED = Number(process.env.SEED ?? 1)
const HISTORIES = Number(process.env.HISTORIES ?? 200)
const PHASES = Number(process.env.PHASES ?? 3)

const SERIES = 100_000

const { signal } = new AbortController()

/** Names that a cluster does not allow need targets of their own. */
const TARGETS: Record<string, string> = {
  'plant/stündlich 1h': 'plant/hourly',
  'Werk Süd 2/zwei Jahre': 'werk-sud-2/zwei-jahre',
}
const sourceName = ({ database, retentionPolicy }: HardDatabase) => `${database}/${retentionPolicy}`
const targetOf = (one: HardDatabase) => TARGETS[sourceName(one)] ?? sourceName(one)

describe('hard data', () => {
  let influxd: Influxd
  let databases: HardDatabase[]
  const answers = new Map<string, string[]>()
  const answer = (one: HardDatabase) => answers.get(sourceName(one)) ?? []

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { walDeletes: true, inexpressible: true, series: 500 })
    // What it answers after it replayed its WAL.
    await influxd.restart()
    for (const one of databases) answers.set(sourceName(one), await readBack(influxd, one))
    await influxd.stop()
  })
  afterAll(() => influxd.remove())

  const source = (): DataDirSource => ({
    kind: 'data-dir',
    name: 's',
    reader: 'tsm',
    dataDir: influxd.dirs.data,
    walDir: influxd.dirs.wal,
    metaDir: influxd.dirs.meta,
    snapshotDir: undefined,
    onCorruption: 'fail',
    command: [influxInspect ?? ''],
  })

  async function slicesOfDatabase({ database, retentionPolicy }: HardDatabase): Promise<Slice[]> {
    const catalog = await readCatalog(source(), signal)
    const policy = catalog.databases
      .find(({ name }) => name === database)
      ?.retentionPolicies.find(({ name }) => name === retentionPolicy)
    if (policy === undefined) throw new Error(`no ${database}.${retentionPolicy} in the catalog`)
    return slicesOf({ id: 'p', source: 's', database, retentionPolicy, target: 't' }, policy, ALL_TIME)
  }

  it('arrives as influxd answers, deletes in the WAL included, through a whole run', async () => {
    const sandbox = await openSandbox()
    onTestFinished(() => sandbox.close())
    const { data, wal, meta } = influxd.dirs
    const migration = await migrationOf(
      `apiVersion: influx-ferry/v1
name: hard
sources:
  - { name: s, kind: data-dir, dataDir: ${JSON.stringify(data)}, walDir: ${JSON.stringify(wal)}, metaDir: ${JSON.stringify(meta)} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
mappings:
  - { source: s, database: plant, retentionPolicy: stündlich 1h, target: plant/hourly }
  - { source: s, database: Werk Süd 2, retentionPolicy: zwei Jahre, target: werk-sud-2/zwei-jahre }
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}' }
`,
      { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken, PATH: '' },
    )
    onTestFinished(() => migration.remove())
    const finished = await migration.run()
    expect(finished.exitCode, finished.stderr).toBe(3)
    expect(finished.stdout).toMatch(/ \d+ deleted/)
    for (const one of databases.filter(({ kind }) => kind === 'plain' || kind === 'wal-deletes'))
      expect(await readBack(sandbox, { database: targetOf(one) }), targetOf(one)).toEqual(answer(one))
    const { slices, totals } = await migration.status()
    expect(totals.slices).toMatchObject({ failed: 0, pending: 0, exported: 0 })
    expect(totals.deleted).toBeGreaterThan(0)
    for (const slice of Object.values(slices)) {
      if (slice.status !== 'written') throw new Error(slice.status)
      const { counts } = slice
      expect(counts.pointsRead).toBe(
        counts.points + counts.overwritten + counts.deleted + counts.filtered + counts.refusedPoints,
      )
    }
    const letters = await migration.letters()
    const refused = letters.filter(({ by }) => by === 'influx-ferry')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason, line } of refused) expect(line, reason).not.toBe('')
    expect(refused.reduce((sum, { points }) => sum + points, 0)).toBe(
      totals.refusedPoints - totals.refusedByCluster,
    )
  })

  it('is in the spool what influxd answers, whatever the memory and the size of batches', async () => {
    for (const one of databases) {
      if (one.kind === 'refused-names') continue
      for (const { window, files } of await slicesOfDatabase(one)) {
        const paths = files.map(({ path }) => path)
        const { text, counts } = await exported(paths, { window })
        const all = await exported(paths, { window, memory: 4e6, batch: { lines: 37, bytes: 3000 } })
        expect(all.text.equals(text)).toBe(true)
        expect({ ...all.counts, batches: 0, gzipBytes: 0 }).toEqual({ ...counts, batches: 0, gzipBytes: 0 })
        for (const { lines, rawBytes } of all.batches) {
          expect(lines).toBeLessThanOrEqual(37)
          if (lines > 1) expect(rawBytes).toBeLessThanOrEqual(3000)
        }
      }
      const slices = await slicesOfDatabase(one)
      const points = await Promise.all(
        slices.map(async ({ window, files }) =>
          pointsOf(
            (
              await exported(
                files.map(({ path }) => path),
                { window },
              )
            ).text,
          ),
        ),
      )
      expect(points.flat().sort(), sourceName(one)).toEqual(answer(one))
    }
  })

  test.skipIf(influxInspect === undefined)('is the same rows as with influx_inspect', async () => {
    const abilities = await probeInfluxInspect([influxInspect ?? ''], signal)
    for (const one of databases.filter(({ kind }) => kind !== 'wal-deletes')) {
      for (const { window, files } of await slicesOfDatabase(one)) {
        const { database, retentionPolicy } = one
        const { chunks } = exportWithInfluxInspect({
          command: source().command,
          abilities,
          source: source(),
          database,
          retentionPolicy,
          window,
          files,
          workDir: join(influxd.dir, 'work'),
          signal,
        })
        const inspected = await spooled(chunks, { window, comments: 'influx_inspect' })
        const own = await exported(
          files.map(({ path }) => path),
          { window },
        )
        expect(pointsOf(own.text), sourceName(one)).toEqual(pointsOf(inspected.text))
        expect(own.counts.rows).toBe(inspected.counts.rows)
        expect(own.counts.refusedPoints).toBe(inspected.counts.refusedPoints)
        const reasons = ({ letters }: Pick<typeof own, 'letters'>) =>
          letters.flatMap(({ reason, points }) => Array.from({ length: points }, () => reason)).sort()
        expect(reasons(own)).toEqual(reasons(inspected))
      }
    }
    await rm(join(influxd.dir, 'work'), { recursive: true, force: true })
  })
})

describe('a running influxd', () => {
  it('is read from a snapshot, which is gone afterwards; without one the run is refused with that advice', async () => {
    const influxd = await startInfluxd({ snapshotAfter: '1s' })
    onTestFinished(() => influxd.remove())
    const policy = 'DURATION INF REPLICATION 1 SHARD DURATION 7d NAME autogen'
    await influxd.query(`CREATE DATABASE live WITH ${policy}`)
    const lines = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => `m,host=h${i % 9} f=${from + i} ${MONDAY + BigInt(from + i)}`)
    await influxd.write(lines(0, 5000), 'live')
    await influxd.snapshotted()
    let written = 5000
    let writing = true
    const writer = (async () => {
      for (; writing; written += 10) await influxd.write(lines(written, 10), 'live')
    })()
    const sandbox = await openSandbox()
    onTestFinished(() => sandbox.close())
    const { data, wal, meta } = influxd.dirs
    const manifest = (more: string) => `apiVersion: influx-ferry/v1
name: live
sources:
  - { name: s, kind: data-dir, dataDir: ${data}, walDir: ${wal}, metaDir: ${meta}${more} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
mappings:
  - { source: s, database: live, retentionPolicy: autogen, target: live }
`
    const env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken }
    const migration = await migrationOf(manifest(''), env)
    onTestFinished(() => migration.remove())
    try {
      const refused = await migration.run()
      expect(refused.exitCode, refused.stdout).toBe(1)
      expect(refused.stdout).toContain('snapshot: hardlink')
      await migration.rewrite(manifest(', snapshot: hardlink'))
      const before = written
      const done = await migration.run()
      expect(done.exitCode, done.stdout + done.stderr).toBe(0)
      writing = false
      await writer
      const arrived = await readBack(sandbox, { database: 'live' })
      expect(arrived.length).toBeGreaterThanOrEqual(before)
      const answer = await readBack(influxd, { database: 'live', retentionPolicy: 'autogen' })
      expect(new Set(answer)).toEqual(new Set([...answer, ...arrived]))
      const left = await readdir(join(migration.folder, '.influx-ferry/live'), { recursive: true })
      expect(left.filter((name) => name.startsWith('snapshot/'))).toEqual([])
    } finally {
      writing = false
      await writer
    }
  })
})

test('a hundred thousand series, in TSM files and in the WAL, are what influxd answers', async () => {
  const influxd = await startInfluxd({ snapshotAfter: '1s' })
  onTestFinished(() => influxd.remove())
  await influxd.query('CREATE DATABASE many WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME autogen')
  const lines = (generation: number, step: number) =>
    Array.from({ length: SERIES / step }, (_, i) => {
      const id = i * step
      return `cpu,host=h${id % 997},id=${id} load=${id / 8 + generation},up=${id % 3 === 0} ${MONDAY + BigInt(id + generation)}`
    })
  const write = async (all: string[]) => {
    for (let at = 0; at < all.length; at += 20_000) await influxd.write(all.slice(at, at + 20_000), 'many')
  }
  await write(lines(0, 1))
  await influxd.snapshotted()
  await influxd.restart({ snapshotAfter: '24h' })
  // A third of them again, in the WAL; then some of them deleted.
  await write(lines(1, 3))
  await influxd.query(`DELETE FROM cpu WHERE host = 'h5'`, 'many')
  const answer = await readBack({ url: influxd.url }, { database: 'many', retentionPolicy: 'autogen' })
  const { text, counts } = await exported(filesOf(influxd.dirs, 'many', 'autogen'))
  const points = pointsOf(text)
  expect(points.length).toBe(answer.length)
  expect(points.find((point, i) => point !== answer[i])).toBeUndefined()
  expect(answer.length).toBeGreaterThan(2 * SERIES)
  expect(counts.deleted).toBeGreaterThan(0)
})

test(`random histories, SEED=${SEED} HISTORIES=${HISTORIES} PHASES=${PHASES}`, async () => {
  const influxd = await startInfluxd({ snapshotAfter: '24h' })
  onTestFinished(() => influxd.remove())
  const histories = Array.from({ length: HISTORIES }, (_, i) => new History(SEED * 100_000 + i))
  for (const history of histories) await createDatabase(influxd, history)
  for (const [phase, event] of eventsFrom(SEED, PHASES).entries()) {
    for (const history of histories) {
      await live(influxd, history, history.phase())
      const { database, seed } = history
      const where = `history ${seed}, phase ${phase}, before ${event}`
      const answer = await readBack({ url: influxd.url }, { database, retentionPolicy: POLICY })
      // Every shard in one slice: overlapping shard groups are read that way.
      const little = seed % 3 === 0 ? { memory: 3e6, batch: { lines: 50, bytes: 20_000 } } : {}
      const { text, counts, letters } = await exported(filesOf(influxd.dirs, database, POLICY), little)
      expect(pointsOf(text), where).toEqual(answer)
      expect(counts.points, where).toBe(answer.length)
      expect(letters, where).toEqual([])
    }
    await happen(influxd, event, histories)
  }
})
