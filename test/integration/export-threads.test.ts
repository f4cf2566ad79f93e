/** An export over several threads: the same bytes, dead letters and failures, whatever their number. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { migrationOf, type Migration } from '../rig/ferry.ts'
import { fillWithHardData } from '../rig/hard-data.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'

const WORKERS = [1, 2, 5]

let influxd: Influxd
beforeAll(async () => {
  influxd = await startInfluxd()
  await fillWithHardData(influxd, { walDeletes: true, inexpressible: true, series: 500 })
  await influxd.stop()
})
afterAll(() => influxd.remove())

/** Batches so small that every slice makes many tasks. */
async function migration(workers: number, folders: { data: string; wal: string; meta: string }, more = '') {
  const made = await migrationOf(
    `apiVersion: influx-ferry/v1
name: threads
sources:
  - { name: s, kind: data-dir, dataDir: '${folders.data}', walDir: '${folders.wal}', metaDir: '${folders.meta}'${more} }
target: { url: 'http://127.0.0.1:1', write: { batch: { lines: 20 } } }
spool: { workers: ${workers}, memory: 500MB }
mappings:
  - { source: s, database: 'plant', retentionPolicy: 'stündlich 1h', target: plant/hourly, onInexpressible: dead-letter }
  - { source: s, database: 'Werk Süd 2', retentionPolicy: '*', target: 'werk', onInexpressible: dead-letter }
  - { source: s, database: '*', retentionPolicy: '*', target: '{database}/{retentionPolicy}', onInexpressible: dead-letter }
`,
    {},
  )
  onTestFinished(() => made.remove())
  return made
}

/** Spools and dead letters by their names. */
async function made({ folder }: Migration): Promise<Record<string, string>> {
  const work = join(folder, '.influx-ferry/threads')
  const names = (await readdir(work, { recursive: true })).filter((name) => /\.(lp\.gz|ndjson)$/.test(name))
  const entries = names
    .sort()
    .map(async (name) => [name, (await readFile(join(work, name))).toString('base64')])
  return Object.fromEntries((await Promise.all(entries)) as [string, string][])
}

describe('an export', () => {
  it('gives the same spools, dead letters and sums', async () => {
    const results = []
    for (const workers of WORKERS) {
      const one = await migration(workers, influxd.dirs)
      expect(await one.run('--only', 'export')).toMatchObject({ exitCode: 0, stderr: '' })
      const { slices } = await one.status()
      results.push({ made: await made(one), slices })
    }
    const [first, ...others] = results
    const batches = Object.values(first?.slices ?? {}).map((slice) =>
      slice.status === 'exported' ? slice.counts.batches : 0,
    )
    // Of more than one task, each of some four batches.
    expect(Math.max(...batches)).toBeGreaterThan(20)
    expect(Object.keys(first?.made ?? {}).some((name) => name.endsWith('.ndjson'))).toBe(true)
    for (const other of others) expect(other).toEqual(first)
  })

  it('fails for the same damaged block, and goes on with the next slice', async () => {
    const folder = await temporaryFolder()
    for (const name of ['data', 'wal', 'meta'] as const)
      await cp(influxd.dirs[name], join(folder, name), { recursive: true })
    const folders = { data: join(folder, 'data'), wal: join(folder, 'wal'), meta: join(folder, 'meta') }
    const files = (await readdir(join(folders.data, 'many'), { recursive: true })).filter((name) =>
      name.endsWith('.tsm'),
    )
    const path = join(folders.data, 'many', files.sort()[0] ?? '')
    const bytes = await readFile(path)
    // In the middle of the blocks, which are before the index.
    const middle = Math.floor(Number(bytes.readBigUInt64BE(bytes.length - 8)) / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 0x55
    await writeFile(path, bytes)

    for (const onCorruption of ['fail', 'skip']) {
      const results = []
      for (const workers of WORKERS) {
        const one = await migration(workers, folders, `, onCorruption: ${onCorruption}`)
        const { exitCode } = await one.run('--only', 'export')
        const { slices } = await one.status()
        results.push({ exitCode, made: await made(one), slices })
      }
      const [first, ...others] = results
      const failed = Object.values(first?.slices ?? {}).filter(({ status }) => status === 'failed')
      if (onCorruption === 'fail') expect(failed).toMatchObject([{ code: 'export/tsm-damaged' }])
      else expect(failed).toEqual([])
      expect(first?.exitCode).toBe(onCorruption === 'fail' ? 1 : 0)
      for (const other of others) expect(other).toEqual(first)
    }
  })
})
