/**
 * The sums of one slice. A point is one field value of one series at one time; a row is one line with all of a
 * series' fields at one time.
 */
export interface ExportCounts {
  /** Points the source gave: with `added`, it must equal `points + overwritten + deleted + filtered + refusedPoints + dropped`. */
  pointsRead: number
  /** Points in the rows of the spool. */
  points: number
  /** Points that a later value of the same field at the same time replaced. */
  overwritten: number
  /** Points that were deleted and are still in the source's files. Only the TSM reader sees such. */
  deleted: number
  /** Points outside the slice's window (of another slice, or outside the range asked for). */
  filtered: number
  /** Points that v3 line protocol cannot express; each is in the dead letter with its reason. */
  refusedPoints: number
  /** Points that a transform took out: dropped, or made a tag. Absent where there are no transforms, as is `added`. */
  dropped?: number
  /** Points that a transform made of tags, one for each row. */
  added?: number
  /**
   * Damaged blocks, files and WAL segments, or parts of them, that were left out (`onCorruption: skip`); each is in the
   * dead letter. How many points they had is not known: they are in no sum.
   */
  skipped: number
  /** Of the points in the rows, strings that most clusters refuse (long-strings.ts). Absent: none. */
  longStrings?: number
  rows: number
  batches: number
  /** Bytes of line protocol before and after gzip. */
  rawBytes: number
  gzipBytes: number
}
