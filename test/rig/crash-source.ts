/** A source for runs that are killed: several slices, some tens of batches, sorted runs on disk, refused lines of each kind. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { MONDAY } from './hard-data.ts'
import { influxInspect } from './influx-inspect.ts'
import { startInfluxd } from './influxd.ts'
import { boolean, encodeLine, float, integer, string, type Line } from './points.ts'

const SECOND = 1_000_000_000n
const DAY = 86_400n * SECOND
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

export interface CrashSource {
  /** YAML of `sources` and `mappings`. */
  manifest: string
  /** Target databases. */
  targets: string[]
  /** Files with their sizes and times: the source is never written to. */
  files(): Promise<string[]>
}

/**
 * `folder` gets line protocol files and the directories of a real influxd, of which one database is read by influx-ferry
 * itself and, where it is there, the other by influx_inspect.
 */
export async function makeCrashSource(folder: string): Promise<CrashSource> {
  await mkdir(folder, { recursive: true })
  for (const [name, lines] of Object.entries(FILES)) {
    const context = `# DML\n# CONTEXT-DATABASE: ${name}\n# CONTEXT-RETENTION-POLICY: autogen\n`
    const text =
      context +
      lines()
        .map((one) => `${encodeLine(one)}\n`)
        .join('')
    await writeFile(join(folder, `${name}.lp.gz`), gzipSync(text, { level: 1 }))
  }
  const { data, wal, meta } = await fillInfluxd(join(folder, 'influxd'))
  const dirs = `dataDir: ${JSON.stringify(data)}, walDir: ${JSON.stringify(wal)}, metaDir: ${JSON.stringify(meta)}`
  const sources = [
    `{ name: files, kind: line-protocol, files: [${JSON.stringify(join(folder, '*.lp.gz'))}] }`,
    `{ name: own, kind: data-dir, reader: tsm, ${dirs} }`,
  ]
  const mappings = [
    `{ source: files, database: '*', retentionPolicy: autogen, target: '{database}', onInexpressible: dead-letter }`,
    `{ source: own, database: works, retentionPolicy: autogen, target: works }`,
  ]
  if (influxInspect !== undefined) {
    const command = JSON.stringify(influxInspect)
    sources.push(`{ name: tool, kind: data-dir, reader: influx_inspect, command: ${command}, ${dirs} }`)
    mappings.push(`{ source: tool, database: plant, retentionPolicy: autogen, target: plant }`)
  }
  const listOf = (items: string[]) => items.map((item) => `\n  - ${item}`).join('')
  return {
    manifest: `sources:${listOf(sources)}\nmappings:${listOf(mappings)}`,
    targets: [...Object.keys(FILES), 'works', ...(influxInspect === undefined ? [] : ['plant'])],
    async files() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const paths = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
      const stats = await Promise.all(paths.map(async (path) => ({ path, ...(await stat(path)) })))
      return stats.map(({ path, size, mtimeMs }) => `${path} ${size} ${mtimeMs}`).sort()
    },
  }
}

/** Every value is written twice; the second one counts. */
const readings = (): Line[] =>
  range(6000).map((i) => ({
    measurement: `machine ${i % 3}`,
    tags: { host: `h${i % 20}` },
    fields: { temperature: float(i / 8), count: integer(BigInt(i)) },
    time: MONDAY + BigInt(i % 3000) * SECOND,
  }))

/** Strings beyond the 64 KiB of a cluster. */
const tooLong = (): Line[] =>
  range(3).map((i) => ({
    measurement: 'long',
    tags: {},
    fields: { text: string(`${i}`.repeat(70_000)), i: integer(BigInt(i)) },
    time: MONDAY + BigInt(i) * SECOND,
  }))

/** A tag and a field of one name. */
const clashes = (): Line[] =>
  range(40).map((i) => ({
    measurement: 'clash',
    tags: { host: `h${i}` },
    fields: { host: float(i), ok: boolean(true) },
    time: MONDAY + BigInt(i) * SECOND,
  }))

/** Names with a tab in them, which the newer line protocol cannot express. */
const tabs = (): Line[] =>
  range(5).map((i) => ({
    measurement: `tab\there ${i}`,
    tags: {},
    fields: { f: float(i) },
    time: MONDAY,
  }))

/** More than 16 MB, the least that sorting gets; what is left of it once the last value has won is a tenth. */
const large = (): Line[] =>
  range(3000).map((i) => ({
    measurement: 'text',
    tags: { page: String(i % 300) },
    fields: { text: string(`${i} `.repeat(900)), revision: integer(BigInt(i)) },
    time: MONDAY + BigInt(i % 300) * SECOND,
  }))

const FILES: Record<string, () => Line[]> = {
  small: () => [...tabs(), ...readings(), ...tooLong(), ...clashes()],
  large,
}

/** Two databases, each with shard groups of a day, with points in the WAL over those in TSM files. */
async function fillInfluxd(dir: string) {
  const influxd = await startInfluxd({ dir })
  const policy = 'DURATION INF REPLICATION 1 SHARD DURATION 1d NAME autogen'
  for (const database of ['plant', 'works']) await influxd.query(`CREATE DATABASE ${database} WITH ${policy}`)
  const write = async (count: number, shift: number) => {
    for (const database of ['plant', 'works']) {
      const lines = range(count).map((i) => ({
        measurement: `machines of ${database}`,
        tags: { line: `L${i % 7}` },
        fields: { temperature: float(i / 4 + shift), state: string(`state ${i}, "${shift}"`) },
        time: MONDAY + BigInt(i % 3) * DAY + BigInt(i) * SECOND,
      }))
      await influxd.write(lines.map(encodeLine), database)
    }
  }
  await write(1200, 0)
  await influxd.snapshotted()
  await influxd.restart({ snapshotAfter: '24h' })
  await write(300, 100)
  await influxd.stop()
  return influxd.dirs
}
