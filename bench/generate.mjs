// A data directory that a real influxd wrote, for the bench: node bench/generate.mjs --values 15552000
// Two measurements of fifty series each: `machine`, ten floats a second, and `process`, eight mixed fields every ten.
// It is kept in .cache/bench/ and made once.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { startInfluxdServer } from '../test/rig/influxd-server.mjs'

export const DATABASE = 'bench'
const SERIES = 50
const VALUES_A_SECOND = SERIES * 10 + (SERIES * 8) / 10
const START = Date.UTC(2024, 2, 4) / 1000
const LINES_A_REQUEST = 20_000
const gzipped = promisify(gzip)

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      values: { type: 'string', default: '15552000' },
      'shard-duration': { type: 'string', default: '7d' },
    },
  })
  const made = await generate(Number(values.values), values['shard-duration'])
  console.log(made.dir)
}

/**
 * Makes the data directory of about `values` field values, or finds it. influxd's defaults hold, so that a part stays
 * in the WAL. Returns its folder with data/, wal/ and meta/, and how many rows and values it holds.
 */
export async function generate(values, shardDuration = '7d') {
  const seconds = Math.ceil(values / VALUES_A_SECOND / 10) * 10
  const dir = join(import.meta.dirname, '../.cache/bench', `${seconds * VALUES_A_SECOND}-${shardDuration}`)
  const made = {
    dir,
    dirs: { data: join(dir, 'data'), wal: join(dir, 'wal'), meta: join(dir, 'meta') },
    values: seconds * VALUES_A_SECOND,
    rows: { machine: seconds * SERIES, process: (seconds * SERIES) / 10 },
  }
  const done = join(dir, 'done')
  if (existsSync(done)) return made
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const influxd = await startInfluxdServer({ dir, snapshotAfter: '10m' })
  await influxd.execute(
    `CREATE DATABASE ${DATABASE} WITH DURATION INF REPLICATION 1 SHARD DURATION ${shardDuration}`,
  )
  let underWay = Promise.resolve()
  for (const text of requests(seconds)) {
    const body = await gzipped(text, { level: 1 })
    await underWay
    underWay = influxd.writeGzip(body, DATABASE)
  }
  await underWay
  await influxd.stop()
  writeFileSync(done, `${made.values} values\n`)
  return made
}

function* requests(seconds) {
  const random = seeded(1)
  const machines = Array.from({ length: SERIES }, (_, i) => machine(i, random))
  const processes = Array.from({ length: SERIES }, (_, i) => batchProcess(i, random))
  let lines = []
  for (let second = 0; second < seconds; second += 1) {
    const time = `${START + second}000000000`
    for (const next of machines) lines.push(`${next()} ${time}`)
    if (second % 10 === 0) for (const next of processes) lines.push(`${next(second)} ${time}`)
    if (lines.length >= LINES_A_REQUEST) {
      yield lines.join('\n')
      lines = []
    }
  }
  if (lines.length > 0) yield lines.join('\n')
}

/** Ten floats that wander, with one to three decimals, as sensors give them. */
function machine(i, random) {
  const names =
    'temperature pressure vibration_x vibration_y vibration_z current voltage speed torque flow'.split(' ')
  const values = names.map((name, f) => ({ name, value: 20 + 10 * f + i, decimals: 1 + (f % 3) }))
  const series = `machine,line=L${i % 5},machine=M${i},site=plant-${i % 2}`
  return () => {
    const fields = values.map((field) => {
      field.value += (random() - 0.5) * 0.4
      return `${field.name}=${field.value.toFixed(field.decimals)}`
    })
    return `${series} ${fields.join(',')}`
  }
}

/** Two floats, two integers, two booleans and two strings. */
function batchProcess(i, random) {
  const states = ['idle', 'running', 'heating up', 'cooling, slowly', 'door "B" open']
  const series = `process,line=L${i % 5},unit=U${i}`
  let level = 50
  let parts = 0
  return (second) => {
    level += random() - 0.5
    parts += Math.floor(random() * 4)
    const state = states[Math.floor(second / 600 + i) % states.length].replaceAll('"', '\\"')
    const order = `order-${i}-${Math.floor(second / 900)}`
    const numbers = `level=${level.toFixed(2)},ratio=${(level / 300).toFixed(4)},parts=${parts}i,cycle=${second / 10}i`
    return `${series} ${numbers},running=${level > 45},alarm=${random() > 0.99},state="${state}",batch="${order}"`
  }
}

function seeded(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
