/** The main job into servers that are not ours: a second, real influxd, and a real victoria-metrics. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { formatRfc3339 } from '../../src/core/time.ts'
import { migrationOf } from '../rig/ferry.ts'
import { fillWithHardData, MONDAY, type HardDatabase } from '../rig/hard-data.ts'
import { influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { readBack } from '../rig/read-back.ts'
import { expectSumsToClose } from '../rig/sums.ts'
import { startVictoriaMetrics } from '../rig/victoria-metrics.ts'

/** Without `/`, which influxd refuses in names. */
const TARGETS: Record<string, string> = {
  'plant/autogen': 'plant_autogen',
  'plant/stündlich 1h': 'plant_hourly',
  'plant/recent': 'plant_recent',
  'Werk Süd 2/zwei Jahre': 'werk_sud_2',
  'extremes/autogen': 'extremes',
  'many/autogen': 'many',
  'refused/autogen': 'refused',
  'types/autogen': 'types',
}
const nameOf = ({ database, retentionPolicy }: HardDatabase) => `${database}/${retentionPolicy}`

const mappingsOf = (names: readonly string[]) =>
  names
    .map((name) => {
      const [database, policy] = name.split('/')
      return `  - { source: s, database: ${database}, retentionPolicy: ${policy}, target: ${TARGETS[name]}, retentionPeriod: infinite }\n`
    })
    .join('')

const manifestOf = (url: string, { dirs }: Influxd, api: 'v1' | 'v2', mappings: string) => `
apiVersion: influx-ferry/v1
name: elsewhere
sources:
  - name: s
    kind: data-dir
    reader: influx_inspect
    dataDir: ${JSON.stringify(dirs.data)}
    walDir: ${JSON.stringify(dirs.wal)}
    metaDir: ${JSON.stringify(dirs.meta)}
    command: ${JSON.stringify(influxInspect)}
target:
  url: ${url}
  admin: { kind: none }
  write: { api: ${api} }
verify: { level: none }
mappings:
${mappings}tokens:
  - { env: INFLUX_TOKEN }
`

describe.skipIf(influxInspect === undefined)('a data directory of hard data', () => {
  let influxd: Influxd
  let databases: HardDatabase[]
  const answers = new Map<string, string[]>()

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { inexpressible: true, series: 500 })
    await influxd.restart()
    for (const one of databases) answers.set(nameOf(one), await readBack(influxd, one))
    await influxd.stop()
  })
  afterAll(() => influxd.remove())

  it('is answered by a second influxd as by the first', async () => {
    const second = await startInfluxd()
    onTestFinished(() => second.remove())
    for (const target of Object.values(TARGETS)) await second.execute(`CREATE DATABASE ${target}`)
    const manifest = manifestOf(second.url, influxd, 'v1', mappingsOf(Object.keys(TARGETS)))
    const migration = await migrationOf(manifest, { INFLUX_TOKEN: 'any' })
    onTestFinished(() => migration.remove())

    expect(await migration.run()).toMatchObject({ exitCode: 3, stderr: '' })
    // A tag and a field of one name, long strings and another type in another shard are fine with influxd.
    const letters = await migration.letters()
    expect(letters.map(({ by, reason }) => `${by}: ${reason}`).sort()).toEqual([
      'influx-ferry: the field key holds a tab',
      'influx-ferry: the measurement holds a tab',
      'influx-ferry: the tag value holds a tab',
    ])
    for (const one of databases) {
      const points = answers.get(nameOf(one)) ?? []
      const sent = one.kind === 'refused-names' ? points.filter(hasNoTab) : points
      const expected = sent.map(doubledInNames).sort()
      expect(expected.length).toBeGreaterThan(3)
      const answer = await readBack(second, { database: TARGETS[nameOf(one)] ?? '' })
      expect(answer, nameOf(one)).toEqual(expected)
    }
    expectSumsToClose(await migration.status())
    expect(await migration.run()).toMatchObject({ exitCode: 3 })
  })

  /**
   * victoria-metrics holds floats of about twelve digits at milliseconds, and so far it is compared. It takes a boolean for 0 or 1 and a string
   * for 0. A newline inside a string ends a line for it: plant/autogen begins behind the strings that have some.
   */
  it('is in victoria-metrics as far as it can hold it', async () => {
    const server = await startVictoriaMetrics()
    onTestFinished(() => server.remove())
    const names = ['plant/stündlich 1h', 'plant/recent', 'many/autogen']
    const start = MONDAY + 3_600_000_000_000n
    const mappings =
      mappingsOf(names) +
      mappingsOf(['plant/autogen']).replace(' }', `, timeRange: { start: ${formatRfc3339(start)} } }`)
    const manifest = manifestOf(server.url, influxd, 'v2', mappings)
    const migration = await migrationOf(manifest, { INFLUX_TOKEN: 'any' })
    onTestFinished(() => migration.remove())
    expect(await migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await migration.letters()).toEqual([])
    expectSumsToClose(await migration.status())

    const later = (answers.get('plant/autogen') ?? []).filter((point) => partsOf(point).time >= start)
    const points = names.flatMap((name) => answers.get(name) ?? []).concat(later)
    const expected = points.map(sampleOf).sort()
    const samples = (await server.exported()).flatMap(({ metric, values, timestamps }) =>
      values.map((value, i) => sampleText(metric, timestamps[i] ?? NaN, value)),
    )
    expect(expected.length).toBeGreaterThan(3000)
    expect(samples.sort()).toEqual(expected)
  })
})

/** v3 reads `\\` in a name as one backslash, influxd as two: in its own way, what was sent to it is right. */
function doubledInNames(point: string): string {
  const end = / @-?\d+ = /.exec(point)?.index ?? 0
  return point.slice(0, end).replaceAll('\\\\', '\\\\\\\\') + point.slice(end)
}

const hasNoTab = (point: string) => !point.slice(0, point.indexOf(' @')).includes('\\t')

const POINT =
  /^("(?:[^"\\]|\\.)*")((?:,"(?:[^"\\]|\\.)*"="(?:[^"\\]|\\.)*")*) ("(?:[^"\\]|\\.)*") @(-?\d+) = (.*) \((\w+)\)$/

function partsOf(point: string) {
  const [, measurement = '', tags = '', field = '', time = '', value = '', type = ''] =
    POINT.exec(point) ?? []
  return { measurement, tags, field, time: BigInt(time), value, type }
}

function sampleOf(point: string): string {
  const { measurement, tags, field, time, value, type } = partsOf(point)
  const name = `${JSON.parse(measurement) as string}_${JSON.parse(field) as string}`
  const labels = JSON.parse(`{${tags.slice(1).replaceAll('"="', '":"')}}`) as Record<string, string>
  const number = type === 'boolean' ? Number(value === 'true') : type === 'string' ? 0 : Number(value)
  return sampleText({ __name__: name, ...labels }, Number(time / 1_000_000n), number)
}

function sampleText(metric: Record<string, string>, milliseconds: number, value: number): string {
  const labels = Object.entries(metric).map(([name, label]) => `${name}=${JSON.stringify(label)}`)
  return `${labels.sort().join(',')} @${milliseconds} = ${Number(value.toPrecision(11))}`
}
