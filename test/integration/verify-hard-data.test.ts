/** Hard data, compared value by value: equal to what influxd answers, refused points and expired ones taken into account. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verification } from '../../src/verify/verification.generated.ts'
import { migrationOf, type Migration } from '../rig/ferry.ts'
import { fillWithHardData } from '../rig/hard-data.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'

/** The first nanosecond of int64, and of a slice. */
const FIRST_GROUP = '/-9223372036854775808_'

describe('a data directory of hard data', () => {
  let influxd: Influxd
  let sandbox: OpenSandbox
  let migration: Migration

  beforeAll(async () => {
    influxd = await startInfluxd()
    await fillWithHardData(influxd, { inexpressible: true, walDeletes: true, series: 300 })
    await influxd.restart()
    await influxd.stop()
    sandbox = await openSandbox()
    const { data, wal, meta } = influxd.dirs
    migration = await migrationOf(
      `apiVersion: influx-ferry/v1
name: hard
sources:
  - { name: s, kind: data-dir, dataDir: ${JSON.stringify(data)}, walDir: ${JSON.stringify(wal)}, metaDir: ${JSON.stringify(meta)} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
verify: { level: full, concurrency: 4 }
mappings:
  - { source: s, database: plant, retentionPolicy: stündlich 1h, target: plant/hourly }
  - { source: s, database: Werk Süd 2, retentionPolicy: zwei Jahre, target: werk-sud-2/zwei-jahre }
  - { source: s, database: plant, retentionPolicy: recent, target: short, retentionPeriod: 246h }
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}', onInexpressible: dead-letter }
`,
      { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken },
    )
  })
  afterAll(async () => {
    await migration.remove()
    await sandbox.close()
    await influxd.remove()
  })

  async function verified(...flags: string[]): Promise<Verification> {
    const { stdout, stderr } = await migration.command('verify', '--json', ...flags)
    expect(stderr).not.toContain('error')
    return JSON.parse(stdout) as Verification
  }

  it('is equal after the run, value by value, before any of it expires', async () => {
    const { exitCode, stdout, stderr } = await migration.run()
    expect(stderr).toBe('')
    expect(stdout).not.toMatch(/DIFFERS|NOT COMPARED/)
    expect(stdout).toMatch(/verify: \d+ slices equal \(full\)/)
    // Some points were refused.
    expect(exitCode).toBe(3)
    expect(stdout).toContain('done, but some points were refused')
    const { slices } = await migration.status()
    for (const slice of Object.values(slices))
      expect(slice).toMatchObject({ status: 'written', verified: { level: 'full', outcome: 'equal' } })
  })

  it.each([
    ['export', 'basic'],
    ['export', 'full'],
    ['files', 'full'],
  ])('is equal to %s, %s, without what is expired by now', async (source, level) => {
    const { slices, differences } = await verified('--source', source, '--level', level)
    expect(differences).toEqual([])
    const outcomes = Object.entries(slices).map(([id, { outcome, reason }]) => ({ id, outcome, reason }))
    const short = outcomes.filter(({ id }) => id.startsWith('s/plant/recent'))
    // Of twenty days, shards of a day each: ten days are kept, and the day in which they end is compared from there on.
    expect(short.filter(({ outcome }) => outcome === 'not-compared').length).toBeGreaterThan(5)
    expect(short.filter(({ outcome }) => outcome === 'equal').length).toBeGreaterThan(5)
    expect(short.filter(({ reason }) => reason?.startsWith('only from')).length).toBe(1)
    for (const { id, outcome } of outcomes.filter((one) => !short.includes(one)))
      expect(outcome, id).toBe('equal')
    expect(outcomes.length).toBeGreaterThan(40)
  })

  it('is equal to what influxd answers, where it answers in one type and all of it could be sent', async () => {
    await influxd.restart()
    try {
      for (const level of ['basic', 'full']) {
        const http = ['--source', 'http', '--source-url', influxd.url]
        const { slices, differences } = await verified('--level', level, ...http)
        // Of its very first shard group influxd answers nothing when a query has an end.
        expect(differences.filter(({ slice }) => !slice.includes(FIRST_GROUP))).toEqual([])
        const reasons = Object.entries(slices)
          .filter(([id, { outcome }]) => outcome !== 'equal' && !id.startsWith('s/plant/recent'))
          .filter(([id]) => !id.includes(FIRST_GROUP))
          .map(([id, { reason }]) => `${id.split('/')[1] ?? ''}: ${reason?.replace(/\(.*/, '') ?? ''}`)
        expect([...new Set(reasons)].sort()).toEqual([
          'refused: the server has points that were refused before they were sent ',
          expect.stringMatching(/^types: the server has the field "[ab]" of "m" in several types $/),
        ])
      }
      // What is written to the server afterwards is missing in the cluster.
      await influxd.write('hours,edge=first f=99 1614560400000000001', 'plant', 'stündlich 1h')
      const { differences } = await verified('--source', 'http', '--source-url', influxd.url)
      expect(differences.filter(({ slice }) => !slice.includes(FIRST_GROUP))).toEqual([
        expect.objectContaining({
          kind: 'missing',
          target: 'plant/hourly',
          series: 'hours,edge=first',
          start: '2021-03-01T01:00:00.000000001Z',
          source: '99',
        }),
      ])
    } finally {
      await influxd.stop()
    }
  })

  it('does not compare while what was refused is not whole', async () => {
    await writeFile(join(migration.folder, '.influx-ferry/hard/dead-letter/s/types/autogen.ndjson'), '')
    const { exitCode, stderr } = await migration.command(
      ...['verify', '--level', 'basic', '--mapping', 's/types/autogen'],
    )
    expect(exitCode).toBe(1)
    expect(stderr).toContain('dead-letter/sum')
    expect(stderr).toContain('it has 0 lines with 0 points of 5 with 15')
  })
})
