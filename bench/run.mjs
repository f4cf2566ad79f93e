// npm run bench: influx-ferry beside what there is without it, with the same data, one after the other, in rounds.
//
//   npm run bench -- [--only readers,shapes,recipe,recipe-influxd,servers,growth,transforms] [--values 15552000] [--rounds 5]
//
//   readers  (a) the reader alone against `influx_inspect export -out /dev/null`, (b) with gzip against its -compress
//   shapes   the same for other data, twice as many values: one field a measurement, floats of full precision, long strings (a tenth)
//   recipe   (c) the documented recipe (bench/recipe.sh) and a whole run, from a cold start, into a server that only counts;
//            recipe-influxd: into an influxd
//   servers  (d) a whole run into influxd (v1) and victoria-metrics (v2), and the time they need to take its batches ready-made
//   transforms  the whole run's export without transforms, with those that go through the kernel, and with those that go row by row
//   growth   the whole run's export from 1 to 16 times the data, and with one and two workers
//
// Needs scripts/install-test-servers.sh and curl.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DATABASE, generate, SHAPES } from './generate.mjs'
import { median, megabytes, seconds, table, timed } from './measure.mjs'
import { compareReaders } from './readers.mjs'
import { countingServer, influxdServer, victoriaMetricsServer } from './servers.mjs'

const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({
  options: {
    values: { type: 'string', default: '15552000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'readers,shapes,recipe,servers,growth,transforms' },
  },
})
const rounds = Number(options.rounds)
const values = Number(options.values)
const built = join(root, '.cache/test-servers/bin/influx_inspect')
const influxInspect = existsSync(built) ? built : 'influx_inspect'

/** Nothing is asked of it: only the export. */
const NOWHERE = { url: 'http://127.0.0.1:1', api: 'v1' }

const parts = {
  readers: async () => readers(await generate(values)),
  async shapes() {
    for (const shape of SHAPES) await readers(await generate(values * 2, shape))
  },
  recipe: async () => recipes(await generate(values), countingServer),
  'recipe-influxd': async () => recipes(await generate(values), () => influxdServer(DATABASE)),
  async servers() {
    const source = await generate(values)
    for (const start of [() => influxdServer(DATABASE), victoriaMetricsServer]) await servers(source, start)
  },
  growth,
  transforms: async () => transforms(await generate(values)),
}

/** Of the measurements machine and process (bench/generate.mjs). */
const TRANSFORMS = {
  'without transforms': '',
  'names, a tag, a cast':
    "[{ rename: 'plant_{measurement}', setTags: { site: berlin }, renameFields: { temperature: temp } }, { measurement: plant_process, cast: { parts: float } }]",
  'times cut to seconds': '[{ precision: s }]',
  'a tag becomes a field': '[{ tagsToFields: [line] }]',
}

console.log(`${cpus().length} cores, Node ${process.version}, medians of ${rounds} rounds`)
for (const name of options.only.split(',')) await parts[name]()

async function readers({ name, values, dirs }) {
  const say = (text) => console.log(text)
  const results = await compareReaders({ influxInspect, dirs, database: DATABASE, rounds, say })
  console.log(`\nReaders, ${count(values)} values (${name}):\n\n${results}\n`)
}

async function recipes(source, start) {
  const ways = {
    recipe: (work, server) => [recipe(source, work, server)],
    'influx-ferry': (work, server) => [ferry(source, work, server)],
  }
  const [slow, fast] = await sideBySide(ways, source, start)
  console.log(`influx-ferry takes 1/${(slow / fast).toFixed(1)} of the recipe's time\n`)
}

async function servers(source, start) {
  const spooled = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    await timed(ferry(source, spooled, NOWHERE, { flags: ['--only', 'export'] }))
    const name = readdirSync(spooled, { recursive: true }).find((file) => file.endsWith('.lp.gz'))
    const ready = (_, { url, api }) => [
      [
        process.execPath,
        join(import.meta.dirname, 'send-spool.mjs'),
        join(spooled, name),
        url,
        api,
        DATABASE,
      ],
    ]
    const ways = {
      'the batches, ready-made': ready,
      'influx-ferry': (work, server) => [ferry(source, work, server)],
      'influx-ferry, direct': (work, server) => [ferry(source, work, server, { transfer: 'direct' })],
    }
    const [own, ...whole] = await sideBySide(ways, source, start)
    const times = whole.map((one) => (one / own).toFixed(2)).join(' (direct: ')
    console.log(`influx-ferry takes ${times}) times as long as the server by itself\n`)
  } finally {
    rmSync(spooled, { recursive: true, force: true })
  }
}

/** Runs each way into a fresh server of its own, round by round. Returns the medians in seconds. */
async function sideBySide(ways, source, start) {
  const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  let kind = ''
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const work = mkdtempSync(join(tmpdir(), 'bench-'))
      const server = await start()
      kind =
        start.name === 'countingServer'
          ? 'a server that only counts'
          : server.api === 'v1'
            ? 'influxd'
            : 'victoria-metrics'
      try {
        const [command] = way(work, server)
        const result = await timed(command, { ...process.env, BENCH_TOKEN: 'ignored' })
        for (const [measurement, rows] of Object.entries(source.rows))
          await server.expectRows(measurement, rows)
        results[name].push(result)
        console.log(
          `round ${round}, ${name}: ${seconds(result.seconds)}, peak memory ${megabytes(result.peakBytes)}`,
        )
      } finally {
        await server.remove()
        rmSync(work, { recursive: true, force: true })
      }
    }
  }
  const rows = Object.entries(results).map(([name, all]) => [
    name,
    seconds(median(all.map((one) => one.seconds))),
    megabytes(Math.max(...all.map((one) => one.peakBytes))),
    all.map((one) => seconds(one.seconds)).join(', '),
  ])
  console.log(
    `\n${count(source.values)} values into ${kind}:\n\n${table(['way', 'median', 'peak memory', 'rounds'], rows)}\n`,
  )
  return Object.values(results).map((all) => median(all.map((one) => one.seconds)))
}

async function growth() {
  const rows = []
  for (const times of [1, 2, 4, 8, 16]) {
    const source = await generate(Math.ceil(values / 16) * times)
    const all = { 1: [], 2: [] }
    for (let round = 1; round <= rounds; round += 1) {
      for (const workers of Object.keys(all)) {
        const work = mkdtempSync(join(tmpdir(), 'bench-'))
        all[workers].push(await timed(ferry(source, work, NOWHERE, { flags: ['--only', 'export'], workers })))
        rmSync(work, { recursive: true, force: true })
      }
    }
    const [one, two] = Object.values(all).map((some) => median(some.map((result) => result.seconds)))
    const peak = Math.max(
      ...Object.values(all)
        .flat()
        .map((result) => result.peakBytes),
    )
    rows.push([count(source.values), seconds(one), seconds(two), megabytes(peak)])
    console.log(`${times} times: ${seconds(one)} with one worker, ${seconds(two)} with two`)
  }
  console.log(
    `\nExport with gzip, a whole process:\n\n${table(['values', 'one worker', 'two workers', 'peak memory'], rows)}\n`,
  )
}

async function transforms(source) {
  const all = Object.fromEntries(Object.keys(TRANSFORMS).map((name) => [name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, rules] of Object.entries(TRANSFORMS)) {
      const work = mkdtempSync(join(tmpdir(), 'bench-'))
      try {
        all[name].push(
          await timed(ferry(source, work, NOWHERE, { flags: ['--only', 'export'], transforms: rules })),
        )
      } finally {
        rmSync(work, { recursive: true, force: true })
      }
    }
  }
  const rows = Object.entries(all).map(([name, results]) => [
    name,
    seconds(median(results.map((one) => one.seconds))),
    megabytes(Math.max(...results.map((one) => one.peakBytes))),
    results.map((one) => seconds(one.seconds)).join(', '),
  ])
  console.log(
    `\nExport of ${count(source.values)} values, a whole process:\n\n${table(['transforms', 'median', 'peak memory', 'rounds'], rows)}\n`,
  )
}

function recipe({ dirs }, work, { url }) {
  return [
    join(import.meta.dirname, 'recipe.sh'),
    influxInspect,
    dirs.data,
    dirs.wal,
    DATABASE,
    'autogen',
    url,
    work,
  ]
}

/** A run with a manifest, a state and a spool of its own, all in `work`. */
function ferry(
  { dirs },
  work,
  { url, api },
  { flags = [], workers, transfer = 'staged', transforms = '' } = {},
) {
  const manifest = join(work, 'manifest.yaml')
  writeFileSync(
    manifest,
    `apiVersion: influx-ferry/v1
name: bench
transfer: ${transfer}
sources:
  - { name: source, kind: data-dir, dataDir: ${dirs.data}, walDir: ${dirs.wal}, metaDir: ${dirs.meta} }
target:
  url: ${url}
  admin: { kind: none }
  write: { api: ${api} }
verify: { level: none }
spool: { memory: 256MB${workers === undefined ? '' : `, workers: ${workers}`} }
mappings:
  - { source: source, database: ${DATABASE}, retentionPolicy: autogen, target: ${DATABASE}${transforms === '' ? '' : `, transforms: ${transforms}`} }
tokens:
  - { env: BENCH_TOKEN }
`,
  )
  process.env.BENCH_TOKEN ??= 'ignored'
  return [process.execPath, join(root, 'bin/influx-ferry.js'), 'run', manifest, ...flags]
}

function count(number) {
  return number.toLocaleString('en-US')
}
