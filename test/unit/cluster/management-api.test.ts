import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAdmin } from '../../../src/cluster/admin.ts'
import { query } from '../../../src/cluster/query.ts'
import type { ClusterAdmin } from '../../../src/cluster/cluster.ts'
import { targetAt } from '../../rig/write-rig.ts'

let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
let answer: { status: number; body: string }
let url: string
let admin: ClusterAdmin
const { signal } = new AbortController()

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, body })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  })
})

beforeEach(async () => {
  seen = []
  answer = { status: 200, body: '{}' }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const token = { kind: 'value', value: 'mgmt-secret', variable: 'T' } as const
  const opened = await openAdmin({ ...targetAt(url), admin: { kind: 'api', token } }, signal)
  if (opened === undefined) throw new Error('no admin')
  admin = opened
})
afterEach(async () => {
  await admin.close()
  await new Promise((resolve) => server.close(resolve))
})

describe('the management API', () => {
  it('lists databases, with exact retention', async () => {
    answer.body =
      '[{"name":"a/b","maxTables":500,"maxColumnsPerTable":250,"retentionPeriod":9223372036854775807,"partitionTemplate":[]},{"name":"c"}]'
    expect(await admin.listDatabases(signal)).toEqual([
      { name: 'a/b', retentionPeriod: 9223372036854775807n, maxTables: 500, maxColumns: 250 },
      { name: 'c', retentionPeriod: 0n, maxTables: undefined, maxColumns: undefined },
    ])
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/api/v0/databases',
      headers: { authorization: 'Bearer mgmt-secret' },
    })
  })

  it('creates and changes them, limits told and names encoded', async () => {
    await admin.createDatabase(
      {
        name: 'a/b',
        retentionPeriod: 9_223_372_036_854_775_807n,
        maxTables: undefined,
        maxColumns: undefined,
        partitionTemplate: [{ type: 'bucket', value: { tagName: 'c', numberOfBuckets: 10 } }],
      },
      signal,
    )
    await admin.updateDatabase('a/b', { retentionPeriod: 0n, maxTables: 7, maxColumns: undefined }, signal)
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      [
        'POST',
        '/api/v0/databases',
        '{"name":"a/b","retentionPeriod":9223372036854775807,"maxTables":500,"maxColumnsPerTable":250,' +
          '"partitionTemplate":[{"type":"bucket","value":{"tagName":"c","numberOfBuckets":10}}]}',
      ],
      ['PATCH', '/api/v0/databases/a%2Fb', '{"retentionPeriod":0,"maxTables":7}'],
    ])
    expect(seen[0]?.headers['content-type']).toBe('application/json')
  })

  it('lists tokens that are valid, and creates one', async () => {
    answer.body =
      '[{"id":"1","description":"a","revokedAt":"2024-01-01T00:00:00Z"},{"id":"2","description":"b","revokedAt":null}]'
    expect(await admin.listTokens(signal)).toEqual([{ id: '2', description: 'b' }])
    answer.body = '{"id":"3","description":"d","accessToken":"apiv1_x"}'
    const spec = { description: 'd', read: ['*'], write: ['a/b'], expiresAt: '2030-01-01T00:00:00Z' }
    expect(await admin.createToken(spec, signal)).toEqual({ id: '3', secret: 'apiv1_x' })
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({
      description: 'd',
      permissions: [
        { action: 'read', resource: '*' },
        { action: 'write', resource: 'a/b' },
      ],
      expiresAt: '2030-01-01T00:00:00Z',
    })
  })

  it.each([
    [400, '{"code":400,"message":"bad name"}', 'admin/refused', 'bad name'],
    [401, '', 'admin/unauthenticated', 'HTTP 401'],
    [403, '{"code":403,"message":"no, mgmt-secret"}', 'admin/unauthenticated', 'no, ***'],
    [404, '<html>', 'admin/unsupported', 'HTTP 404'],
    [409, '{"code":409,"message":"it exists"}', 'admin/already-exists', 'it exists'],
    [500, '{"code":500,"message":"oops"}', 'admin/unavailable', 'oops'],
    [302, '', 'admin/unavailable', 'HTTP 302'],
    [200, '<html>log in</html>', 'admin/unreadable-answer', 'not JSON'],
    [200, '{"items":[]}', 'admin/unreadable-answer', 'not a JSON list'],
  ])('HTTP %i %s is %s', async (status, body, code, message) => {
    answer = { status, body }
    await expect(admin.listDatabases(signal)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
      where: expect.stringContaining('/api/v0/databases') as string,
    })
  })

  it('sends an old cluster to influxctl', async () => {
    answer = { status: 404, body: '' }
    await expect(admin.listDatabases(signal)).rejects.toMatchObject({
      remedy: expect.stringContaining('kind: influxctl') as string,
    })
  })
})

it('there is no admin where the manifest names none', async () => {
  expect(await openAdmin(targetAt(url), signal)).toBeUndefined()
})

describe('query', () => {
  const ask = () => query(targetAt(url), 'apiv1_read', 'a/b', 'SELECT * FROM "m"', signal)

  it('reads series with exact integers and times', async () => {
    answer.body =
      '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"t":"a"},"columns":["time","i","f","s"],' +
      '"values":[[1577836800000000001,9223372036854775807,1.5,null],[-9223372036854775806,-1,1e300,"9223372036854775807"]]}]}]}'
    expect(await ask()).toEqual([
      {
        name: 'm',
        tags: { t: 'a' },
        columns: ['time', 'i', 'f', 's'],
        values: [
          [1577836800000000001n, 9223372036854775807n, 1.5, null],
          [-9223372036854775806n, -1, 1e300, '9223372036854775807'],
        ],
      },
    ])
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/query?db=a%2Fb&epoch=ns',
      body: 'q=SELECT+*+FROM+%22m%22',
      headers: { authorization: 'Bearer apiv1_read', accept: 'application/json' },
    })
  })

  it('reads no series as none', async () => {
    answer.body = '{"results":[{"statement_id":0}]}'
    expect(await ask()).toEqual([])
  })

  it.each([
    [
      200,
      '{"results":[{"statement_id":0,"error":"Database foo not found"}]}',
      'query/failed',
      'Database foo not found',
    ],
    [200, '{"error":"json: unsupported value: +Inf"}', 'query/failed', 'unsupported value'],
    [200, '{"results":[{"series":[{"name":"m"}],"partial":true}]}', 'query/too-large', 'a part'],
    [200, 'hello', 'query/failed', 'HTTP 200'],
    [400, '{"error":"bad"}', 'query/failed', 'bad'],
    [401, '{"code":"unauthorized","message":"who?"}', 'query/unauthorized', 'who?'],
    [429, '', 'query/overloaded', 'HTTP 429'],
    [503, '', 'query/overloaded', 'HTTP 503'],
    [404, '404 page not found', 'query/none', 'no /query'],
    [504, '<html>', 'query/too-large', 'HTTP 504'],
    [
      200,
      '{"results":[{"error":"max-select-point limit exceeed: (5/1)"}]}',
      'query/too-large',
      'max-select-point',
    ],
    [200, 'json: error calling MarshalJSON: json: unsupported value: +Inf', 'query/failed', 'unsupported'],
  ])('HTTP %i %s is %s', async (status, body, code, message) => {
    answer = { status, body }
    await expect(ask()).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
  })
})
