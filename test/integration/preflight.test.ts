/** A source with every conflict at once: a run writes nothing and names them all; with what is suggested, it migrates. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ferry, migrationOf, type Finished, type Migration } from '../rig/ferry.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { readBack } from '../rig/read-back.ts'

const HOUR = 3_600_000_000_000n
const WEEK = 7n * 24n * HOUR
/** 2021-03-01T00:00:00Z, a Monday: the start of a shard group of seven days. */
const MONDAY = 1_614_556_800_000_000_000n

const manifest = (dirs: Influxd['dirs'], transfer: string, mappings: string, tokens = '') => `
apiVersion: influx-ferry/v1
name: conflicts
sources:
  - { name: s, kind: data-dir, dataDir: ${dirs.data}, walDir: ${dirs.wal}, metaDir: ${dirs.meta} }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
transfer: ${transfer}
${tokens}
mappings:
${mappings}
`
const CONFLICTS = `  - { source: s, database: conflicts, retentionPolicy: '*', target: '{database}/{retentionPolicy}' }
  - { source: s, database: many, retentionPolicy: autogen, target: many }
  - { source: s, database: there, retentionPolicy: autogen, target: there }
  - { source: s, database: short, retentionPolicy: autogen, target: short, retentionPeriod: 30d }`

const columns = (count: number, value: string) =>
  Array.from({ length: count }, (_, i) => `c${i}=${value}`).join(',')

const LONG = `note,t=y s="${'x'.repeat(70_000)}"`

/** First shard group, then the second one: a field may change its type in between. */
const EARLY = [
  'types,t=x a=1,b=1i,c="text",same=1',
  'clash,t=x t=5,f=6',
  'across,u=x f=6',
  'across u=7',
  `wide,t=x ${columns(300, '1')}`,
  `wider,t=x ${columns(1200, '1')}`,
  'tab\there,t=x f=2',
  'tabs,t=a\tb f=3',
  'tabs,t=x a\tb=4',
  'tabs,a\tb=x f=5',
  LONG.replace('note', 'long'),
  'long,t=x ok="short"',
  '_hidden f=1',
  'good,t=x f=1',
]
const LATE = ['types,t=x a="text",b=2.5,c=true,same=2', 'good,t=x f=2']
/** What the cluster has, of another time. */
const OURS = `machine,t=x load="high" ${MONDAY + 9n * WEEK}`

let influxd: Influxd
let sandbox: OpenSandbox
let migration: Migration
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  influxd = await startInfluxd()
  await influxd.query(
    'CREATE DATABASE conflicts WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME autogen',
  )
  await influxd.query(
    'CREATE RETENTION POLICY weekly ON conflicts DURATION INF REPLICATION 1 SHARD DURATION 7d',
  )
  for (const name of ['many', 'there', 'short', 'notes'])
    await influxd.query(
      `CREATE DATABASE ${name} WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME autogen`,
    )
  const at = (lines: string[], time: bigint) => lines.map((line) => `${line} ${time}`)
  await influxd.write(at(EARLY, MONDAY), 'conflicts', 'autogen')
  await influxd.snapshotted()
  await influxd.restart({ snapshotAfter: '24h' })
  await influxd.write(at(LATE, MONDAY + WEEK), 'conflicts', 'autogen')
  await influxd.write(at(['fine f=1'], MONDAY), 'conflicts', 'weekly')
  const tables = Array.from({ length: 501 }, (_, i) => `m${i} f=1 ${MONDAY}`)
  await influxd.write(tables, 'many', 'autogen')
  await influxd.write(at([LONG, 'note,t=x s="short"'], MONDAY), 'notes', 'autogen')
  await influxd.write(at(['machine,t=x load=1.5,other=2'], MONDAY), 'there', 'autogen')
  const recently = BigInt(Date.now()) * 1_000_000n - HOUR
  await influxd.write([...at(['m f=1'], MONDAY), ...at(['m f=2'], recently)], 'short', 'autogen')
  sandbox = await openSandbox()
  await sandbox.admin('POST', '/databases', { name: 'there' })
  await sandbox.admin('POST', '/databases', { name: 'short', retentionPeriod: Number(720n * HOUR) })
  await sandbox.write(OURS, { bucket: 'there' })
  env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken, TOKEN: sandbox.token }
  migration = await migrationOf(manifest(influxd.dirs, 'direct', CONFLICTS, 'tokens: [{ env: TOKEN }]'), env)
})
afterAll(async () => {
  await migration.remove()
  await sandbox.close()
  await influxd.remove()
})

const databases = async () => {
  const { body } = await sandbox.admin('GET', '/databases')
  return (JSON.parse(body) as { name: string }[]).map(({ name }) => name)
}

/** Code and place of each finding in the output of a run with --json. */
function namesIn({ stdout }: Finished): string[] {
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; findings: Record<string, string>[] })
  const found = events.find(({ type }) => type === 'preflight')?.findings ?? []
  return found
    .map(({ severity, code, where, points }) => `${severity} ${code} ${where} ${points ?? '-'}`)
    .sort()
}

it('a bare manifest writes nothing, and names every conflict', async () => {
  const { lines, points } = sandbox.stats()
  const run = await migration.run('--json')
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('preflight/unresolved')
  expect(namesIn(run)).toEqual([
    'error preflight/column-type there machine.load 1',
    'error preflight/columns conflicts/autogen wide -',
    'error preflight/columns conflicts/autogen wider -',
    'error preflight/field-types conflicts/autogen types.a 2',
    'error preflight/field-types conflicts/autogen types.b 2',
    'error preflight/field-types conflicts/autogen types.c 2',
    'error preflight/name conflicts/autogen tab\\there 1',
    'error preflight/name conflicts/autogen tabs.a\\tb 1',
    'error preflight/name conflicts/autogen tabs.a\\tb 1',
    'error preflight/retention short -',
    'error preflight/tables many -',
    'error preflight/tag-and-field conflicts/autogen across.u 1',
    'error preflight/tag-and-field conflicts/autogen clash.t 1',
    'error preflight/value conflicts/autogen long 1',
    'error preflight/value conflicts/autogen tabs 1',
    'warning preflight/reserved-name conflicts/autogen _hidden -',
  ])
  expect(sandbox.stats()).toMatchObject({ lines, points })
  expect((await databases()).sort()).toEqual(['db', 'short', 'there'])
  const { slices, databases: made, tokens, runs } = await migration.status()
  expect({ slices, made, tokens }).toEqual({ slices: {}, made: {}, tokens: {} })
  expect(runs).toHaveLength(1)
})

it('what is suggested is green, and migrates', async () => {
  const file = join(migration.folder, 'manifest.yaml')
  const suggested = await ferry(['validate', file, '--deep', '--suggest'], { cwd: migration.folder, env })
  expect(suggested.exitCode).toBe(2)
  const text = await readFile(file, 'utf8')
  await migration.rewrite(text.replace(/^mappings:.*/ms, () => suggested.stdout))
  const green = await ferry(['validate', file, '--deep'], { cwd: migration.folder, env })
  expect(green.stdout).toContain('The cluster can take it')
  expect(green).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('error') as string })
})

it('migrates with what is suggested, and what is there is what influxd answers under those rules', async () => {
  const run = await migration.run()
  expect(run.stderr).toBe('')
  expect(run.exitCode).toBe(3)
  await influxd.restart()
  const asked = await readBack(influxd, { database: 'conflicts', retentionPolicy: 'autogen' })
  const expected = asked.flatMap((point) => ruled(point)).sort()
  const arrived = await readBack(sandbox, { database: 'conflicts/autogen' })
  expect(arrived.filter((point) => !point.startsWith('"wider'))).toEqual(expected)
  expect(asked.length).toBeGreaterThan(300)
  // A row of 1200 columns is in several tables, each field once.
  const wider = arrived.filter((point) => point.startsWith('"wider'))
  expect(new Set(wider.map((point) => / "(c\d+)" @/.exec(point)?.[1])).size).toBe(1200)
  expect(await readBack(sandbox, { database: 'conflicts/weekly' })).toHaveLength(1)
  expect(await readBack(sandbox, { database: 'many' })).toHaveLength(501)
  const asGiven = (await readBack(influxd, { database: 'there', retentionPolicy: 'autogen' })).map((point) =>
    point.replace('"load"', '"load_float"'),
  )
  const there = await readBack(sandbox, { database: 'there' })
  expect(there.filter((point) => !point.includes('"load"'))).toEqual(asGiven)
  expect(there).toHaveLength(3)
  const [recent, ...older] = await readBack(sandbox, { database: 'short' })
  expect([recent, older]).toEqual([expect.stringContaining('= 2 (float)'), []])
  const letters = (await migration.letters()).map(({ reason }) => reason).sort()
  expect(letters).toEqual(['String is greater than 64KB', 'the tag value holds a tab'])
  const compared = await ferry(['verify', join(migration.folder, 'manifest.yaml'), '--level', 'full'], {
    cwd: migration.folder,
    env,
  })
  expect(compared).toMatchObject({ exitCode: 0, stderr: '' })
  expect(compared.stdout).toContain('6 slices equal')
  const again = await migration.run()
  expect(again.stdout).toContain('Nothing to do')
})

it('a staged run looks at strings while it exports, and writes nothing either', async () => {
  const mapping = '  - { source: s, database: notes, retentionPolicy: autogen, target: notes }'
  const staged = await migrationOf(manifest(influxd.dirs, 'staged', mapping), env)
  try {
    const before = sandbox.stats().writeRequests
    const run = await staged.run()
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain('export/inexpressible')
    expect(run.stderr).toContain('1: the string is longer than 64 KiB')
    expect(sandbox.stats().writeRequests).toBe(before)
    expect(await databases()).not.toContain('notes')
    await staged.rewrite(
      (await readFile(join(staged.folder, 'manifest.yaml'), 'utf8')).replace(
        'target: notes',
        '$&, onInexpressible: dead-letter',
      ),
    )
    expect((await staged.run()).exitCode).toBe(3)
    expect(await readBack(sandbox, { database: 'notes' })).toHaveLength(1)
  } finally {
    await staged.remove()
  }
})

it('sees the columns of a database that is there as soon as it has a token, and then writes nothing either', async () => {
  await sandbox.admin('POST', '/databases', { name: 'later' })
  await sandbox.write(OURS, { bucket: 'later' })
  const mapping = '  - { source: s, database: there, retentionPolicy: autogen, target: later }'
  const late = await migrationOf(manifest(influxd.dirs, 'staged', mapping), env)
  try {
    const before = await readBack(sandbox, { database: 'later' })
    const run = await late.run('--json')
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain('preflight/unresolved')
    expect(namesIn(run)).toEqual(['error preflight/column-type later machine.load 1'])
    expect(await readBack(sandbox, { database: 'later' })).toEqual(before)
    const file = join(late.folder, 'manifest.yaml')
    const suggested = await ferry(['validate', file, '--deep', '--suggest'], { cwd: late.folder, env })
    await late.rewrite((await readFile(file, 'utf8')).replace(/^mappings:.*/ms, () => suggested.stdout))
    expect(await late.run()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await readBack(sandbox, { database: 'later' })).toHaveLength(before.length + 2)
  } finally {
    await late.remove()
  }
})

/** What becomes of a point of `conflicts` (as readBack gives it: names as JSON) under the rules that are suggested. */
function ruled(point: string): string[] {
  const [, measurement = '', tags = '', field = '', rest = '', type = ''] =
    /^"(.*?)"((?:,"[^"]*"="[^"]*")*) "([^"]*)"( @-?\d+ = .*\((\w+)\))$/s.exec(point) ?? []
  const named = (table: string, name: string, series = tags) => [`"${table}"${series} "${name}"${rest}`]
  if (measurement === 'wider' || field === 's') return []
  if (measurement === 'types' && field === 'a' && type === 'string') return named('types', 'a_str')
  // Asked for floats, influxd turns the integers of the other shard group into some, and the other way round.
  if (measurement === 'types' && field === 'b') return type === 'float' ? [point] : []
  if (measurement === 'types' && field === 'c' && type === 'boolean') return named('types', 'c_bool')
  if (measurement === 'clash' && field === 't') return named('clash', 't_field')
  if (measurement === 'across' && field === 'u') return named('across', 'u_field')
  if (measurement === 'tab\\there') return named('tab_here', field)
  if (measurement !== 'tabs') return [point]
  if (tags.includes('"a\\tb"=')) return named('tabs', field, tags.replace('a\\tb', 'a_b'))
  return tags.includes('\\t') ? [] : named('tabs', field.replace('a\\tb', 'a_b_2'))
}
