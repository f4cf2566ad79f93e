/** A catalog for people (rows of a table) and for programs (JSON). */
import { END_OF_TIME, formatRfc3339, MIN_TIME } from '../core/time.ts'
import { formatBytes, formatCount, formatDuration } from '../core/units.ts'
import type { Catalog, CatalogFile, CatalogRetentionPolicy } from './catalog.ts'

export interface CatalogTable {
  header: string[]
  /** One a retention policy. */
  rows: string[][]
  /** Columns of numbers. */
  rightAligned: number[]
}

/** What `influx-ferry inspect` prints; `report/table.ts` sets the columns. The catalog's notes go below it. */
export function catalogTable({ databases, origin }: Catalog): CatalogTable {
  return {
    header: [
      'DATABASE',
      'RETENTION POLICY',
      'DURATION',
      'SHARD GROUPS',
      'FROM',
      'TO',
      origin === 'line-protocol' ? 'FILES' : 'TSM FILES',
      'BYTES',
      'WAL',
    ],
    rows: databases.flatMap(({ name, defaultRetentionPolicy, retentionPolicies }) =>
      retentionPolicies.map((policy) => {
        const { start, end } = extent(policy)
        const tsm = filesOf(policy, 'tsmFiles')
        return [
          name || '-',
          (policy.name || '-') + (policy.name === defaultRetentionPolicy ? ' (default)' : ''),
          policy.duration === undefined ? '?' : formatDuration(policy.duration),
          formatCount(policy.shardGroups.length),
          start === undefined ? '-' : (time(start) ?? 'beginning'),
          end === undefined ? '-' : (time(end) ?? 'end of time'),
          formatCount(tsm.length),
          formatBytes(bytesOf(tsm)),
          formatBytes(bytesOf(filesOf(policy, 'walFiles'))),
        ]
      }),
    ),
    rightAligned: [3, 6, 7, 8],
  }
}

/**
 * JSON text: times are RFC 3339 (`null` where a window is open), durations are nanoseconds as text (`"0"` is infinite,
 * `null` unknown), sizes are bytes.
 */
export function catalogJson(catalog: Catalog, more: object = {}): string {
  const file = ({ path, bytes, modified }: CatalogFile) => ({
    path,
    bytes,
    modified: formatRfc3339(modified),
  })
  const shown = {
    source: catalog.source,
    origin: catalog.origin,
    notes: catalog.notes,
    databases: catalog.databases.map((database) => ({
      name: database.name,
      defaultRetentionPolicy: database.defaultRetentionPolicy ?? null,
      retentionPolicies: database.retentionPolicies.map((policy) => ({
        name: policy.name,
        duration: policy.duration?.toString() ?? null,
        shardGroupDuration: policy.shardGroupDuration?.toString() ?? null,
        shardGroups: policy.shardGroups.map((group) => ({
          id: group.id,
          start: time(group.start) ?? null,
          end: time(group.end) ?? null,
          shards: group.shards.map(({ id, orphan, ...files }) => ({
            id,
            orphan,
            tsmFiles: files.tsmFiles.map(file),
            tombstoneFiles: files.tombstoneFiles.map(file),
            walFiles: files.walFiles.map(file),
          })),
        })),
      })),
    })),
  }
  return `${JSON.stringify({ ...shown, ...more }, undefined, 2)}\n`
}

/** From the first shard group's start to the last one's end; undefined where there is none. */
export function extent({ shardGroups }: CatalogRetentionPolicy) {
  let start: bigint | undefined
  let end: bigint | undefined
  for (const group of shardGroups) {
    if (start === undefined || group.start < start) start = group.start
    if (end === undefined || group.end > end) end = group.end
  }
  return { start, end }
}

export function filesOf(policy: CatalogRetentionPolicy, kind: 'tsmFiles' | 'walFiles'): CatalogFile[] {
  return policy.shardGroups.flatMap(({ shards }) => shards.flatMap((shard) => shard[kind]))
}

export function bytesOf(files: readonly CatalogFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function time(nanos: bigint): string | undefined {
  return nanos <= MIN_TIME || nanos >= END_OF_TIME ? undefined : formatRfc3339(nanos)
}
