import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSandbox, seriesOf, type OpenSandbox } from '../../rig/open-sandbox.ts'

let sandbox: OpenSandbox
beforeAll(async () => {
  sandbox = await openSandbox()
  await sandbox.write(
    'm,t=a f=1,i=5i,s="x" 10\nm,t=b f=-0,b=true 20\nm f=1e21 30\n"q\\ m" f=1 1\nwide f=0.000001 1600000000123456789',
  )
})
afterAll(() => sandbox.close())

const json = async (q: string, parameters: Record<string, string> = {}) => {
  const answer = await sandbox.query(q, parameters)
  return { status: answer.status, body: JSON.parse(answer.body) as unknown, text: answer.body }
}

test('times: RFC 3339 with the decimals that count, and every epoch unit', async () => {
  const q = 'SELECT f FROM wide'
  expect((await json(q, { epoch: '' })).text).toContain('[["2020-09-13T12:26:40.123456789Z",0.000001]]')
  expect((await json('SELECT f FROM m LIMIT 1', { epoch: '' })).text).toContain(
    '"1970-01-01T00:00:00.00000001Z"',
  )
  expect((await json(q, { epoch: 'u' })).text).toContain('[[1600000000123456,')
  expect((await json(q, { epoch: 's' })).text).toContain('[[1600000000,')
  expect((await json(q, { epoch: 'x' })).status).toBe(400)
})

test('identifiers and strings by their quotes', async () => {
  expect(seriesOf(await sandbox.query('SELECT f FROM "\\"q m\\""'))).toHaveLength(1)
  expect(seriesOf(await sandbox.query(`SELECT "f" FROM "db".."m" WHERE "t" = 'a'`))[0]?.values).toEqual([
    [10, 1],
  ])
  expect(seriesOf(await sandbox.query(`SELECT f FROM m WHERE s = 'x' AND i >= 5`))[0]?.values).toEqual([
    [10, 1],
  ])
  expect(
    seriesOf(
      await sandbox.query(`SELECT f FROM m WHERE t =~ /^[ab]$/ AND time > '1970-01-01T00:00:00.00000001Z'`),
    )[0]?.values,
  ).toHaveLength(1)
  expect(
    seriesOf(await sandbox.query(`SELECT f FROM m WHERE t = $tag`, { params: '{"tag":"b"}' }))[0]?.values,
  ).toHaveLength(1)
})

test('floats as Go writes them', async () => {
  expect((await json('SELECT f FROM m')).text).toContain('[[10,1],[20,-0],[30,1e+21]]')
})

test('several statements, each with its own error', async () => {
  expect(
    (
      await json(
        'SELECT f FROM m LIMIT 1; SELECT nope(f) FROM m; SELECT f FROM nothing; SHOW MEASUREMENTS ON other',
      )
    ).body,
  ).toEqual({
    results: [
      { statement_id: 0, series: [{ name: 'm', columns: ['time', 'f'], values: [[10, 1]] }] },
      { statement_id: 1, error: 'not supported: nope()' },
      { statement_id: 2 },
      { statement_id: 3, error: 'Database other not found' },
    ],
  })
})

test('chunked: a document for every chunk', async () => {
  const answer = await sandbox.query('SELECT f FROM m', { chunked: 'true', chunk_size: '2' })
  const documents = answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  const series = (values: number[][], more: object) => [
    { name: 'm', columns: ['time', 'f'], values, ...more },
  ]
  expect(documents).toEqual([
    {
      results: [
        {
          statement_id: 0,
          series: series(
            [
              [10, 1],
              [20, -0],
            ],
            { partial: true },
          ),
          partial: true,
        },
      ],
    },
    { results: [{ statement_id: 0, series: series([[30, 1e21]], {}) }] },
  ])
})

test('an infinity can not be written as JSON', async () => {
  await sandbox.write('inf f=1e400 1')
  expect((await json('SELECT f FROM inf')).body).toMatchObject({
    results: [{ error: 'json: unsupported value: +Inf' }],
  })
})

describe('what the cluster does not have', () => {
  test.each([
    ['SHOW DATABASES', 'not supported: SHOW DATABASES'],
    ['SHOW SERIES', 'not supported: SHOW SERIES'],
    ['SHOW TAG VALUES CARDINALITY', 'not supported: SHOW CARDINALITY'],
    ['DROP MEASUREMENT m', 'not supported: DROP MEASUREMENT'],
    ['DELETE FROM m', 'not supported: DELETE FROM'],
    ['SELECT * INTO x FROM m', 'not supported: SELECT INTO'],
    ['SELECT * FROM m SLIMIT 1', 'not supported: SLIMIT'],
  ])('%s', async (q, error) => {
    expect(await json(q)).toMatchObject({ status: 200, body: { results: [{ error }] } })
  })
})

test.each([
  ['SELEC f', 'error parsing query'],
  ['SELECT f FROM', 'error parsing query: found EOF, expected measurement'],
  ['SELECT f FROM m WHERE t = "a', 'a quote that is not closed'],
  ["SELECT f FROM m WHERE t = '\\x'", 'a bad escape'],
])('%s', async (q, text) => {
  const { status, body } = await json(q)
  expect(JSON.stringify(body)).toContain(status === 400 ? JSON.stringify(text).slice(1, -1) : text)
})

test('SHOW TAG VALUES looks at the last day unless told otherwise', async () => {
  expect(seriesOf(await sandbox.query('SHOW TAG VALUES FROM m WITH KEY = t'))).toEqual([])
  await sandbox.write(`m,t=now f=1 ${BigInt(Date.now()) * 1_000_000n}`)
  expect(seriesOf(await sandbox.query('SHOW TAG VALUES FROM m WITH KEY = t'))[0]?.values).toEqual([
    ['t', 'now'],
  ])
  const all = await sandbox.query('SHOW TAG VALUES FROM m WITH KEY = t WHERE time >= 0')
  expect(seriesOf(all)[0]?.values).toEqual([
    ['t', 'a'],
    ['t', 'b'],
    ['t', 'now'],
  ])
})

test('queries while a write adds columns and repeats points: never an error, never a point twice', async () => {
  await sandbox.admin('POST', '/databases', { name: 'busy' })
  const write = async (i: number) => {
    const body = Array.from({ length: 200 }, (_, row) => `m,t=${row % 3} f${i}=1,f=${i} ${row}`).join('\n')
    expect((await sandbox.write(body, { bucket: 'busy' })).status).toBe(204)
  }
  await write(0)
  let writing = true
  const writer = (async () => {
    for (let i = 1; i < 40; i += 1) await write(i)
    writing = false
  })()
  let asked = 0
  while (writing) {
    const answer = await sandbox.query('SELECT count(f) FROM m; SELECT * FROM m', { db: 'busy' })
    const { results } = JSON.parse(answer.body) as { results: { series: { values: unknown[][] }[] }[] }
    expect(results[0]?.series[0]?.values).toEqual([[0, 200]])
    expect(results[1]?.series[0]?.values).toHaveLength(200)
    asked += 1
  }
  await writer
  expect(asked).toBeGreaterThan(3)
})
