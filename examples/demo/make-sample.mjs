// Writes this folder's sample anew: a week of a small plant, written by a real influxd, and influx_inspect's export of it.
// Needs influxd and influx_inspect (scripts/install-test-servers.sh). Run: npm run sample
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { startInfluxdServer } from '../../test/rig/influxd-server.mjs'

const here = import.meta.dirname
const built = join(here, '../../.cache/test-servers/bin/influx_inspect')
const influxInspect = existsSync(built) ? built : 'influx_inspect'
const policies = [
  ['plant', 'autogen'],
  ['plant', 'hourly'],
  ['energy', 'autogen'],
  ['energy', 'hourly'],
]

const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR
const MONDAY = Date.UTC(2024, 2, 4) / 1000
const WEEK = MONDAY + 7 * DAY

const influxd = await startInfluxdServer({ snapshotAfter: '1s' })
for (const database of ['plant', 'energy']) {
  await influxd.execute(
    `CREATE DATABASE ${database} WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME autogen`,
  )
  await influxd.execute(
    `CREATE RETENTION POLICY hourly ON ${database} DURATION INF REPLICATION 1 SHARD DURATION 30d`,
  )
}

await influxd.write([...machines(), ...quality(), ...files()], 'plant', 'autogen')
await influxd.write([...hourly('machine_hourly', 'line=L1', 'temperature', 60)], 'plant', 'hourly')
await influxd.write([...power()], 'energy', 'autogen')
await influxd.write([...hourly('power_hourly', 'meter=Zähler\\ 1', 'kw', 250)], 'energy', 'hourly')
await influxd.snapshotted()
// Wednesday's temperatures were corrected: a second TSM file over the first.
await influxd.write([...corrected(MONDAY + 2 * DAY)], 'plant', 'autogen')
await influxd.snapshotted()
// Sunday's were corrected later still, and the server stopped before they left the WAL.
await influxd.restart({ snapshotAfter: '24h' })
await influxd.write([...corrected(MONDAY + 6 * DAY)], 'plant', 'autogen')
const before = await answers(influxd)
await influxd.stop()

for (const folder of ['data', 'wal', 'meta', 'export'])
  rmSync(join(here, folder), { recursive: true, force: true })
for (const [folder, from] of Object.entries(influxd.dirs)) {
  // The series file holds no points, and influxd makes it anew: 32 MB of zeros a database.
  cpSync(from, join(here, folder), { recursive: true, filter: (path) => !path.endsWith('/_series') })
}
await influxd.remove()

mkdirSync(join(here, 'export'))
for (const [database, policy] of policies) {
  const text = join(here, 'export', `${database}.${policy}.lp`)
  execFileSync(influxInspect, [
    ...['export', '-datadir', join(here, 'data'), '-waldir', join(here, 'wal')],
    ...['-database', database, '-retention', policy, '-out', text],
  ])
  writeFileSync(`${text}.gz`, gzipSync(readFileSync(text), { level: 9 }))
  rmSync(text)
}

// What is shipped must answer what the server answered that wrote it.
const copy = mkdtempSync(join(tmpdir(), 'sample-'))
for (const folder of ['data', 'wal', 'meta'])
  cpSync(join(here, folder), join(copy, folder), { recursive: true })
const again = await startInfluxdServer({ dir: copy, snapshotAfter: '24h' })
const after = await answers(again)
await again.remove()
if (after !== before) throw new Error('the sample does not answer what its server answered')
console.log(
  execFileSync('du', ['-sh', '--apparent-size', 'data', 'wal', 'meta', 'export'], {
    cwd: here,
    encoding: 'utf8',
  }).trim(),
)

async function answers(server) {
  const texts = policies.map(([db, rp]) => server.execute(`SELECT * FROM "${rp}"./.*/ GROUP BY *`, db))
  return (await Promise.all(texts)).join('')
}

/** Numbers that look like a machine's: they wander around a level. Seeded, so that the sample stays the same. */
function wander(seed, level, step, decimals) {
  let state = seed >>> 0
  let value = level
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    value += (state / 2 ** 32 - 0.5) * step + (level - value) * 0.05
    return value.toFixed(decimals)
  }
}

function line(measurement, tags, fields, seconds) {
  return `${measurement},${tags} ${fields} ${seconds}000000000`
}

function* every(seconds, start = MONDAY, end = WEEK) {
  for (let time = start; time < end; time += seconds) yield time
}

function* machines() {
  for (const [i, name] of ['press', 'mill', 'saw', 'oven', 'paint\\ shop', 'Lötstraße'].entries()) {
    const temperature = wander(i + 1, 55 + 4 * i, 2, 1)
    const vibration = wander(i + 7, 1.4, 0.3, 2)
    let parts = 0
    for (const time of every(10 * MINUTE)) {
      const running = (time / HOUR) % 24 >= 6 && (time / HOUR) % 24 < 22
      if (running) parts += 3 + ((time / 600 + i) % 4)
      const fields = `temperature=${temperature()},vibration=${vibration()},running=${running},parts=${parts}i`
      yield line('machine', `line=L${(i % 3) + 1},name=${name}`, fields, time)
    }
  }
}

function* quality() {
  const verdicts = [
    'ok',
    'ok',
    'ok',
    'scratch, left edge',
    'too \\"thick\\"',
    'see C:\\\\reports\\\\today',
    'Maß fehlt\nsecond look',
  ]
  const operators = ['Zoë', 'Jörg', 'María\\ José']
  const score = wander(99, 97, 3, 2)
  let part = 0
  for (const time of every(20 * MINUTE)) {
    part += 1
    const fields = `score=${score()},part=${part}i,verdict="${verdicts[(part * 5) % verdicts.length]}"`
    yield line('quality', `line=L${(part % 3) + 1},operator=${operators[part % 3]}`, fields, time)
  }
}

/** 1.x keeps both backslashes of a share's name; sent as exported, v3 would keep one. */
function* files() {
  for (const time of every(HOUR))
    yield line('files', 'share=\\\\nas\\press', `bytes=${(time % 9973) * 4096}i`, time)
}

function* power() {
  for (let meter = 1; meter <= 4; meter += 1) {
    const load = wander(meter + 40, 60 * meter, 12, 1)
    const volts = wander(meter + 50, 230, 1.5, 1)
    let kwh = 10_000 * meter
    for (const time of every(10 * MINUTE)) {
      const kw = load()
      kwh += Math.round(kw / 6)
      const fields = `kw=${kw},volts=${volts()},kwh=${kwh}i,phases_ok=${(time / 600) % 197 !== 0}`
      yield line('power', `meter=Zähler\\ ${meter}`, fields, time)
    }
  }
}

function* hourly(measurement, tags, field, level) {
  const mean = wander(level, level, level / 20, 3)
  for (const time of every(HOUR)) yield line(measurement, tags, `mean_${field}=${mean()},count=6i`, time)
}

function* corrected(day) {
  const temperature = wander(day, 54.5, 2, 1)
  for (const time of every(10 * MINUTE, day, day + DAY))
    yield line('machine', 'line=L1,name=press', `temperature=${temperature()}`, time)
}
