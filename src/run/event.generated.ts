// Made from schemas/event.schema.json by scripts/generate.mjs. Change the schema, not this file.

/**
 * One line of `influx-ferry run --json`: what a run tells while it works.
 */
export type RunEvent =
  | RunStarted
  | PhaseStarted
  | PhaseDone
  | PhaseSkipped
  | PhaseFailed
  | PreflightEvent
  | Progressed
  | LanesChanged
  | SliceExported
  | SliceWritten
  | SliceVerified
  | SliceFailed
  | Note
  | Warning
  | RunEnded
export type Phase = 'validate' | 'export' | 'create' | 'token' | 'write' | 'verify'

/**
 * A run begins with work to do.
 */
export interface RunStarted {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'run-started'
  name: string
  manifest: string
  environment?: string
  slices: number
}
/**
 * A phase begins.
 */
export interface PhaseStarted {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'phase-started'
  phase: Phase
}
/**
 * A phase ended well.
 */
export interface PhaseDone {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'phase-done'
  phase: Phase
  /**
   * How long it took.
   */
  seconds: number
  summary: string
}
/**
 * A phase had nothing to do, or was not asked for.
 */
export interface PhaseSkipped {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'phase-skipped'
  phase: Phase
  summary: string
}
/**
 * A phase, and with it the run, failed.
 */
export interface PhaseFailed {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'phase-failed'
  phase: Phase
  /**
   * How long it took.
   */
  seconds: number
  code: string
  message: string
}
/**
 * What the cluster will not take, or takes and might be a surprise, and what would resolve it. With an error among the findings nothing is written.
 */
export interface PreflightEvent {
  type: 'preflight'
  findings: {
    severity: 'error' | 'warning'
    /**
     * Stable: `preflight/field-types`.
     */
    code: string
    what: string
    /**
     * Target database, measurement and field or tag.
     */
    where: string
    /**
     * Stored points that it is about, overwritten ones too.
     */
    points?: number
    details: string[]
  }[]
  /**
   * Lines of YAML that resolve the errors, and where they belong.
   */
  suggestions: {
    place: string
    yaml: string
  }[]
  /**
   * What no YAML resolves.
   */
  advice: string[]
}
/**
 * How far a phase is; several times a second.
 */
export interface Progressed {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'progress'
  phase: Phase
  progress: Progress
  acknowledged?: Acknowledged
}
/**
 * How far a phase is.
 */
export interface Progress {
  /**
   * Slices finished in this phase.
   */
  slices: number
  /**
   * Slices of this phase.
   */
  slicesTotal: number
  /**
   * Rows spooled, or acknowledged, by this run; of verify, points compared.
   */
  rows: number
  /**
   * Work done, in the phase's own measure: source bytes, gzipped bytes, or points.
   */
  done: number
  /**
   * Work in all, in the same measure.
   */
  total: number
  /**
   * Bytes the rate is of: line protocol or source files read, or gzipped bytes acknowledged; of verify, 0.
   */
  bytes: number
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
 * How many requests may be under way at once: fewer while the cluster says that it is overloaded. Also told before a request is made again.
 */
export interface LanesChanged {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'lanes'
  open: number
  /**
   * As many as the manifest allows.
   */
  of: number
  /**
   * Requests made again so far.
   */
  retries: number
}
/**
 * A slice is spooled.
 */
export interface SliceExported {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'slice-exported'
  /**
   * Slice id, `<mapping>/<start>_<end>` in nanoseconds.
   */
  slice: string
  counts: SliceCounts
  seconds: number
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
 * Every batch of a slice is acknowledged and its sums close.
 */
export interface SliceWritten {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'slice-written'
  /**
   * Slice id, `<mapping>/<start>_<end>` in nanoseconds.
   */
  slice: string
  sent: SliceSent
  seconds: number
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
 * A written slice was compared with the source.
 */
export interface SliceVerified {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'slice-verified'
  /**
   * Slice id, `<mapping>/<start>_<end>` in nanoseconds.
   */
  slice: string
  level: 'basic' | 'full'
  /**
   * not-compared: expired in the cluster, or not to be told any more; "reason" says why.
   */
  outcome: 'equal' | 'differs' | 'not-compared'
  reason?: string
  /**
   * Fields compared, over all measurements.
   */
  fields: number
  /**
   * Points that should be there, refused ones taken off.
   */
  points: number
  /**
   * The first ones in words; all that were named are in the verification file beside the state.
   */
  differences: string[]
  seconds: number
}
/**
 * A slice failed; the others go on.
 */
export interface SliceFailed {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'slice-failed'
  /**
   * Slice id, `<mapping>/<start>_<end>` in nanoseconds.
   */
  slice: string
  code: string
  message: string
}
/**
 * Something to know.
 */
export interface Note {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'note'
  message: string
}
/**
 * Something to look at.
 */
export interface Warning {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'warning'
  message: string
}
/**
 * The run is over.
 */
export interface RunEnded {
  /**
   * When it was told. Only in the JSON lines.
   */
  time?: string
  type: 'run-ended'
  outcome: 'done' | 'refused' | 'differs' | 'incomplete' | 'failed' | 'interrupted'
  exitCode: number
  totals: EventTotals
}
/**
 * Sums over all slices of the run: pointsRead + added = points + overwritten + deleted + filtered + (refusedPoints - refusedByCluster) + dropped; rows = rowsWritten + refusedLines + rowsLeft. Of a slice that is being sent, what is acknowledged is counted, as read and as written.
 */
export interface EventTotals {
  slices: SlicesByStatus
  pointsRead: number
  points: number
  overwritten: number
  deleted: number
  filtered: number
  dropped: number
  added: number
  refusedPoints: number
  refusedByCluster: number
  skipped: number
  rows: number
  rowsWritten: number
  refusedLines: number
  rowsLeft: number
  rawBytes: number
  gzipBytes: number
}
/**
 * Slices by status.
 */
export interface SlicesByStatus {
  pending: number
  exported: number
  sending: number
  written: number
  failed: number
}
