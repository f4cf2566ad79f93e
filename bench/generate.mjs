// Data directories that a real influxd wrote, for the bench. Each is kept in .cache/bench/ and made once. `plant` has two
// measurements of fifty series each: `machine`, ten floats a second, and `process`, eight mixed fields every ten.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { startInfluxdServer } from '../test/rig/influxd-server.mjs'

export const DATABASE = 'bench'
const SERIES = 50
const START = Date.UTC(2024, 2, 4) / 1000
const LINES_A_REQUEST = 20_000
const gzipped = promisify(gzip)

/** Rows of each measurement, and values, of so many seconds. */
const shapes = {
  plant: {
    perSecond: SERIES * 10 + (SERIES * 8) / 10,
    requests,
    rows: (seconds) => ({ machine: seconds * SERIES, process: (seconds * SERIES) / 10 }),
  },
  'one field a measurement': {
    perSecond: SERIES,
    requests: (seconds) =>
      lines(seconds, (i, random) => `sensor_${i},site=s value=${(random() * 100).toFixed(2)}`),
    rows: (seconds) => Object.fromEntries(Array.from({ length: SERIES }, (_, i) => [`sensor_${i}`, seconds])),
  },
  'floats of full precision': {
    perSecond: SERIES * 5,
    requests: (seconds) =>
      lines(seconds, (i, random) => {
        const fields = Array.from({ length: 5 }, (_, f) => `f${f}=${random() * 1000 * Math.PI}`)
        return `precise,unit=u${i} ${fields.join(',')}`
      }),
    rows: (seconds) => ({ precise: seconds * SERIES }),
  },
  'long strings': {
    perSecond: SERIES,
    requests: (seconds) =>
      lines(seconds, (i, random) => {
        const words = Array.from({ length: 40 }, () => WORDS[Math.floor(random() * WORDS.length)])
        return `log,host=h${i} message="${words.join(' ')}"`
      }),
    rows: (seconds) => ({ log: seconds * SERIES }),
  },
}
const WORDS =
  'the pump valve pressure opened closed after alarm 17 42 line stopped by operator because of value out range'.split(
    ' ',
  )
/** Of the readers' bench, beside `plant`. */
export const SHAPES = Object.keys(shapes).slice(1)

/**
 * Makes the data directory of about `values` field values, or finds it. influxd's defaults hold, so that a part stays
 * in the WAL. Returns its folder with data/, wal/ and meta/, and how many rows and values it holds.
 */
export async function generate(values, name = 'plant') {
  const shape = shapes[name]
  const wanted = name === 'long strings' ? values / 10 : values
  const seconds = Math.ceil(wanted / shape.perSecond / 10) * 10
  const dir = join(import.meta.dirname, '../.cache/bench', `${name.replaceAll(' ', '-')}-${seconds}`)
  const made = {
    name,
    dir,
    dirs: { data: join(dir, 'data'), wal: join(dir, 'wal'), meta: join(dir, 'meta') },
    values: seconds * shape.perSecond,
    rows: shape.rows(seconds),
  }
  const done = join(dir, 'done')
  if (existsSync(done)) return made
  console.log(`making ${made.values.toLocaleString('en-US')} values (${name}) ...`)
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const influxd = await startInfluxdServer({ dir, snapshotAfter: '10m' })
  await influxd.execute(`CREATE DATABASE ${DATABASE} WITH DURATION INF REPLICATION 1 SHARD DURATION 7d`)
  let underWay = Promise.resolve()
  for (const text of shape.requests(seconds)) {
    const body = await gzipped(text, { level: 1 })
    await underWay
    underWay = influxd.writeGzip(body, DATABASE)
  }
  await underWay
  await influxd.stop()
  writeFileSync(done, `${made.values} values\n`)
  return made
}

/** A line of each series a second. */
function* lines(seconds, line) {
  const random = seeded(1)
  let some = []
  for (let second = 0; second < seconds; second += 1) {
    for (let i = 0; i < SERIES; i += 1) some.push(`${line(i, random)} ${START + second}000000000`)
    if (some.length < LINES_A_REQUEST && second < seconds - 1) continue
    yield some.join('\n')
    some = []
  }
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
