/** How much memory an export takes, however large what it reads is: measured by the process itself, at its end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FERRY } from '../rig/ferry.ts'
import { writeLargeSeries, writeLargeWal, writeManySeries } from '../rig/large-series.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'

/** Node.js with all that is loaded, and two threads of it, each with a heap of its own. */
const NODE = 200e6
/** In the making and being gzipped: three each of two threads (ExportTsmOptions.memory), and as much once more for gzip. */
const BATCHES = 6 * 2 * 2e6

/** What Linux says of the process itself: `maxRSS` would be that of who started it, where that had more. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
if (isMainThread)
  process.on('exit', () => console.error(/VmHWM.*/.exec(readFileSync('/proc/self/status', 'utf8'))[0]))`)}`

/** Exports one shard, which `write` fills, with so much memory. @returns the slice's sums and the bytes of its files */
async function exported(memory: number, write: (data: string, wal: string) => number) {
  const folder = await temporaryFolder()
  const [data, wal] = [join(folder, 'data/db/rp/1'), join(folder, 'wal/db/rp/1')]
  for (const shard of [data, wal]) mkdirSync(shard, { recursive: true })
  const fileBytes = write(data, wal)
  const manifest = join(folder, 'manifest.yaml')
  writeFileSync(
    manifest,
    `apiVersion: influx-ferry/v1
name: memory
sources:
  - { name: s, kind: data-dir, dataDir: '${folder}/data', walDir: '${folder}/wal' }
target: { url: 'http://127.0.0.1:1', write: { batch: { bytes: 2MB } } }
spool: { memory: ${memory}, workers: 2 }
mappings:
  - { source: s, database: db, retentionPolicy: rp, target: db }
`,
  )
  const args = ['--import', TELL_PEAK, FERRY, 'run', manifest, '--only', 'export', '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  expect(exitCode, stdout + stderr).toBe(0)
  const peak = 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(stderr)?.[1])
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; counts?: { rows: number; points: number } })
  const counts = events.find(({ type }) => type === 'slice-exported')?.counts
  process.stderr.write(
    `${Math.round(fileBytes / 1e6)} MB of files, ${Math.round(memory / 1e6)} MB allowed: peak ${Math.round(peak / 1e6)} MB\n`,
  )
  return { ...counts, peak, fileBytes }
}

test('a week of one series at a point a second, 200 fields', async () => {
  const seconds = 604_000
  const result = await exported(80e6, (data) =>
    writeLargeSeries(join(data, '000000001-000000001.tsm'), 'machine,host=a', { fields: 200, seconds }),
  )
  expect(result).toMatchObject({ rows: seconds, points: 200 * seconds })
  // Decoded, sixteen bytes a point, it is several times what is allowed.
  expect(16 * 200 * seconds).toBeGreaterThan(20 * 80e6)
  expect(result.peak).toBeLessThan(80e6 + NODE + BATCHES)
})

test('a million series', async () => {
  const result = await exported(80e6, (data) =>
    writeManySeries(join(data, '000000001-000000001.tsm'), 1_000_000),
  )
  expect(result).toMatchObject({ rows: 10_000_000, points: 10_000_000 })
  expect(result.peak).toBeLessThan(80e6 + NODE + BATCHES)
})

test('a string of 60 kB in every row', async () => {
  const seconds = 8000
  const value = (i: number) => Buffer.from(`${i} `.repeat(60_000 / (String(i).length + 1)))
  const result = await exported(256e6, (data) =>
    writeLargeSeries(join(data, '000000001-000000001.tsm'), 'log,host=a', {
      fields: 1,
      seconds,
      type: 3,
      value,
    }),
  )
  expect(result).toMatchObject({ rows: seconds, points: seconds })
  expect(result.peak).toBeLessThan(256e6 + NODE + BATCHES)
})

test('a WAL of a gigabyte', async () => {
  const result = await exported(80e6, (_, wal) => writeLargeWal(join(wal, '_00001.wal'), 640))
  expect(result).toMatchObject({ rows: 64_000_000, points: 64_000_000 })
  expect(result.fileBytes).toBeGreaterThan(1e9)
  expect(result.peak).toBeLessThan(80e6 + NODE + BATCHES)
})
