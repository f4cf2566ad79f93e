// What influx-ferry's own reader does with a data directory, and nothing else of a run: for bench/readers.mjs.
//   node bench/read.mjs alone DATA_DIR WAL_DIR DATABASE POLICY        rows are made and thrown away
//   node bench/read.mjs gzip DATA_DIR WAL_DIR DATABASE POLICY FOLDER   rows are batched, gzipped and written to FOLDER
// Prints what it read as JSON. Needs a build (npm run build).
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ALL_TIME } from '../dist/core/time.js'
import { createKernel } from '../dist/kernel/kernel.js'
import { storedFieldKey, storedSeriesKey } from '../dist/lines/stored-names.js'
import { inlineTasks, TaskThreads } from '../dist/run/export-threads.js'
import { exportTsm, kernelMemory } from '../dist/run/export-tsm.js'
import { createEngine } from '../dist/run/read-task.js'
import { openSeriesCursor } from '../dist/source/tsm/series-cursor.js'
import { SeriesReader } from '../dist/source/tsm/series-reader.js'

const MEMORY = Number(process.env.MEMORY ?? 256e6)
const [way, dataDir, walDir, database, policy, folder = '/nowhere'] = process.argv.slice(2)
const WORKERS = Number(process.env.WORKERS ?? availableParallelism())
const { signal } = new AbortController()
const window = ALL_TIME
const kernel = createKernel({ maximumBytes: kernelMemory(MEMORY) })
const tasks = WORKERS > 1 ? new TaskThreads(WORKERS) : inlineTasks(createEngine(kernelMemory(MEMORY)), signal)
const paths = [dataDir, walDir]
  .map((dir) => join(dir, database, policy))
  .filter((dir) => existsSync(dir))
  .flatMap((dir) =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tsm|tombstone|wal)$/.test(name))
      .map((name) => join(dir, name)),
  )
const result = way === 'gzip' ? await spool() : await alone()
await tasks.stop()
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ ...result, kernelBytes: kernel.memoryBytes(), peakBytes: maxRSS * 1024 }))

async function alone() {
  const cursor = await openSeriesCursor(paths, {
    window,
    memory: MEMORY - kernelMemory(MEMORY),
    temporaryFolder: '/tmp',
  })
  const reader = new SeriesReader({
    kernel,
    memory: kernelMemory(MEMORY),
    window,
    signal,
    onDamage: undefined,
  })
  const room = { rows: 10_000, bytes: 10_000_000 }
  const sums = { rows: 0, points: 0, rawBytes: 0 }
  const sink = {
    room: async () => room,
    append: async ({ bytes, rows, points }) => {
      sums.rows += rows
      sums.points += points
      sums.rawBytes += bytes.length
    },
  }
  for (const { series, fields, blocks } of cursor.series()) {
    const columns = fields.map(({ field, sources }) => ({
      key: storedFieldKey(field).bytes,
      field,
      sources,
    }))
    const key = storedSeriesKey(series).bytes
    await reader.read({ key, series, columns, blocks }, sink, (refusal) => {
      throw new Error(refusal.reason)
    })
  }
  cursor.close()
  return sums
}

async function spool() {
  tasks.warmUp()
  return exportTsm({
    slice: 'bench/0_1',
    paths,
    window,
    memory: MEMORY,
    tasks,
    skipDamage: false,
    batch: { lines: 10_000, bytes: 10_000_000 },
    gzipLevel: 1,
    path: join(folder, 'slice.lp.gz'),
    workDir: join(folder, 'runs'),
    deadLetters: { add: (letter) => console.error(letter), flush: async () => undefined },
    signal,
    onNote: () => undefined,
    onProgress: () => undefined,
  })
}
