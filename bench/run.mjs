// npm run bench: the documented recipe (bench/recipe.sh) and influx-ferry, from a cold start, side by side into the same
// kind of server (a fresh influxd each), with the same data. Medians of the rounds, and the ratio. Before that, the readers
// alone (bench/readers.mjs).
//
//   npm run bench -- [--values 15552000] [--rounds 3] [--only readers|recipe|influx-ferry] [--shard-duration 7d]
//
// Needs scripts/install-test-servers.sh and curl.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { startInfluxdServer } from '../test/rig/influxd-server.mjs'
import { DATABASE, generate } from './generate.mjs'
import { compareReaders } from './readers.mjs'

const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({
  options: {
    values: { type: 'string', default: '15552000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    'shard-duration': { type: 'string', default: '7d' },
  },
})
const built = join(root, '.cache/test-servers/bin')
const influxInspect = existsSync(join(built, 'influx_inspect'))
  ? join(built, 'influx_inspect')
  : 'influx_inspect'

console.log('making the data (once) ...')
const source = await generate(Number(options.values), options['shard-duration'])

if (options.only === undefined || options.only === 'readers') {
  const { dirs } = source
  const rounds = Number(options.rounds)
  const table = await compareReaders({ influxInspect, dirs, database: DATABASE, rounds, say: console.log })
  console.log(`\n${table}\n`)
  if (options.only === 'readers') process.exit()
}

const ways = { recipe, 'influx-ferry': influxFerry }
const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
for (let round = 1; round <= Number(options.rounds); round += 1) {
  for (const [name, way] of Object.entries(ways)) {
    if (options.only !== undefined && options.only !== name) continue
    const result = await measure(way)
    results[name].push(result)
    console.log(`round ${round}, ${name}: ${seconds(result)}, peak memory ${megabytes(result)}`)
  }
}

const table = Object.entries(results)
  .filter(([, all]) => all.length > 0)
  .map(([name, all]) => ({
    name,
    seconds: median(all.map((result) => result.seconds)),
    peakBytes: Math.max(...all.map((result) => result.peakBytes)),
    rounds: all.map(seconds).join(', '),
  }))
console.log(
  `\n${source.values.toLocaleString('en-US')} values, ${options.rounds} rounds, ${cpus().length} cores, Node ${process.version}\n`,
)
console.log('| way | median | peak memory | rounds |\n|---|---|---|---|')
for (const row of table) console.log(`| ${row.name} | ${seconds(row)} | ${megabytes(row)} | ${row.rounds} |`)
const [slow, fast] = table
if (fast)
  console.log(`\ninflux-ferry takes 1/${(slow.seconds / fast.seconds).toFixed(1)} of the recipe's time`)

/** Runs one way into a fresh influxd and checks that everything has arrived. */
async function measure(way) {
  const work = mkdtempSync(join(tmpdir(), 'bench-'))
  const target = await startInfluxdServer({ snapshotAfter: '10m' })
  try {
    await target.execute(`CREATE DATABASE ${DATABASE}`)
    const { command, env = {} } = way(work, target.url)
    const result = await timed(command, { ...process.env, ...env })
    for (const [measurement, rows] of Object.entries(source.rows)) await expectRows(target, measurement, rows)
    return result
  } finally {
    await target.remove()
    rmSync(work, { recursive: true, force: true })
  }
}

function recipe(work, url) {
  const { data, wal } = source.dirs
  return {
    command: [
      join(import.meta.dirname, 'recipe.sh'),
      influxInspect,
      data,
      wal,
      DATABASE,
      'autogen',
      url,
      work,
    ],
  }
}

function influxFerry(work, url) {
  const manifest = join(work, 'manifest.yaml')
  writeFileSync(
    manifest,
    `apiVersion: influx-ferry/v1
name: bench
sources:
  - { name: source, kind: data-dir, dataDir: ${source.dirs.data}, walDir: ${source.dirs.wal}, metaDir: ${source.dirs.meta} }
target:
  url: ${url}
  admin: { kind: none }
  write: { api: v1 }
mappings:
  - { source: source, database: ${DATABASE}, retentionPolicy: autogen, target: ${DATABASE} }
tokens:
  - { env: BENCH_TOKEN }
`,
  )
  return {
    command: [
      process.execPath,
      join(root, 'bin/influx-ferry.js'),
      'run',
      manifest,
      '--state',
      join(work, 'state.json'),
    ],
    env: { BENCH_TOKEN: 'influxd-without-auth-ignores-it', PATH: `${built}${delimiter}${process.env.PATH}` },
  }
}

/** Seconds from start to end, and the largest sum of resident memory of the command and all its children. */
async function timed([program, ...args], env) {
  const started = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-4000)))
  let peakBytes = 0
  const poll = setInterval(() => (peakBytes = Math.max(peakBytes, residentBytes(child.pid))), 100)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => clearInterval(poll))
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${errors}`)
  return { seconds: (performance.now() - started) / 1000, peakBytes }
}

function residentBytes(pid) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8')
        const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
        return [{ pid: Number(name), parent: number('PPid'), bytes: number('VmRSS') * 1024 }]
      } catch {
        return [] // ended meanwhile
      }
    })
  const family = new Set([pid])
  // Children may have lower numbers than their parents, so look until none is added.
  for (let size = 0; size !== family.size;) {
    size = family.size
    for (const one of processes) if (family.has(one.parent)) family.add(one.pid)
  }
  return processes.filter((one) => family.has(one.pid)).reduce((sum, { bytes }) => sum + bytes, 0)
}

async function expectRows(target, measurement, rows) {
  const answer = JSON.parse(await target.execute(`SELECT count(*) FROM ${measurement}`, DATABASE))
  const counts = answer.results[0].series?.[0].values[0].slice(1) ?? []
  if (counts.length === 0 || counts.some((count) => count !== rows))
    throw new Error(`${measurement}: ${rows} rows expected, counts are ${counts.join(', ') || 'none'}`)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function seconds(result) {
  return `${result.seconds.toFixed(1)} s`
}

function megabytes(result) {
  return `${Math.round(result.peakBytes / 1e6)} MB`
}
