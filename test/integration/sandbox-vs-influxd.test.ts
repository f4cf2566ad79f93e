import { parse } from 'lossless-json'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'

let influxd: Influxd
let sandbox: OpenSandbox

const HOUR = 3_600_000_000_000n
const START = 1_600_000_000_000_000_000n

/** No two series have a point at one time: 1.x says nothing about their order then. */
const LINES = [
  ...Array.from({ length: 60 }, (_, i) => {
    const time = START + BigInt(i) * HOUR + BigInt(i)
    const host = ['a', 'b', 'c'][i % 3]
    return `cpu,host=${host},region=${i % 2 ? 'eu' : 'us'} idle=${(i * 7.3).toFixed(2)},n=${i}i,ok=${i % 5 === 0},state="s ${i % 4}" ${time}`
  }),
  `cpu,host=a idle=12.5 ${START + 100n * HOUR}`,
  `cpu,region=eu,host=b extra=3i ${START + 101n * HOUR}`,
  `cpu idle=-1e-7,n=9223372036854775807i ${START + 102n * HOUR}`,
  `cpu,host=a idle=13.5 ${START + 100n * HOUR}`,
  `with\\ space,tag\\ key=v\\,1 field\\ key="q\\"uote" ${START}`,
  `ends f=1 -9223372036854775806`,
  `ends f=2 9223372036854775806`,
  `big f=1e+21 1`,
  `big f=123456.789 2`,
]

const range = `time >= ${START} AND time < ${START + 200n * HOUR}`
const QUERIES = [
  'SHOW MEASUREMENTS',
  'SHOW MEASUREMENTS LIMIT 2 OFFSET 1',
  'SHOW MEASUREMENTS WITH MEASUREMENT =~ /^b/',
  'SHOW FIELD KEYS',
  'SHOW FIELD KEYS FROM cpu',
  'SHOW TAG KEYS',
  'SHOW TAG KEYS FROM "with space"',
  'SELECT * FROM cpu',
  'SELECT * FROM cpu GROUP BY *',
  'SELECT * FROM cpu GROUP BY host',
  'SELECT * FROM cpu ORDER BY time DESC LIMIT 5',
  'SELECT idle FROM cpu LIMIT 3 OFFSET 2',
  'SELECT idle FROM cpu GROUP BY host LIMIT 2',
  'SELECT extra, idle FROM cpu GROUP BY *',
  'SELECT extra FROM cpu',
  'SELECT nope FROM cpu',
  'SELECT idle, nope FROM cpu LIMIT 2',
  'SELECT host, idle FROM cpu LIMIT 4',
  'SELECT host FROM cpu',
  'SELECT idle AS i FROM cpu LIMIT 1',
  'SELECT idle::field, host::tag FROM cpu LIMIT 2',
  'SELECT * FROM "with space"',
  'SELECT * FROM ends',
  'SELECT * FROM big',
  'SELECT * FROM nothing',
  'SELECT * FROM /^(big|ends)$/',
  "SELECT idle FROM cpu WHERE host = 'a' AND region = 'eu'",
  "SELECT idle FROM cpu WHERE host != 'a'",
  "SELECT idle FROM cpu WHERE host = ''",
  "SELECT idle FROM cpu WHERE host = 'a' OR host = 'b' LIMIT 7",
  "SELECT idle FROM cpu WHERE (host = 'a' OR region = 'us') AND idle > 100",
  'SELECT idle FROM cpu WHERE host =~ /[ab]/ AND host !~ /b/',
  'SELECT idle FROM cpu WHERE n = 7',
  "SELECT idle FROM cpu WHERE state = 's 2' AND ok = true",
  `SELECT idle FROM cpu WHERE ${range} LIMIT 3`,
  "SELECT idle FROM cpu WHERE time >= '2020-09-13T12:26:40Z' AND time <= '2020-09-13T15:00:00.5Z'",
  'SELECT count(*) FROM cpu',
  'SELECT count(*) FROM /.*/',
  'SELECT count(*) FROM cpu GROUP BY *',
  'SELECT * FROM /.*/',
  'SELECT * FROM /.*/ GROUP BY *',
  'SELECT max(*) FROM /.*/',
  'SELECT mean(extra), max(f) FROM cpu, big GROUP BY host',
  'SELECT last(*) FROM cpu',
  'SELECT distinct(state) FROM nothing',
  `SELECT count(idle), count(extra) FROM cpu WHERE ${range} GROUP BY time(3d)`,
  `SELECT count(*) FROM cpu WHERE ${range}`,
  `SELECT count(*) FROM cpu WHERE time >= ${START + 101n * HOUR}`,
  'SELECT count(idle), count(n) FROM cpu GROUP BY host',
  'SELECT count(idle), count(extra) FROM cpu GROUP BY host',
  'SELECT count(nope) FROM cpu',
  'SELECT count(distinct(state)) FROM cpu',
  'SELECT min(idle) FROM cpu',
  'SELECT max(n) FROM cpu GROUP BY host',
  'SELECT first(idle) FROM cpu',
  'SELECT last(state) FROM cpu GROUP BY host',
  'SELECT min(idle), max(idle) FROM cpu',
  `SELECT first(n), last(n) FROM cpu WHERE ${range} GROUP BY region`,
  'SELECT sum(extra), mean(extra), spread(idle), median(n) FROM cpu GROUP BY region',
  `SELECT count(idle) FROM cpu WHERE ${range} GROUP BY time(1d)`,
  `SELECT count(idle), max(n) FROM cpu WHERE ${range} GROUP BY time(12h), host`,
  `SELECT mean(n) FROM cpu WHERE ${range} GROUP BY time(1d) fill(none)`,
  `SELECT max(n) FROM cpu WHERE ${range} GROUP BY time(1d) fill(0)`,
  `SELECT max(n) FROM cpu WHERE ${range} GROUP BY time(1d) ORDER BY time DESC`,
  `SELECT last(n) FROM cpu WHERE ${range} GROUP BY time(1d) LIMIT 2`,
  'SELECT idle FROM cpu LIMIT 1; SELECT count(f) FROM big',
]

beforeAll(async () => {
  influxd = await startInfluxd()
  sandbox = await openSandbox()
  await influxd.query('CREATE DATABASE db')
  await influxd.write(LINES, 'db')
  const answer = await sandbox.write(LINES.join('\n'))
  expect(answer.body).toBe('')
})
afterAll(async () => {
  await sandbox?.close()
  await influxd?.remove()
})

test.each(QUERIES)('%s', async (q) => {
  const expected = parse(await influxd.execute(q, 'db'))
  expect(parse((await sandbox.query(q)).body)).toEqual(expected)
})

test.each(['SELECT * FROM big', 'SELECT idle FROM cpu LIMIT 3'])('%s with RFC 3339 times', async (q) => {
  const url = `${influxd.url}/query?${new URLSearchParams({ q, db: 'db' }).toString()}`
  const expected: unknown = await (await fetch(url)).json()
  expect(JSON.parse((await sandbox.query(q, { epoch: '' })).body)).toEqual(expected)
})
