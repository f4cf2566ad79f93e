// Made from schemas/state.schema.json by scripts/generate.mjs. Change the schema, not this file.

export type SliceState = ExportedSlice | SendingSlice | WrittenSlice | FailedSlice
/**
 * Hash over the transforms that its points went through. Absent: none.
 */
export type TransformsHash = string
/**
 * Whether the target holds batches of an earlier attempt: its target is settled.
 */
export type PartlyWritten = boolean

/**
 * What an influx-ferry migration has done so far. Written by influx-ferry, replaced as a whole after every step. It holds no secret.
 */
export interface State {
  /**
   * Version of this file's format.
   */
  format: 1
  /**
   * SHA-256 (hex) over the canonical JSON of the other properties. Remove it to have influx-ferry accept an edited file.
   */
  checksum?: string
  /**
   * Name of the migration, from the manifest.
   */
  name: string
  /**
   * Environment overlay of the last run (--env).
   */
  environment?: string
  /**
   * Hash over what the manifest asked for in the last run.
   */
  manifestHash: string
  /**
   * The last runs, oldest first.
   */
  runs: RunRecord[]
  /**
   * Target databases by name.
   */
  databases: {
    [k: string]: {
      /**
       * Whether a run created the database or found it.
       */
      origin: 'created' | 'existed'
      /**
       * loading: kept infinite while old points are written. final: the retention asked for is set.
       */
      retention: 'loading' | 'final'
    }
  }
  /**
   * Created tokens by description. The secret itself is kept elsewhere.
   */
  tokens: {
    [k: string]: {
      /**
       * The token's id, where the cluster gave one.
       */
      id?: string
      createdAt: string
      /**
       * Databases it may read or write.
       */
      databases: string[]
      /**
       * Ids of tokens that were created and lost.
       */
      replaced?: string[]
    }
  }
  /**
   * Dead letter files that a retry has rewritten, by mapping: the SHA-256 (hex) of what it wrote. Such a file that still lies beside the old one takes its place.
   */
  deadLetters?: {
    [k: string]: string
  }
  /**
   * Slices by id, `<mapping>/<start>_<end>`. A slice that is not here is pending.
   */
  slices: {
    [k: string]: SliceState
  }
}
export interface RunRecord {
  startedAt: string
  /**
   * Missing when the run was killed.
   */
  endedAt?: string
  outcome?: 'done' | 'refused' | 'differs' | 'incomplete' | 'failed' | 'interrupted'
  /**
   * Version of influx-ferry.
   */
  version: string
  /**
   * Slices of the plan, those included that were done before.
   */
  slices?: number
  /**
   * Phases with something to do, in their order.
   */
  phases?: PhaseRecord[]
  acknowledged?: Acknowledged
  rate?: Rate
  /**
   * What the run warned of; the first ones of many.
   */
  warnings?: string[]
  /**
   * How many more there were than are listed.
   */
  warningsLeftOut?: number
}
export interface PhaseRecord {
  phase: string
  startedAt: string
  /**
   * Missing while it goes on, and when the run was killed in it.
   */
  seconds?: number
  outcome?: 'done' | 'failed' | 'interrupted'
}
/**
 * What the cluster answered for in this run.
 */
export interface Acknowledged {
  batches: number
  /**
   * Rows it took.
   */
  rows: number
  /**
   * Points in them.
   */
  points: number
  /**
   * Rows it refused; in the dead letter.
   */
  refusedRows: number
  refusedPoints: number
  /**
   * Gzipped bytes of the batches.
   */
  bytes: number
}
/**
 * What was acknowledged when. The intervals are doubled when there are 240 of them.
 */
export interface Rate {
  /**
   * When the first interval begins.
   */
  startedAt: string
  /**
   * Length of an interval.
   */
  everySeconds: number
  /**
   * Rows acknowledged, by interval.
   */
  rows: number[]
  /**
   * Gzipped bytes acknowledged, by interval.
   */
  bytes: number[]
}
/**
 * The spool is complete; some of its batches may be acknowledged.
 */
export interface ExportedSlice {
  status: 'exported'
  target: string
  fingerprint: string
  transforms?: TransformsHash
  counts: SliceCounts
  sent: SliceSent
  partlyWritten?: PartlyWritten
}
/**
 * Sums of the export: pointsRead + added = points + overwritten + deleted + filtered + refusedPoints + dropped.
 */
export interface SliceCounts {
  /**
   * Points (one field value at one time) the source gave.
   */
  pointsRead: number
  /**
   * Points in the batches.
   */
  points: number
  /**
   * Points replaced by a later value of the same field at the same time.
   */
  overwritten: number
  /**
   * Points that were deleted and are still in the source's files.
   */
  deleted: number
  /**
   * Points outside the slice's window.
   */
  filtered: number
  /**
   * Points that the target's line protocol cannot express; in the dead letter.
   */
  refusedPoints: number
  /**
   * Points that a transform took out: dropped, or made a tag. Absent: there were no transforms.
   */
  dropped?: number
  /**
   * Points that a transform made of tags. Absent: there were no transforms.
   */
  added?: number
  /**
   * Of the points in the batches, strings of more than 64 KiB, which most clusters refuse. Absent: none.
   */
  longStrings?: number
  /**
   * Damaged blocks, files and WAL segments left out (onCorruption: skip); in the dead letter, and in no sum.
   */
  skipped: number
  /**
   * Lines in the batches.
   */
  rows: number
  batches: number
  rawBytes: number
  gzipBytes: number
}
/**
 * Sums of the writing: once written, rows = lines + refusedLines and points = points + refusedPoints.
 */
export interface SliceSent {
  /**
   * Acknowledged batches as ascending ranges, both ends inclusive.
   */
  batches: BatchRange[]
  /**
   * Rows the cluster took.
   */
  lines: number
  /**
   * Points in them.
   */
  points: number
  /**
   * Rows the cluster refused; in the dead letter.
   */
  refusedLines: number
  refusedPoints: number
  /**
   * Gzipped bytes acknowledged.
   */
  bytes: number
}
export interface BatchRange {
  first: number
  last: number
}
/**
 * transfer: direct. Some of its batches are acknowledged; how many there are is known when all are made.
 */
export interface SendingSlice {
  status: 'sending'
  target: string
  fingerprint: string
  recipe: Recipe
  sent: SliceSent
  /**
   * Checksum over the acknowledged batches: the batches made again must be the same.
   */
  check: number
  partlyWritten?: PartlyWritten
}
/**
 * What the batches of a slice depend on, beside its window: the same recipe makes the same batches.
 */
export interface Recipe {
  /**
   * Hash over the files that are read (path, bytes, modification time), those of a snapshot included.
   */
  files: string
  /**
   * What reads them, and how.
   */
  reader: string
  batchLines: number
  batchBytes: number
  /**
   * spool.memory in bytes.
   */
  memory: number
  /**
   * Version of influx-ferry.
   */
  version: string
  transforms?: TransformsHash
}
/**
 * Every batch is acknowledged and the sums close.
 */
export interface WrittenSlice {
  status: 'written'
  target: string
  /**
   * Hash over the source files (path, bytes, modification time) it was exported from.
   */
  fingerprint: string
  transforms?: TransformsHash
  counts: SliceCounts
  sent: SliceSent
  verified?: SliceVerified
}
/**
 * When it was last compared with the source; what differs is in the verification file beside the state.
 */
export interface SliceVerified {
  at: string
  level: 'basic' | 'full'
  /**
   * not-compared: expired in the cluster, or not to be told any more.
   */
  outcome: 'equal' | 'differs' | 'not-compared'
}
/**
 * The next run tries it again, from the start.
 */
export interface FailedSlice {
  status: 'failed'
  target: string
  /**
   * Stable code of the failure.
   */
  code: string
  message: string
  where?: string
  /**
   * What to do about it.
   */
  remedy?: string
  partlyWritten?: PartlyWritten
}
