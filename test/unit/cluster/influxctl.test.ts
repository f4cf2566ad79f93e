import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'smol-toml'
import { beforeEach, describe, expect, it } from 'vitest'
import { openAdmin } from '../../../src/cluster/admin.ts'
import { readCreatedToken } from '../../../src/cluster/influxctl-answers.ts'
import { retentionFlag } from '../../../src/cluster/influxctl-arguments.ts'
import type { ClusterAdmin } from '../../../src/cluster/cluster.ts'
import type { Admin, Target } from '../../../src/manifest/migration.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'
import { targetAt } from '../../rig/write-rig.ts'

const FAKE = fileURLToPath(new URL('../../rig/fake-influxctl.mjs', import.meta.url))
const SECRET = 'mgmt-very-secret'
const { signal } = new AbortController()

interface Call {
  args: string[]
  cmdline: string
  config?: string
  mode?: string
  folderMode?: string
}

let state: string
beforeEach(async () => {
  state = await temporaryFolder()
})

async function open(
  admin: Partial<Extract<Admin, { kind: 'influxctl' }>> = {},
  mode = '',
  target: Partial<Target> = {},
): Promise<ClusterAdmin> {
  const opened = await openAdmin(
    {
      ...targetAt('https://cluster.example.com'),
      ...target,
      admin: {
        kind: 'influxctl',
        command: [process.execPath, FAKE, '--state', state, '--mode', mode],
        profile: undefined,
        config: undefined,
        token: undefined,
        ...admin,
      },
    },
    signal,
  )
  if (opened === undefined) throw new Error('no admin')
  return opened
}

async function calls(): Promise<Call[]> {
  const text = await readFile(join(state, 'calls.ndjson'), 'utf8')
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as Call) // prettier-ignore
}

const managementToken = { kind: 'value', value: SECRET, variable: 'INFLUX_MANAGEMENT_TOKEN' } as const

describe('the temporary profile', () => {
  it.each([
    ['https://cluster.example.com', {}, { host: 'cluster.example.com', port: '443' }],
    ['https://cluster.example.com:8443', { insecure: true }, { port: '8443', tls: { insecure: true } }],
    ['http://localhost:8080', {}, { host: 'localhost', port: '8080', tls: { disable: true } }],
    [
      'http://[::1]',
      { ca: '/etc/ca.pem' },
      { host: '::1', port: '80', tls: { disable: true, ca: '/etc/ca.pem' } },
    ],
  ])('for %s', async (url, tls, expected) => {
    const admin = await open({ token: managementToken }, '', {
      url,
      tls: { ca: undefined, insecure: false, ...tls },
    })
    await admin.listDatabases(signal)
    await admin.close()
    const [call] = await calls()
    const { profile } = parse(call?.config ?? '') as { profile: [object] }
    expect(profile).toEqual([
      {
        name: 'influx-ferry',
        product: 'clustered',
        host: 'cluster.example.com',
        mgmt_token: SECRET,
        ...expected,
      },
    ])
    expect(call).toMatchObject({ mode: '600', folderMode: '700' })
  })

  it('is gone after close, and its secret is on no command line', async () => {
    const admin = await open({ token: managementToken })
    await admin.listDatabases(signal)
    const [call] = await calls()
    const path = call?.args[1] ?? ''
    expect(call?.args).toEqual([
      '--config',
      path,
      '--profile',
      'influx-ferry',
      'database',
      'list',
      '--format',
      'json',
    ])
    expect(call?.cmdline).toContain('--config')
    expect(call?.cmdline).not.toContain(SECRET)
    expect(existsSync(path)).toBe(true)
    await admin.close()
    expect(existsSync(dirname(path))).toBe(false)
  })
})

it("uses the user's own profile and configuration", async () => {
  const config = join(state, 'config.toml')
  await writeFile(config, '')
  const admin = await open({ profile: 'prod', config })
  await admin.listDatabases(signal)
  await admin.close()
  expect((await calls())[0]?.args.slice(0, 4)).toEqual(['--config', config, '--profile', 'prod'])
  expect(existsSync(config)).toBe(true)
})

describe('databases', () => {
  it('are listed with exact retention, unset limits, unknown keys', async () => {
    await writeFile(
      join(state, 'list.json'),
      `[{"account_id":"uuid","database_name":"a","retention_period_ns":0,"max_tables":500,"max_columns_per_table":250,"id":3},
        {"database_name":"b/c","retention_period_ns":9223372036854775807,"max_tables":null},
        {"database_name":"d","retention_period_ns":86400000000000,"max_tables":"","max_columns_per_table":0}]`,
    )
    const admin = await open()
    expect(await admin.listDatabases(signal)).toEqual([
      { name: 'a', retentionPeriod: 0n, maxTables: 500, maxColumns: 250 },
      { name: 'b/c', retentionPeriod: 9223372036854775807n, maxTables: undefined, maxColumns: undefined },
      { name: 'd', retentionPeriod: 86_400_000_000_000n, maxTables: undefined, maxColumns: undefined },
    ])
  })

  it('are none where an old influxctl says null', async () => {
    expect(await (await open({}, 'null')).listDatabases(signal)).toEqual([])
  })

  const spec = {
    retentionPeriod: 0n,
    maxTables: undefined,
    maxColumns: undefined,
    partitionTemplate: undefined,
  }

  it('are created with every limit told', async () => {
    const admin = await open()
    await admin.createDatabase({ ...spec, name: 'plant/autogen' }, signal)
    await admin.createDatabase(
      {
        name: '-x',
        retentionPeriod: 90n * 86_400_000_000_000n,
        maxTables: 2000,
        maxColumns: 1000,
        partitionTemplate: [
          { type: 'tag', value: 'host' },
          { type: 'bucket', value: { tagName: 'city', numberOfBuckets: 10 } },
          { type: 'time', value: '%Y-%m' },
        ],
      },
      signal,
    )
    await admin.createDatabase(
      { ...spec, name: 't', partitionTemplate: [{ type: 'tag', value: 'a' }] },
      signal,
    )
    expect((await calls()).map(({ args }) => args.join(' '))).toEqual([
      'database create --retention-period 0s --max-tables 500 --max-columns 250 plant/autogen',
      'database create --retention-period 90d --max-tables 2000 --max-columns 1000 ' +
        '--template-tag host --template-tag-bucket city,10 --template-timeformat %Y-%m -- -x',
      'database create --retention-period 0s --max-tables 500 --max-columns 250 --template-tag a --template-timeformat %Y-%m-%d t',
    ])
  })

  it('that exist already are a failure of their own', async () => {
    const admin = await open()
    await admin.createDatabase({ ...spec, name: 'a' }, signal)
    await expect(admin.createDatabase({ ...spec, name: 'a' }, signal)).rejects.toMatchObject({
      code: 'admin/already-exists',
    })
  })

  it('are updated with both limits, those not asked for as they are', async () => {
    const admin = await open()
    await admin.createDatabase({ ...spec, name: 'a', maxTables: 700, maxColumns: 300 }, signal)
    const day = 86_400_000_000_000n
    await admin.updateDatabase('a', { retentionPeriod: day, maxTables: undefined, maxColumns: 400 }, signal)
    await admin.updateDatabase('a', { retentionPeriod: 0n, maxTables: 1, maxColumns: 2 }, signal)
    const updates = (await calls())
      .map(({ args }) => args.join(' '))
      .filter((args) => args.includes('update'))
    expect(updates).toEqual([
      'database update --retention-period 1d --max-tables 700 --max-columns 400 a',
      'database update --retention-period 0s --max-tables 1 --max-columns 2 a',
    ])
  })

  it.each([
    [0n, '0s'],
    [3_600_000_000_000n, '1h'],
    [604_800_000_000_000n, '7d'],
    [5_400_000_000_000n, '1h30m'],
    [3_601_000_000_000n, '1h1m'],
  ])('have a retention of %i ns as %s', (nanos, flag) => {
    expect(retentionFlag(nanos)).toBe(flag)
  })
})

describe('tokens', () => {
  it('are listed', async () => {
    expect(await (await open()).listTokens(signal)).toEqual([{ id: 'id-1', description: 'other' }])
  })

  it('are created with their grants and expiry', async () => {
    await writeFile(join(state, 'token.txt'), '{"id":"i","token":"apiv1_abc"}')
    const admin = await open()
    const token = await admin.createToken(
      { description: 'plant migration', read: ['*'], write: ['a/b', 'c'], expiresAt: '2030-01-01T00:00:00Z' },
      signal,
    )
    expect(token).toEqual({ id: 'i', secret: 'apiv1_abc' })
    expect((await calls())[0]?.args).toEqual([
      ...['token', 'create', '--format', 'json', '--read-database', '*'],
      ...['--write-database', 'a/b', '--write-database', 'c'],
      ...['--expires-at', '2030-01-01T00:00:00Z', 'plant migration'],
    ])
  })

  it.each<[string, string, { id: string | undefined; secret: string }]>([
    ['an object', '{"id":"i1","accessToken":"apiv1_a-b.c_D"}', { id: 'i1', secret: 'apiv1_a-b.c_D' }],
    ['a list', '[{"token_id":5,"value":"apiv1_x"}]', { id: '5', secret: 'apiv1_x' }],
    ['a nested object', '{"token":{"id":"i2","token":"apiv1_y"},"x":null}', { id: 'i2', secret: 'apiv1_y' }],
    ['an unmarked token', '{"id":"i3","token":"opaque"}', { id: 'i3', secret: 'opaque' }],
    ['a JSON string', '"apiv1_s"', { id: undefined, secret: 'apiv1_s' }],
    ['the token alone', 'apiv1_alone==\n', { id: undefined, secret: 'apiv1_alone==' }],
    [
      'an unmarked token alone',
      '\nabcdefghijklmnop1234\n',
      { id: undefined, secret: 'abcdefghijklmnop1234' },
    ],
    [
      'the box of 2.11',
      '+-------------+--------------------------------------+\n' +
        '| id          | 4b6f3f7e-0000-4000-8000-0123456789ab |\n' +
        '| description | my id token                          |\n' +
        '| expires at  | never                                |\n' +
        '| revoked at  |                                      |\n' +
        '+-------------+--------------------------------------+\n\napiv1_boxed\n',
      { id: '4b6f3f7e-0000-4000-8000-0123456789ab', secret: 'apiv1_boxed' },
    ],
  ])('are read from %s', (_, stdout, expected) => {
    expect(readCreatedToken(stdout)).toEqual(expected)
  })

  it('that are nowhere in the answer are a failure that does not show it', async () => {
    await writeFile(join(state, 'token.txt'), '{"id":"i","something":{"else":"x"}}')
    const create = (await open()).createToken(
      { description: 'd', read: [], write: [], expiresAt: undefined },
      signal,
    )
    await expect(create).rejects.toMatchObject({ code: 'admin/unreadable-answer' })
  })
})

describe('trouble', () => {
  it('with an old cluster names the versions', async () => {
    await expect((await open({}, 'unimplemented')).listDatabases(signal)).rejects.toMatchObject({
      code: 'admin/unsupported',
      remedy: expect.stringContaining('20240326-922145') as string,
    })
  })

  it('with the login skips warnings, hides secrets, and says how to do without a browser', async () => {
    const admin = await open({ token: managementToken }, 'expired')
    const failure = await admin.listDatabases(signal).catch((error: unknown) => error as Error)
    await admin.close()
    expect(failure).toMatchObject({
      code: 'admin/unauthenticated',
      message: expect.stringMatching(/code = Unauthenticated desc = token expired: \*\*\*/) as string,
      remedy: expect.stringContaining('management token') as string,
    })
  })

  it('with the answer', async () => {
    await expect((await open({}, 'garbled')).listDatabases(signal)).rejects.toMatchObject({
      code: 'admin/unreadable-answer',
    })
  })

  it('with the program', async () => {
    await expect(
      (await open({ command: ['no-influxctl-here'] })).listDatabases(signal),
    ).rejects.toMatchObject({
      code: 'process/not-found',
    })
  })
})
