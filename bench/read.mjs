// What influx-ferry's own reader does with a data directory, and nothing else of a run: for bench/readers.mjs.
//   node bench/read.mjs alone DATA_DIR WAL_DIR DATABASE POLICY FOLDER   rows are made and thrown away
//   node bench/read.mjs gzip DATA_DIR WAL_DIR DATABASE POLICY FOLDER   rows are batched, gzipped and written to FOLDER
// Prints what it read as JSON. Needs a build (npm run build).
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ALL_TIME } from '../dist/core/time.js'
import { inlineTasks, TaskThreads } from '../dist/run/export-threads.js'
import { exportTsm, kernelMemory } from '../dist/run/export-tsm.js'
import { createEngine } from '../dist/run/read-task.js'

const MEMORY = Number(process.env.MEMORY ?? 256e6)
const [way, dataDir, walDir, database, policy, folder] = process.argv.slice(2)
const WORKERS = Number(process.env.WORKERS ?? availableParallelism())
const { signal } = new AbortController()
const window = ALL_TIME
const tasks =
  way === 'alone'
    ? new TaskThreads(WORKERS, new URL('read-thread.mjs', import.meta.url))
    : WORKERS > 1
      ? new TaskThreads(WORKERS)
      : inlineTasks(createEngine(kernelMemory(MEMORY)), signal)
const paths = [dataDir, walDir]
  .map((dir) => join(dir, database, policy))
  .filter((dir) => existsSync(dir))
  .flatMap((dir) =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tsm|tombstone|wal)$/.test(name))
      .map((name) => join(dir, name)),
  )
const result = await spool()
await tasks.stop()
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ ...result, peakBytes: maxRSS * 1024 }))

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
