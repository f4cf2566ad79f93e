/** Hard data under transforms into the sandbox: what influxd answers, changed in the same way by an obvious program. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { normalizeTransform } from '../../src/manifest/normalize-transform.ts'
import type * as written from '../../src/manifest/manifest.generated.ts'
import { migrationOf } from '../rig/ferry.ts'
import { fillWithHardData, type HardDatabase } from '../rig/hard-data.ts'
import { influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox } from '../rig/open-sandbox.ts'
import { readBack } from '../rig/read-back.ts'
import { expectSumsToClose } from '../rig/sums.ts'
import { rowsOfPoints, transformed } from '../rig/transform-oracle.ts'

const RULES = [
  '{ measurement: machine, cast: { count: float }, tagsToFields: [line], fieldsToTags: [running] }',
  "{ measurement: machine, renameFields: { line: production line }, setTags: { site: 'West, 2' } }",
  '{ measurement: hours, dropTags: [edge], precision: h }',
  "{ measurement: 'metric *', dropTags: [id], rename: 'plant/{measurement}' }",
  '{ measurement: sparse, renameFields: { f3: f4 }, splitFields: { sparse low: [f0, f1, f2] } }',
  '{ measurement: texts, renameFields: { text: note }, cast: { length: string } }',
  '{ measurement: integers, cast: { i: float } }',
  '{ measurement: floats, cast: { f: string } }',
  '{ measurement: values, tagsToFields: [t] }',
  "{ measurement: keys, keepTags: ['a*', 'Süd/*'] }",
  "{ measurement: fields, dropFields: ['a*'], renameFields: { '#1': 'number one' } }",
  '{ measurement: deleted, drop: true }',
  '{ dropSeries: [{ host: host-1* }] }',
]
const rules = RULES.map((rule) => normalizeTransform(parse(rule) as written.Transform))

const MAPPINGS = [
  'database: plant, retentionPolicy: stündlich 1h, target: plant/hourly',
  'database: Werk Süd 2, retentionPolicy: zwei Jahre, target: werk-sud-2/zwei-jahre',
  "database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}'",
]
const TARGETS: Record<string, string> = {
  'plant/stündlich 1h': 'plant/hourly',
  'Werk Süd 2/zwei Jahre': 'werk-sud-2/zwei-jahre',
}

const READERS = [
  ...[
    { reader: 'tsm', workers: 1 },
    { reader: 'tsm', workers: 2 },
  ],
  ...(influxInspect === undefined ? [] : [{ reader: 'influx_inspect', workers: 1 }]),
]

describe('hard data under transforms', () => {
  let influxd: Influxd
  let databases: HardDatabase[]
  const answers = new Map<HardDatabase, string[]>()

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { series: 300 })
    await influxd.restart()
    for (const one of databases) answers.set(one, await readBack(influxd, one))
    await influxd.stop()
  })
  afterAll(() => influxd.remove())

  it.each(READERS)('$reader, $workers threads', async ({ reader, workers }) => {
    const sandbox = await openSandbox()
    onTestFinished(() => sandbox.close())
    const { data, wal, meta } = influxd.dirs
    const command = reader === 'tsm' ? '' : `, command: ${JSON.stringify(influxInspect)}`
    const manifest = `
apiVersion: influx-ferry/v1
name: hard
sources:
  - { name: s, kind: data-dir, reader: ${reader}, dataDir: ${JSON.stringify(data)}, walDir: ${JSON.stringify(wal)}, metaDir: ${JSON.stringify(meta)}${command} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
spool: { workers: ${workers} }
mappings:
${MAPPINGS.map((mapping) => `  - { source: s, ${mapping}, transforms: [${RULES.join(', ')}] }`).join('\n')}
`
    const migration = await migrationOf(manifest, {
      SANDBOX_URL: sandbox.url,
      MANAGEMENT_TOKEN: sandbox.managementToken,
    })
    onTestFinished(() => migration.remove())
    const finished = await migration.run()
    expect({ ...finished, stdout: '' }).toMatchObject({ exitCode: 0, stderr: '' })
    for (const one of databases) {
      const name = `${one.database}/${one.retentionPolicy}`
      const expected = transformed(rowsOfPoints(answers.get(one) ?? []), rules)
      expect(expected.points.length).toBeGreaterThan(5)
      expect(await readBack(sandbox, { database: TARGETS[name] ?? name }), name).toEqual(expected.points)
    }
    expectSumsToClose(await migration.status())
  })
})
