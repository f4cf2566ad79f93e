/** The main job by a real process: a data directory that a real influxd filled, through influx_inspect, into the sandbox. */
import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { formatRfc3339 } from '../../src/core/time.ts'
import { FERRY, migrationOf, type Finished, type Migration } from '../rig/ferry.ts'
import { fillWithHardData, fillWithWalDeletes, MONDAY, type HardDatabase } from '../rig/hard-data.ts'
import { exportText, influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { readBack } from '../rig/read-back.ts'
import { pointsOf } from '../rig/letters.ts'
import { expectSumsToClose } from '../rig/sums.ts'

const HOUR = 3_600_000_000_000n
const DAY = 24n * HOUR

/** Names that a cluster does not allow need targets of their own. */
const TARGETS: Record<string, string> = {
  'plant/stündlich 1h': 'plant/hourly',
  'Werk Süd 2/zwei Jahre': 'werk-sud-2/zwei-jahre',
}
const sourceName = ({ database, retentionPolicy }: HardDatabase) => `${database}/${retentionPolicy}`
const targetOf = (one: HardDatabase) => TARGETS[sourceName(one)] ?? sourceName(one)

const ALL_MAPPINGS = `
  - { source: s, database: plant, retentionPolicy: stündlich 1h, target: plant/hourly }
  - { source: s, database: Werk Süd 2, retentionPolicy: zwei Jahre, target: werk-sud-2/zwei-jahre }
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}', onInexpressible: dead-letter }`

const ADMINS = {
  api: `{ kind: api, token: '\${MANAGEMENT_TOKEN}' }`,
  influxctl: `{ kind: influxctl, command: [${[process.execPath, FERRY].map((part) => JSON.stringify(part)).join(', ')}, sandbox, influxctl], token: '\${MANAGEMENT_TOKEN}' }`,
}

interface Parts {
  source: string
  mappings: string
  api?: 'v1' | 'v2'
  admin?: keyof typeof ADMINS
}

const manifestOf = ({ source, mappings, api = 'v2', admin = 'api' }: Parts) => `
apiVersion: influx-ferry/v1
name: hard
sources:
  - ${source}
target:
  url: \${SANDBOX_URL}
  admin: ${ADMINS[admin]}
  write: { api: ${api} }
mappings:${mappings}
`

const dataDirSource = ({ dirs }: Influxd) =>
  `{ name: s, kind: data-dir, reader: influx_inspect, dataDir: ${JSON.stringify(dirs.data)}, ` +
  `walDir: ${JSON.stringify(dirs.wal)}, metaDir: ${JSON.stringify(dirs.meta)}, command: ${JSON.stringify(influxInspect)} }`

/** A sandbox and a migration into it; both are gone with `remove`. */
async function open(parts: Parts): Promise<Migration & { sandbox: OpenSandbox }> {
  const sandbox = await openSandbox()
  const env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken }
  const migration = await migrationOf(manifestOf(parts), env)
  const remove = async () => {
    await sandbox.close()
    await migration.remove()
  }
  return { ...migration, sandbox, remove }
}

async function openForTest(parts: Parts) {
  const opened = await open(parts)
  onTestFinished(() => opened.remove())
  return opened
}

/** influxd's answers by `database/policy`, after a restart; then it is stopped. */
async function answersOf(influxd: Influxd, databases: readonly HardDatabase[]) {
  await influxd.restart()
  const answers = new Map<string, string[]>()
  for (const one of databases) answers.set(sourceName(one), await readBack(influxd, one))
  await influxd.stop()
  return answers
}

/** What the failure's remedy says, and the reason for its empty file: influxd keeps the last segment that it found. */
async function snapshotAll(influxd: Influxd): Promise<void> {
  const names = await readdir(influxd.dirs.wal, { recursive: true })
  for (const name of names.filter((one) => one.endsWith('_00001.wal')))
    await writeFile(join(influxd.dirs.wal, dirname(name), '_00002.wal'), '')
  await influxd.restart({ snapshotAfter: '1s' })
  await influxd.snapshotted()
  await influxd.stop()
}

const timeOf = (point: string) => BigInt(/ @(-?\d+) = /.exec(point)?.[1] ?? 'no time')

describe.skipIf(influxInspect === undefined)('a data directory of hard data', () => {
  let influxd: Influxd
  let databases: HardDatabase[]
  let answers: Map<string, string[]>
  const answer = (one: HardDatabase | undefined) => answers.get(one ? sourceName(one) : '') ?? []
  const find = (name: string) => databases.find((one) => sourceName(one) === name)
  const plain = () => databases.filter(({ kind }) => kind === 'plain')

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { inexpressible: true, series: 500 })
    answers = await answersOf(influxd, databases)
  })
  afterAll(() => influxd.remove())

  async function expectAnswered(sandbox: OpenSandbox, one: HardDatabase): Promise<void> {
    expect(answer(one).length).toBeGreaterThan(5)
    expect(await readBack(sandbox, { database: targetOf(one) }), targetOf(one)).toEqual(answer(one))
  }

  describe.each([
    { api: 'v2', admin: 'api' },
    { api: 'v1', admin: 'influxctl' },
  ] as const)('over $api, with databases and token by $admin', ({ api, admin }) => {
    let migration: Awaited<ReturnType<typeof open>>
    let finished: Finished
    const arrived = new Map<string, string[]>()

    beforeAll(async () => {
      migration = await open({ source: dataDirSource(influxd), mappings: ALL_MAPPINGS, api, admin })
      finished = await migration.run()
      for (const one of databases)
        arrived.set(sourceName(one), await readBack(migration.sandbox, { database: targetOf(one) }))
    })
    afterAll(() => migration.remove())

    it('ends with exit code 3, since some points were refused, and says so', () => {
      expect(finished.stderr).toBe('')
      expect(finished.exitCode).toBe(3)
      expect(finished.stdout).toContain('done, but some points were refused')
    })

    it('arrives as influxd answers it, value for value', () => {
      for (const { database, retentionPolicy } of plain()) {
        const name = `${database}/${retentionPolicy}`
        expect(answers.get(name)?.length).toBeGreaterThan(5)
        expect(arrived.get(name), name).toEqual(answers.get(name))
      }
    })

    it('leaves what v3 cannot express in the dead letter, with its reason, and nowhere else', async () => {
      const letters = (await migration.letters()).filter(({ slice }) => slice.startsWith('s/refused/'))
      const shown = letters.map(
        ({ by, reason, line, points }) =>
          `${by}: ${line.slice(0, 24).replace(/ \d+$/, '')} (${points}): ${reason}`,
      )
      expect(shown.sort()).toEqual([
        'cluster: clash,t=x f=6,t=5 (2): Unable to insert iox::column_type::field::float type into column t with type iox::column_type::tag',
        'cluster: long,t=x s="xxxxxxxxxxxx (1): String is greater than 64KB',
        'influx-ferry: tab\there,t=x f=2 (1): the measurement holds a tab',
        'influx-ferry: tabs,t=a\tb f=3 (1): the tag value holds a tab',
        'influx-ferry: tabs,t=x a\tb=4 (1): the field key holds a tab',
      ])
      expect(answers.get('refused/autogen')).toHaveLength(7)
      expect(arrived.get('refused/autogen')).toEqual([`"good","t"="x" "f" @${MONDAY} = 1 (float)`])
    })

    it('refuses the second type of a field, and counts what it refuses', async () => {
      const all = await migration.letters()
      const letters = all.filter(({ slice }) => slice.startsWith('s/types/'))
      // Either shard group may be the first: slices are written side by side.
      expect(letters).toHaveLength(5)
      for (const { by, reason, points } of letters)
        expect({ by, reason, points }).toEqual({
          by: 'cluster',
          reason: expect.stringMatching(/type/) as string,
          points: 3,
        })
      const taken = arrived.get('types/autogen') ?? []
      expect(taken).toHaveLength(15)
      expect([...taken, ...pointsOf(letters)].sort()).toEqual(answers.get('types/autogen'))
      expect(all.map(({ slice }) => slice.split('/')[1]).filter((name) => name !== 'refused')).toEqual(
        Array(5).fill('types'),
      )
    })

    it('closes its sums, which are those of influxd', async () => {
      expectSumsToClose(await migration.status())
      const { totals } = await migration.status()
      const asked = databases.reduce((sum, one) => sum + answer(one).length, 0)
      expect(totals.points + totals.refusedPoints - totals.refusedByCluster).toBe(asked)
      const letters = await migration.letters()
      expect(letters.reduce((sum, { points }) => sum + points, 0)).toBe(totals.refusedPoints)
      const there = [...arrived.values()].reduce((sum, points) => sum + points.length, 0)
      expect(totals.points - totals.refusedByCluster).toBe(there)
    })

    it("ends with the source's retention", async () => {
      const { body } = await migration.sandbox.admin('GET', '/databases')
      const found = JSON.parse(body) as { name: string; retentionPeriod: number }[]
      const periods = Object.fromEntries(
        found.map(({ name, retentionPeriod }) => [name, BigInt(retentionPeriod)]),
      )
      const expected = databases.map((one) => [targetOf(one), one.duration])
      expect(periods).toEqual({ db: 0n, ...Object.fromEntries(expected) })
      expect(periods['plant/recent']).toBe(30n * DAY)
    })

    it('does nothing when it is run again', async () => {
      const before = [migration.sandbox.stats(), await migration.status(), await migration.letters()]
      const again = await migration.run()
      expect(again.exitCode).toBe(3)
      expect(again.stdout).toContain('Nothing to do')
      expect(again.milliseconds).toBeLessThan(finished.milliseconds / 4)
      expect([migration.sandbox.stats(), await migration.status(), await migration.letters()]).toEqual(before)
    })
  })

  it('gives the same from the files that influx_inspect exports', async () => {
    const migration = await openForTest({
      source: `{ name: s, kind: line-protocol, files: [all.lp, refused.lp.gz] }`,
      mappings: ALL_MAPPINGS,
    })
    const others = plain().concat(find('types/autogen') ?? [])
    const texts = others.map((one) =>
      exportText(influxd.dirs, '-database', one.database, '-retention', one.retentionPolicy),
    )
    await writeFile(join(migration.folder, 'all.lp'), texts.join(''))
    await writeFile(
      join(migration.folder, 'refused.lp.gz'),
      gzipSync(exportText(influxd.dirs, '-database', 'refused')),
    )
    expect(await migration.run()).toMatchObject({ exitCode: 3, stderr: '' })
    for (const one of plain()) await expectAnswered(migration.sandbox, one)
    expect(await readBack(migration.sandbox, { database: 'refused/autogen' })).toHaveLength(1)
    const letters = (await migration.letters()).filter(({ slice }) => slice.startsWith('s/types/'))
    expect(letters).toHaveLength(5)
    const types = await readBack(migration.sandbox, { database: 'types/autogen' })
    expect([...types, ...pointsOf(letters)].sort()).toEqual(answer(find('types/autogen')))
    expectSumsToClose(await migration.status())
  })

  it('gives exactly the points of a time range that cuts through shard groups', async () => {
    // Both ends are times of points: the first is in the range, the last is not. And one end lies between two points.
    const ranges = {
      'plant/autogen': { start: MONDAY + 27n * HOUR, end: MONDAY + 14n * DAY + 9n * HOUR },
      'plant/stündlich 1h': { start: MONDAY + 5n * HOUR - 1n, end: MONDAY + 20n * HOUR },
      'many/autogen': { start: MONDAY + 16n * HOUR + 100n, end: MONDAY + 32n * HOUR + 7n },
      'extremes/autogen': { start: -1n, end: MONDAY + 3n },
    }
    const mappings = Object.entries(ranges).map(([name, { start, end }]) => {
      const [database = '', retentionPolicy = ''] = name.split('/')
      return (
        `\n  - { source: s, database: ${database}, retentionPolicy: ${retentionPolicy}, target: ${TARGETS[name] ?? name}, ` +
        `timeRange: { start: ${formatRfc3339(start)}, end: ${formatRfc3339(end)} } }`
      )
    })
    const migration = await openForTest({ source: dataDirSource(influxd), mappings: mappings.join('') })
    expect(await migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
    for (const [name, { start, end }] of Object.entries(ranges)) {
      const all = answer(find(name))
      const within = all.filter((point) => timeOf(point) >= start && timeOf(point) < end)
      expect(within.length, name).toBeGreaterThan(5)
      expect(within.length, name).toBeLessThan(all.length)
      expect(await readBack(migration.sandbox, { database: TARGETS[name] ?? name }), name).toEqual(within)
    }
    expectSumsToClose(await migration.status())
  })

  it('is loaded whole into a database whose final retention would refuse the old points', async () => {
    const migration = await openForTest({
      source: dataDirSource(influxd),
      mappings: `\n  - { source: s, database: plant, retentionPolicy: recent, target: short, retentionPeriod: 246h }`,
    })
    const started = BigInt(Date.now()) * 1_000_000n
    expect(await migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
    const all = answer(find('plant/recent'))
    expect(migration.sandbox.stats().points).toBe(all.length)
    expect(await migration.letters()).toEqual([])
    // Points lie 12 hours apart, and the retention ends between two of them.
    const kept = all.filter((point) => timeOf(point) > started - 246n * HOUR)
    expect(kept.length).toBeLessThan(all.length)
    expect(await readBack(migration.sandbox, { database: 'short' })).toEqual(kept)
  })
})

describe.skipIf(influxInspect === undefined)('a data directory with deletes in the WAL', () => {
  it('fails in the slice that has them, writes the others, and is whole after the remedy', async () => {
    const influxd = await startInfluxd()
    onTestFinished(() => influxd.remove())
    const databases = await fillWithWalDeletes(influxd)
    const answers = await answersOf(influxd, databases)
    const deletes = answers.get('deletes/autogen') ?? []
    expect(deletes).toHaveLength(18)
    const migration = await openForTest({
      source: dataDirSource(influxd),
      mappings: `\n  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}' }`,
    })
    const { sandbox } = migration
    const failing = `s/deletes/autogen/${MONDAY}_${MONDAY + 7n * DAY}`

    const expectFailed = async () => {
      const { exitCode, stdout } = await migration.run()
      expect(exitCode).toBe(1)
      expect(stdout).toContain('points were deleted in the WAL, and influx_inspect would bring them back')
      expect(stdout).toContain('cache-snapshot-write-cold-duration = "1s"')
      const { slices } = await migration.status()
      expect(slices[failing]).toMatchObject({ status: 'failed', code: 'export/deletes-in-wal' })
      const others = Object.entries(slices).filter(([id]) => id !== failing)
      expect(others.map(([, { status }]) => status)).toEqual(['written', 'written'])
      expect(await readBack(sandbox, { database: 'spared/autogen' })).toEqual(answers.get('spared/autogen'))
      expect(await readBack(sandbox, { database: 'deletes/autogen' })).toEqual(
        deletes.filter((point) => point.startsWith('"n"')),
      )
    }
    await expectFailed()
    const { writeRequests } = sandbox.stats()
    await expectFailed()
    expect(sandbox.stats().writeRequests).toBe(writeRequests)

    await snapshotAll(influxd)
    expect(await migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await readBack(sandbox, { database: 'deletes/autogen' })).toEqual(deletes)
    expect(await readBack(sandbox, { database: 'spared/autogen' })).toEqual(answers.get('spared/autogen'))
    expectSumsToClose(await migration.status())
  })
})
