import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runInfluxctl } from '../../../src/sandbox/influxctl.ts'
import { openSandbox, type OpenSandbox } from '../../rig/open-sandbox.ts'

let sandbox: OpenSandbox
let dir: string
let config: string

beforeEach(async () => {
  sandbox = await openSandbox()
  dir = await mkdtemp(join(tmpdir(), 'influxctl-'))
  config = join(dir, 'config.toml')
  await writeFile(config, profile())
})
afterEach(async () => {
  await sandbox.close()
  await rm(dir, { recursive: true })
})

const profile = (extra = '') => `[[profile]]
name = "default"
product = "clustered"
host = "127.0.0.1"
port = "${sandbox.port}"
mgmt_token = "${sandbox.managementToken}"
${extra}
[profile.tls]
disable = true
`

async function influxctl(argv: string[], version?: string) {
  const output = { out: '', err: '' }
  const code = await runInfluxctl(['--config', config, ...argv], {
    stdout: (text) => void (output.out += text),
    stderr: (text) => void (output.err += text),
    env: version === undefined ? {} : { INFLUX_FERRY_INFLUXCTL_VERSION: version },
  })
  return { code, ...output }
}

test('database: create, list, update, rename, delete, undelete', async () => {
  const created = await influxctl([
    'database',
    'create',
    '--retention-period',
    '30d',
    '--max-tables',
    '600',
    'plant/autogen',
  ])
  expect(created).toMatchObject({ code: 0, err: '' })
  const listed = await influxctl(['database', 'list', '--format', 'json'])
  expect(JSON.parse(listed.out)).toContainEqual({
    account_id: expect.any(String) as string,
    cluster_id: expect.any(String) as string,
    database_name: 'plant/autogen',
    retention_period_ns: 2_592_000_000_000_000,
    max_tables: 600,
    max_columns_per_table: 250,
  })
  expect((await influxctl(['database', 'list'])).out).toContain(
    '| plant/autogen | 720h             |        600 |                   250 |',
  )
  const twice = await influxctl(['database', 'create', 'plant/autogen'])
  expect(twice).toMatchObject({ code: 1, out: '' })
  expect(twice.err).toContain('A namespace with the name `plant/autogen` already exists')
  expect((await influxctl(['database', 'update', '--retention-period', '0d', 'plant/autogen'])).code).toBe(0)
  expect((await influxctl(['database', 'rename', 'plant/autogen', 'plant'])).code).toBe(0)
  expect((await influxctl(['database', 'delete', '--force', 'plant'])).code).toBe(0)
  expect((await influxctl(['database', 'list'])).out).not.toContain('plant')
  expect((await influxctl(['database', 'undelete', 'plant'])).code).toBe(0)
  expect((await influxctl(['database', 'list'])).out).toContain('| plant         | infinite')
})

test('partition templates need their time format', async () => {
  const tag = ['database', 'create', '--template-tag', 'host']
  expect((await influxctl([...tag, 'a'])).err).toContain('--template-timeformat is required')
  expect((await influxctl([...tag, 'a'], '2.9.0')).code).toBe(0)
  const both = [...tag, '--template-tag-bucket', 'customer,100', '--template-timeformat', '%Y-%m', 'b']
  expect((await influxctl(both)).code).toBe(0)
  const { body } = await sandbox.admin('GET', '/databases')
  expect(
    (JSON.parse(body) as { name: string; partitionTemplate?: unknown }[]).find(({ name }) => name === 'b')
      ?.partitionTemplate,
  ).toEqual([
    { type: 'tag', value: 'host' },
    { type: 'bucket', value: { tagName: 'customer', numberOfBuckets: 100 } },
    { type: 'time', value: '%Y-%m' },
  ])
})

test('token create: JSON, the box of 2.11, the bare token before; the token works, a revoked one does not', async () => {
  const grants = ['token', 'create', '--read-database', '*', '--write-database', 'db']
  const json = JSON.parse((await influxctl([...grants, '--format', 'json', 'a token'])).out) as {
    id: string
    token: string
  }
  const as = { headers: { authorization: `Bearer ${json.token}` } }
  expect((await sandbox.write('m f=1 1', {}, as)).status).toBe(204)
  const lines = (await influxctl([...grants, 'boxed'])).out.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^\+-+\+-+\+$/)
  expect(lines.at(-1)).toMatch(/^apiv1_/)
  expect((await influxctl([...grants, 'bare'], '2.9.0')).out).toMatch(/^apiv1_\S+\n$/)
  expect((await influxctl([...grants, '--expires-at', '2030-01-01T00:00:00Z', 'x'], '2.9.0')).code).toBe(1)
  expect((await influxctl(['token', 'revoke', '--force', json.id])).code).toBe(0)
  expect((await sandbox.write('m f=1 1', {}, as)).status).toBe(401)
  const listed = JSON.parse((await influxctl(['token', 'list', '--format', 'json'])).out) as {
    description: string
    permissions: object
  }[]
  expect(listed.map(({ description }) => description).sort()).toEqual(['bare', 'boxed', 'tests'])
  expect(listed[0]?.permissions).toEqual({})
})

test('query and write with a database token', async () => {
  const data = ['--database', 'db', '--token', sandbox.token]
  expect((await influxctl(['write', ...data, 'm,t=a f=1 9007199254740993'])).code).toBe(0)
  const answer = await influxctl([
    'query',
    ...data,
    '--language',
    'influxql',
    '--format',
    'json',
    'SELECT * FROM m',
  ])
  expect(answer.out).toContain('"time": 9007199254740993')
})

test.each([
  [['database', 'create', 'x', '--max-tables', '5'], 'flags go before'],
  [['database', 'create', '--nope', 'x'], 'flag provided but not defined: -nope'],
  [['database', 'create', '--retention-period', '10s', 'x'], 'invalid retention period'],
  [['database', 'create', '--retention-period', '10m', 'x'], 'at least 1h'],
  [['database', 'create', 'no.dots'], 'contains invalid character, character number 2 is not allowed'],
  [['database', 'create', '--max-columns', '1001', 'x'], 'restricted to a maximum value of 1000'],
  [['database', 'update', 'nope'], 'code = NotFound'],
  [['database', 'delete', 'db'], '--force'],
  [['cluster', 'list'], "No help topic for 'cluster'"],
])('influxctl %j fails', async (argv, text) => {
  const { code, out, err } = await influxctl(argv)
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(text)
})

test('profiles: unknown keys, a missing profile, a wrong management token, no server', async () => {
  const list = ['database', 'list']
  await writeFile(config, profile('colour = "red"'))
  expect((await influxctl(list)).err).toContain('unknown key "profile.colour"')
  await writeFile(config, profile().replace(/port = .*/, `port = ${sandbox.port}`))
  expect((await influxctl(list)).err).toContain('"profile.port" must be a string')
  await writeFile(config, profile())
  expect((await influxctl(['--profile', 'other', ...list])).err).toContain('profile "other" not found')
  await writeFile(config, profile().replace(sandbox.managementToken, 'wrong'))
  expect((await influxctl(list)).err).toContain('code = Unauthenticated')
  await writeFile(config, profile().replace(/port = .*/, 'port = "1"'))
  expect((await influxctl(list)).err).toContain('code = Unavailable')
})
