/** What a source holds: the value behind `inspect`, `init`, wildcard expansion and slices. */
import type { TimeWindow } from '../core/time.ts'

export interface Catalog {
  /** The source's name in the manifest. */
  source: string
  /** Where names, durations and windows come from. */
  origin: 'meta.db' | 'directories' | 'line-protocol'
  databases: CatalogDatabase[]
  /** What the reader should know: `meta.db is missing: windows come from TSM headers`. */
  notes: string[]
}

export interface CatalogDatabase {
  name: string
  /** `undefined` when meta.db is missing or names none. */
  defaultRetentionPolicy: string | undefined
  retentionPolicies: CatalogRetentionPolicy[]
}

export interface CatalogRetentionPolicy {
  name: string
  /** Nanoseconds, `0n` is infinite, `undefined` unknown (no meta.db). */
  duration: bigint | undefined
  shardGroupDuration: bigint | undefined
  /** By start. Windows are meta.db's, or the TSM files' times where there is none. May overlap. */
  shardGroups: ShardGroup[]
}

export interface ShardGroup extends TimeWindow {
  id: number
  shards: Shard[]
}

export interface Shard {
  id: number
  /** On disk but not in meta.db: influxd would not answer from it, influx_inspect would export it. */
  orphan: boolean
  tsmFiles: CatalogFile[]
  tombstoneFiles: CatalogFile[]
  /** In the order they are replayed. */
  walFiles: CatalogFile[]
}

export interface CatalogFile {
  path: string
  bytes: number
  /** Nanoseconds. With path and bytes, the fingerprint that tells whether a source changed. */
  modified: bigint
}
