/** A source of which everything arrives: three shard groups of a real influxd, a part in the WAL, and a file of line protocol. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fillInfluxd } from './crash-source.ts'
import { MONDAY } from './hard-data.ts'
import { boolean, encodeLine, float, integer, string } from './points.ts'

export const TARGETS = ['works', 'files']
const LINES = 900

/** @returns YAML of `sources` and `mappings` */
export async function makeFaultSource(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const lines = Array.from({ length: LINES }, (_, i) => ({
    measurement: `machine ${i % 3}`,
    tags: { host: `h${i % 20}` },
    // Every time twice: the second value counts.
    fields: { f: float(i / 8), i: integer(BigInt(i)), s: string(`"${i}"\n`), b: boolean(i % 2 === 0) },
    time: MONDAY + BigInt(i % 600) * 1_000_000_000n,
  }))
  const file = join(folder, 'files.lp')
  await writeFile(file, lines.map((one) => `${encodeLine(one)}\n`).join(''))
  const { data, wal, meta } = await fillInfluxd(join(folder, 'influxd'))
  return `sources:
  - { name: own, kind: data-dir, dataDir: ${JSON.stringify(data)}, walDir: ${JSON.stringify(wal)}, metaDir: ${JSON.stringify(meta)} }
  - { name: files, kind: line-protocol, files: [${JSON.stringify(file)}] }
mappings:
  - { source: own, database: works, retentionPolicy: autogen, target: works }
  - { source: files, target: files }`
}
