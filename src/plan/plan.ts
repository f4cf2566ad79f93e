/** The plan as a value: what would be done, in which order, and why. `schemas/plan.schema.json` describes its file. */
import type { TimeWindow } from '../core/time.ts'
import type { CatalogFile } from '../source/catalog.ts'
import type { PartitionPart, Transform } from '../manifest/migration.ts'

export interface Plan {
  manifestHash: string
  mappings: PlannedMapping[]
  slices: Slice[]
  databases: PlannedDatabase[]
  /** Shown to the user: what `autogen` will mean, orphan shards, empty policies. */
  notes: string[]
}

/** One source database and retention policy, met with one target database: a mapping without wildcards. */
export interface PlannedMapping {
  /** Stable: `<source>/<database>/<retentionPolicy>`, each part percent-encoded where it is not `[\w.-]`. */
  id: string
  source: string
  /** Empty strings for line protocol files that name no database. */
  database: string
  retentionPolicy: string
  target: string
  /** What is changed on the way. Absent: nothing. */
  transforms?: readonly Transform[]
}

/** The unit of work, of resuming and of accounting: one mapping and one shard group's window, cut to the range asked for. */
export interface Slice {
  /** `<mapping id>/<start>_<end>`, times in nanoseconds. */
  id: string
  mapping: PlannedMapping
  window: TimeWindow
  /** The files that may hold points of this window, as the catalog saw them. */
  files: CatalogFile[]
}

export interface PlannedDatabase {
  name: string
  /** Nanoseconds, `0n` infinite: what the database ends with. While loading it is infinite. */
  retentionPeriod: bigint
  maxTables: number | undefined
  maxColumns: number | undefined
  partitionTemplate: PartitionPart[] | undefined
}
