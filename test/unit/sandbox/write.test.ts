import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { openSandbox, seriesOf, type OpenSandbox } from '../../rig/open-sandbox.ts'

let sandbox: OpenSandbox
afterEach(() => sandbox.close())

const NOW = BigInt(Date.now()) * 1_000_000n
const HOUR = 3_600_000_000_000n
const message = ({ body }: { body: string }) => (JSON.parse(body) as { message: string }).message

describe('what is written', () => {
  test('fields of one series and time are united, the last value of each wins, a resend changes nothing', async () => {
    sandbox = await openSandbox()
    const body = 'm,t=a f=1,g=2i 5\nm,t=a f=3 5\nm,t=b f=4 5'
    for (let i = 0; i < 3; i += 1) expect((await sandbox.write(body)).status).toBe(204)
    expect((await sandbox.write('m,t=a h="x" 5')).status).toBe(204)
    expect((await sandbox.write(body)).status).toBe(204)
    expect(seriesOf(await sandbox.query('SELECT * FROM m'))[0]).toEqual({
      name: 'm',
      columns: ['time', 'f', 'g', 'h', 't'],
      values: [
        [5, 3, 2, 'x', 'a'],
        [5, 4, null, null, 'b'],
      ],
    })
  })

  test('names that differ in case only, names of SQL, and the order of tags', async () => {
    sandbox = await openSandbox()
    await sandbox.write('m,b=2,a=1 f=1,F=2,"select"=3,rowid=4,series=5 1\nM,a=1 f=9 1\nm,a=1,b=2 f=7 1')
    expect(seriesOf(await sandbox.query('SELECT * FROM m GROUP BY *'))).toEqual([
      {
        name: 'm',
        tags: { a: '1', b: '2' },
        columns: ['time', '"select"', 'F', 'f', 'rowid', 'series'],
        values: [[1, 3, 2, 7, 4, 5]],
      },
    ])
    expect(seriesOf(await sandbox.query('SHOW MEASUREMENTS'))[0]?.values).toEqual([['M'], ['m']])
  })

  test('both ends of int64 and of uint64 are exact', async () => {
    sandbox = await openSandbox()
    const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]
    await sandbox.write(`m i=${least}i,u=${2n ** 64n - 1n}u ${least}\nm i=${most}i ${most}`)
    const { body } = await sandbox.query('SELECT i, u FROM m')
    expect(body).toContain(`[[${least},${least},${2n ** 64n - 1n}],[${most},${most},null]]`)
  })

  test.each([
    ['s', '1600000000', 1_600_000_000_000_000_000n],
    ['ms', '1600000000123', 1_600_000_000_123_000_000n],
    ['us', '-1', -1000n],
  ])('precision %s', async (precision, time, expected) => {
    sandbox = await openSandbox()
    expect((await sandbox.write(`m f=1 ${time}`, { precision })).status).toBe(204)
    expect((await sandbox.query('SELECT f FROM m')).body).toContain(`[[${expected},1]]`)
  })

  test('gzip of several members', async () => {
    sandbox = await openSandbox()
    const body = Buffer.concat([gzipSync('m f=1 1\n'), gzipSync('m f=2 2\n')])
    expect((await sandbox.write(body, {}, { headers: { 'content-encoding': 'gzip' } })).status).toBe(204)
    expect(seriesOf(await sandbox.query('SELECT f FROM m'))[0]?.values).toHaveLength(2)
  })

  test('an empty body and one of comments alone', async () => {
    sandbox = await openSandbox()
    expect((await sandbox.write('')).status).toBe(204)
    expect((await sandbox.write('# nothing\n\n')).status).toBe(204)
  })
})

describe('v1 /write', () => {
  test.each([
    ['db=db', 'db'],
    ['db=db&rp=', 'db'],
    ['db=db&rp=AutoGen', 'db'],
    ['db=db&rp=default', 'db'],
    ['db=db&rp=Bar', 'db/bar'],
    ['db=db/bar', 'db/bar'],
  ])('%s writes to %s', async (parameters, target) => {
    sandbox = await openSandbox()
    await sandbox.admin('POST', '/databases', { name: 'db/bar' })
    const { status } = await fetch(`${sandbox.url}/write?${parameters}&u=any&p=${sandbox.token}`, {
      method: 'POST',
      body: 'm f=1 1',
    })
    expect(status).toBe(204)
    expect(seriesOf(await sandbox.query('SELECT f FROM m', { db: target }))).toHaveLength(1)
  })
})

describe('lines that are refused', () => {
  const write = 'error writing line 2 (1-based): '
  test.each([
    [
      'm f=1i 2',
      `${write}Unable to insert iox::column_type::field::integer type into column f with type iox::column_type::field::float`,
    ],
    [
      'm t=1 2',
      `${write}Unable to insert iox::column_type::field::float type into column t with type iox::column_type::tag`,
    ],
    [
      'm,f=x g=1 2',
      `${write}Unable to insert iox::column_type::tag type into column f with type iox::column_type::field::float`,
    ],
    [
      'm,new=x new=1 2',
      `${write}Unable to insert iox::column_type::field::float type into column new with type iox::column_type::tag`,
    ],
    ['m,a=1,a=1 f=1 2', `${write}the tag 'a' is specified more than once with conflicting values`],
    ['m n=1,n=1i 2', `${write}the field 'n' is specified more than once with conflicting types`],
    ['m,time=1 f=1 2', `${write}input tag "time" on measurement "m" is invalid`],
    ['m time=1 2', `${write}invalid field name: input field "time" on measurement "m" is invalid`],
    ['m,a= f=1', 'error parsing line 2 (1-based): Expected tag value, got ` f=1`'],
  ])('%s', async (line, expected) => {
    sandbox = await openSandbox()
    await sandbox.write('m,t=a f=1 1')
    const answer = await sandbox.write(`m,t=b f=2 1\n\n# x\n${line}\nm,t=c f=3 1`)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toEqual({
      code: 'invalid',
      line: 2,
      message: `partial write has occurred, errors encountered on line(s):\n${expected}`,
    })
    expect(seriesOf(await sandbox.query('SELECT * FROM m GROUP BY t'))).toHaveLength(3)
    // A refused line leaves no column behind.
    expect(seriesOf(await sandbox.query('SHOW FIELD KEYS'))[0]?.values).toEqual([['f', 'float']])
    expect(seriesOf(await sandbox.query('SHOW TAG KEYS'))[0]?.values).toEqual([['t']])
  })

  test('a field time is dropped silently, the last of a repeated field counts', async () => {
    sandbox = await openSandbox()
    expect((await sandbox.write('m time=7,f=1,f=2 1')).status).toBe(204)
    expect(seriesOf(await sandbox.query('SELECT * FROM m'))[0]).toMatchObject({
      columns: ['time', 'f'],
      values: [[1, 2]],
    })
  })

  test('at most 100 are named, all are refused', async () => {
    sandbox = await openSandbox()
    const answer = await sandbox.write(
      Array.from({ length: 250 }, (_, i) => (i % 2 ? 'bad' : `m f=1 ${i}`)).join('\n'),
    )
    expect(message(answer).match(/line \d+ \(1-based\)/g)).toHaveLength(100)
    expect(seriesOf(await sandbox.query('SELECT count(f) FROM m'))[0]?.values).toEqual([[0, 125]])
  })

  test('nothing written, timestamp overflow', async () => {
    sandbox = await openSandbox()
    const answer = await sandbox.write('m f=1 9223372036854775807', { precision: 's' })
    expect(message(answer)).toBe(
      'no data written, errors encountered on line(s):\ntimestamp overflows i64 on line 1 (1-based)',
    )
  })

  test('without partial writes one bad line refuses all, without a line number', async () => {
    sandbox = await openSandbox({ faults: ['partial-writes-off'] })
    await sandbox.write('m f=1 1')
    const answer = await sandbox.write('m g=1 2\nm f=1i 3')
    expect(JSON.parse(answer.body)).toEqual({
      code: 'invalid',
      message:
        'dml handler error: schema conflict: column f is type iox::column_type::field::float but write has type iox::column_type::field::integer',
    })
    expect(seriesOf(await sandbox.query('SHOW FIELD KEYS'))[0]?.values).toEqual([['f', 'float']])
    expect(seriesOf(await sandbox.query('SELECT count(f) FROM m'))[0]?.values).toEqual([[0, 1]])
  })

  test('bytes that are not UTF-8', async () => {
    sandbox = await openSandbox()
    const answer = await sandbox.write(Buffer.from([0x6d, 0x20, 0x66, 0x3d, 0x22, 0xff, 0x22]))
    expect(answer.status).toBe(400)
    expect(message(answer)).toContain('body content is not valid utf8')
  })
})

describe('limits', () => {
  test('columns, time among them, as they were when the table was made', async () => {
    sandbox = await openSandbox({}, { maxColumnsPerTable: 4 })
    expect((await sandbox.write('m,t=a f=1 1')).status).toBe(204)
    await sandbox.admin('PATCH', '/databases/db', { maxColumnsPerTable: 10 })
    const answer = await sandbox.write('m,t=a f=1,g=1,h=1 2\nm f=5 3')
    expect(answer.status).toBe(400)
    expect(message(answer)).toBe(
      "dml handler error: service limit reached: couldn't create columns in table `m`; table contains 3 existing columns, " +
        'applying this write would result in 5 columns, limit is 4',
    )
    expect((await sandbox.write('m,t=a f=1,g=1 2')).status).toBe(204)
    expect((await sandbox.write('n,t=a f=1,g=1,h=1 2')).status).toBe(204)
    expect(seriesOf(await sandbox.query('SELECT count(f) FROM m'))[0]?.values).toEqual([[0, 2]])
  })

  test('tables', async () => {
    sandbox = await openSandbox({}, { maxTables: 2 })
    expect((await sandbox.write('a f=1 1')).status).toBe(204)
    const answer = await sandbox.write('a f=1 2\nb f=1 1\nc f=1 1')
    expect(message(answer)).toBe(
      "dml handler error: service limit reached: couldn't create new table; namespace contains 1 existing tables, " +
        'applying this write would result in 3 tables, limit is 2',
    )
    expect(seriesOf(await sandbox.query('SHOW MEASUREMENTS'))[0]?.values).toEqual([['a']])
  })

  test('retention refuses older points, and hides those that have become old', async () => {
    sandbox = await openSandbox({}, { retentionPeriod: 3_600_000_000_000 })
    expect((await sandbox.write(`m f=1 ${NOW - 10n}`)).status).toBe(204)
    const answer = await sandbox.write(`m f=1 ${NOW}\nm f=2 ${NOW - 2n * HOUR}`)
    expect(answer.status).toBe(400)
    expect(message(answer)).toMatch(
      /^dml handler error: data in table m is outside of the retention period: minimum acceptable timestamp is \S+, but observed timestamp \S+ is older\.$/,
    )
    sandbox.setFaults(['retention-status:403'])
    expect((await sandbox.write(`m f=2 ${NOW - 2n * HOUR}`)).status).toBe(403)
    await sandbox.admin('PATCH', '/databases/db', { retentionPeriod: 0 })
    await sandbox.write(`m f=2 ${NOW - 2n * HOUR}`)
    await sandbox.admin('PATCH', '/databases/db', { retentionPeriod: 3_600_000_000_000 })
    expect(seriesOf(await sandbox.query('SELECT count(f) FROM m'))[0]?.values).toEqual([[0, 1]])
  })

  test('the body, compressed and decompressed', async () => {
    sandbox = await openSandbox({ maxBodyBytes: 1000 })
    const lines = 'm f=1 1\n'.repeat(200)
    expect((await sandbox.write(lines)).status).toBe(413)
    const zipped = await sandbox.write(gzipSync(lines), {}, { headers: { 'content-encoding': 'gzip' } })
    expect(zipped.status).toBe(413)
    expect(JSON.parse(zipped.body)).toEqual({
      code: 'request too large',
      message: 'max request size (1000 bytes) exceeded',
    })
  })
})

describe('requests that are refused', () => {
  test.each([
    [{ bucket: 'nope' }, {}, 404, 'database "nope" not found'],
    [{ bucket: '' }, {}, 400, 'missing bucket value'],
    [
      { precision: 'm' },
      {},
      400,
      'failed to deserialize org/bucket/precision in request: unknown variant `m`, expected one of `s`, `ms`, `us`, `ns`',
    ],
    [{}, { 'content-encoding': 'zstd' }, 415, 'unacceptable content-encoding: zstd'],
    [{}, { authorization: 'Bearer nope' }, 401, 'unauthorized access'],
    [{}, { authorization: 'bearer lower' }, 401, 'no credentials in the request'],
  ])('%j %j', async (parameters, headers, status, expected) => {
    sandbox = await openSandbox()
    const answer = await sandbox.write('m f=1 1', parameters, { headers })
    expect(answer.status).toBe(status)
    expect(message(answer)).toBe(expected)
  })

  test('a cut gzip stream', async () => {
    sandbox = await openSandbox()
    const body = gzipSync('m f=1 1').subarray(0, 20)
    const answer = await sandbox.write(body, {}, { headers: { 'content-encoding': 'gzip' } })
    expect(answer.status).toBe(400)
    expect(message(answer)).toContain('error decoding gzip stream')
  })

  test('tokens: grants by database, revocation, expiry, the delay of a new one, management is no database token', async () => {
    sandbox = await openSandbox()
    await sandbox.admin('POST', '/databases', { name: 'other' })
    const make = async (body: object) =>
      JSON.parse((await sandbox.admin('POST', '/tokens', { description: 'x', ...body })).body) as {
        id: string
        accessToken: string
      }
    const writer = await make({ permissions: [{ action: 'write', resource: 'db' }] })
    const as = (token: string) => ({ headers: { authorization: `Token ${token}` } })
    expect((await sandbox.write('m f=1 1', {}, as(writer.accessToken))).status).toBe(204)
    expect((await sandbox.write('m f=1 1', { bucket: 'other' }, as(writer.accessToken))).status).toBe(403)
    const read = await fetch(`${sandbox.url}/query?db=db&q=SHOW+MEASUREMENTS`, as(writer.accessToken))
    expect(read.status).toBe(403)
    await sandbox.admin('DELETE', `/tokens/${writer.id}`)
    expect((await sandbox.write('m f=1 1', {}, as(writer.accessToken))).status).toBe(401)
    const expired = await make({
      permissions: [{ action: 'write', resource: '*' }],
      expiresAt: '2020-01-01T00:00:00Z',
    })
    expect((await sandbox.write('m f=1 1', {}, as(expired.accessToken))).status).toBe(401)
    expect((await sandbox.write('m f=1 1', {}, as(sandbox.managementToken))).status).toBe(401)
    expect((await fetch(`${sandbox.url}/api/v0/databases`, as(sandbox.token))).status).toBe(401)
    sandbox.setFaults(['token-delay:500ms'])
    const fresh = await make({ permissions: [{ action: 'write', resource: '*' }] })
    expect((await sandbox.write('m f=1 1', {}, as(fresh.accessToken))).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect((await sandbox.write('m f=1 1', {}, as(fresh.accessToken))).status).toBe(204)
  })

  test('deletes, unknown paths, methods; ping and health need no token', async () => {
    sandbox = await openSandbox()
    const get = (path: string, method = 'GET') => fetch(sandbox.url + path, { method })
    expect((await get('/api/v2/delete', 'POST')).status).toBe(500)
    expect((await get('/api/v3/write_lp', 'POST')).status).toBe(404)
    expect((await get('/write')).status).toBe(405)
    const ping = await get('/ping', 'HEAD')
    expect([ping.status, ping.headers.get('x-influxdb-build')]).toEqual([204, 'Cloud'])
    expect(await (await get('/health')).text()).toBe('OK')
  })
})

describe('faults', () => {
  const count = async () =>
    (seriesOf(await sandbox.query('SELECT count(f) FROM m'))[0]?.values[0]?.[1] as number) ?? 0

  test.each([
    ['429@1', 429, 0],
    ['503@1', 503, 0],
    ['500-after-write@1', 500, 1],
    ['413-html@1', 413, 0],
  ])('%s', async (fault, status, written) => {
    sandbox = await openSandbox({ faults: [fault, 'retry-after:2'] })
    const answer = await sandbox.write('m f=1 1')
    expect(answer.status).toBe(status)
    expect(answer.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '2' : null)
    expect(await count()).toBe(written)
    expect((await sandbox.write('m f=1 1')).status).toBe(204)
    expect(await count()).toBe(1)
  })

  test.each([
    ['reset@1', 0],
    ['reset-after-write@1', 1],
    ['cut@1', 1],
  ])('%s breaks the connection', async (fault, written) => {
    sandbox = await openSandbox({ faults: [fault] })
    await expect(sandbox.write('m f=1 1')).rejects.toThrow()
    expect(await count()).toBe(written)
    expect(sandbox.stats().byStatus).toEqual({ 0: 1 })
  })

  test('delay', async () => {
    sandbox = await openSandbox({ faults: ['delay:300ms@1'] })
    const started = performance.now()
    expect((await sandbox.write('m f=1 1')).status).toBe(204)
    expect(performance.now() - started).toBeGreaterThan(290)
  })

  test('stats count requests, statuses, points and acknowledged bodies', async () => {
    sandbox = await openSandbox({ faults: ['500-after-write@2'] })
    const body = 'm f=1,g=2 1\nm f=1 2'
    await sandbox.write(body)
    await sandbox.write(body)
    await sandbox.write(gzipSync(body), {}, { headers: { 'content-encoding': 'gzip' } })
    await sandbox.write('bad')
    const sha256 = createHash('sha256').update(body).digest('hex')
    const expected = {
      writeRequests: 4,
      byStatus: { 204: 2, 400: 1, 500: 1 },
      lines: 6,
      points: 9,
      bodies: { [sha256]: 2 },
    }
    expect(sandbox.stats()).toEqual(expected)
    expect(await (await fetch(`${sandbox.url}/sandbox/stats`)).json()).toEqual(expected)
  })
})
