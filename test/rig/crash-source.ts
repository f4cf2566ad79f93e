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

/** `folder` gets line protocol files and, where influx_inspect is there, the directories of a real influxd. */
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
  const sources = [
    `{ name: files, kind: line-protocol, files: [${JSON.stringify(join(folder, '*.lp.gz'))}] }`,
  ]
  if (influxInspect !== undefined) {
    const dirs = await fillInfluxd(join(folder, 'influxd'))
    sources.push(
      `{ name: server, kind: data-dir, dataDir: ${JSON.stringify(dirs.data)}, walDir: ${JSON.stringify(dirs.wal)}, ` +
        `metaDir: ${JSON.stringify(dirs.meta)}, command: ${JSON.stringify(influxInspect)} }`,
    )
  }
  const names = ['files', 'server'].slice(0, sources.length)
  return {
    manifest:
      `sources:${sources.map((source) => `\n  - ${source}`).join('')}\nmappings:` +
      names
        .map((name) => `\n  - { source: ${name}, database: '*', retentionPolicy: '*', target: '{database}' }`)
        .join(''),
    targets: [...Object.keys(FILES), ...(influxInspect === undefined ? [] : ['plant'])],
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

/** Five shard groups of a day, the last one with points in the WAL. */
async function fillInfluxd(dir: string) {
  const influxd = await startInfluxd({ dir })
  await influxd.query('CREATE DATABASE plant WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME autogen')
  const write = (count: number, shift: number) =>
    influxd.write(
      range(count).map((i) =>
        encodeLine({
          measurement: 'machine',
          tags: { line: `L${i % 7}` },
          fields: { temperature: float(i / 4 + shift), state: string(`state ${i}, "${shift}"`) },
          time: MONDAY + BigInt(i % 5) * DAY + BigInt(i) * SECOND,
        }),
      ),
      'plant',
    )
  await write(2000, 0)
  await influxd.snapshotted()
  await influxd.restart({ snapshotAfter: '24h' })
  await write(500, 100)
  await influxd.stop()
  return influxd.dirs
}
