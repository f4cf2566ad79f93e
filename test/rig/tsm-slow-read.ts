/** The points of a slice, by the obvious way over the file layer: each source into a map, later ones over earlier ones. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { ALL_TIME, type TimeWindow } from '../../src/core/time.ts'
import {
  openSeriesCursor,
  type SeriesCursorOptions,
  type SeriesSources,
} from '../../src/source/tsm/series-cursor.ts'
import type { FieldSource } from '../../src/source/tsm/field-list.ts'
import { nameOfType } from '../../src/source/tsm/block-store.ts'
import { canonicalKey, canonicalValue } from './points.ts'
import { decodeTsmBlock, decodeWalBlock, type Value } from './tsm-slow-blocks.ts'

/** Files of one retention policy: all shards below `<data>/<db>/<rp>` and `<wal>/<db>/<rp>`. */
export function filesOf(dirs: { data: string; wal: string }, database: string, policy: string): string[] {
  const folders = [join(dirs.data, database, policy), join(dirs.wal, database, policy)]
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tsm|tombstone|wal)$/.test(name))
      .map((name) => join(folder, name)),
  )
}

/** What `readBack` gives of a server, from its files. */
export async function slowRead(
  paths: readonly string[],
  options: Partial<SeriesCursorOptions> = {},
): Promise<string[]> {
  const window = options.window ?? ALL_TIME
  const cursor = await openSeriesCursor(paths, {
    memory: 64e6,
    temporaryFolder: tmpdir(),
    ...options,
    window,
  })
  try {
    const points: string[] = []
    for (const series of cursor.series()) points.push(...pointsOf(series, window))
    return points.sort()
  } finally {
    cursor.close()
  }
}

/** One series' points, canonical. */
export function pointsOf({ series, fields, blocks }: SeriesSources, window: TimeWindow): string[] {
  const { measurement, tags } = parseSeriesKey(series.toString())
  return fields.flatMap(({ field, sources }) => {
    const values = new Map<bigint, { type: number; value: Value }>()
    for (const source of sources) {
      for (let row = source.first; row < source.first + source.count; row++) {
        const block = Buffer.alloc(blocks.sizes[row] ?? 0)
        source.store.read(block, blocks.offsets[row] ?? 0)
        const { times, values: some } = decoded(source, block)
        if (times[0] !== blocks.minTime(row) || times.at(-1) !== blocks.maxTime(row))
          throw new Error(`${source.store.path}: block ${row} is not of the times that the index says`)
        times.forEach((time, i) => {
          const value = some[i]
          if (value === undefined || time < window.start || time >= window.end) return
          if (!isDeleted(source, time)) values.set(time, { type: source.type, value })
        })
      }
    }
    return [...values].map(
      ([time, { type, value }]) =>
        `${canonicalKey(measurement, tags, field.toString(), time)} = ${canonical(type, value)}`,
    )
  })
}

function decoded(source: FieldSource, block: Buffer) {
  if (source.encoding === 'wal') return decodeWalBlock(block, source.type)
  const points = decodeTsmBlock(block)
  if (points.type !== source.type) throw new Error(`${source.store.path}: a block of type ${points.type}`)
  return points
}

function isDeleted({ deleted }: FieldSource, time: bigint): boolean {
  for (let i = 0; i < deleted.length; i += 2)
    if ((deleted[i] ?? 0n) <= time && time <= (deleted[i + 1] ?? 0n)) return true
  return false
}

function canonical(type: number, value: Value): string {
  const plain = Buffer.isBuffer(value) ? value.toString() : value
  return canonicalValue(nameOfType(type as FieldSource['type']), plain)
}

/** 1.x's rules: a backslash escapes a comma, an equals sign and a space, and is itself elsewhere. */
export function parseSeriesKey(key: string): { measurement: string; tags: Record<string, string> } {
  const plain = (text: string) => text.replace(/\\([,= ])/g, '$1')
  const [name = '', ...pairs] = key.split(/(?<!\\),/)
  const tags = pairs.map((pair) => pair.split(/(?<!\\)=/).map(plain) as [string, string])
  return { measurement: name.replace(/\\([, ])/g, '$1'), tags: Object.fromEntries(tags) }
}
