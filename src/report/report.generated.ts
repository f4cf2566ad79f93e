// Made from schemas/report.schema.json by scripts/generate.mjs. Change the schema, not this file.

/**
 * not-compared: expired in the cluster, or not to be told any more; "reason" says why.
 */
export type VerificationOutcome = 'equal' | 'differs' | 'not-compared'

/**
 * What `influx-ferry report --format json` prints: a migration for the person who signs it off, made from its state, its verification record and its dead letters. It holds no secret.
 */
export interface Report {
  /**
   * Version of this format.
   */
  format: 1
  madeAt: string
  /**
   * Version of influx-ferry that made the report.
   */
  version: string
  migration: ReportedMigration
  verdict: Verdict
  totals: EventTotals
  /**
   * Points, then rows: each whole is the sum of its parts.
   */
  sums: Sum[]
  mappings: ReportedMapping[]
  /**
   * Time by phase, all runs that are kept together.
   */
  phases: PhaseTime[]
  /**
   * The last runs, oldest first, with what was acknowledged when.
   */
  runs: RunRecord[]
  comparison?: Comparison
  deadLetters: ReportedLetters
  warnings: string[]
  warningsLeftOut: number
  /**
   * Commands that do all of it again, in another place too.
   */
  reproduce: string[]
}
export interface ReportedMigration {
  name: string
  environment?: string
  /**
   * Path, as it was given.
   */
  manifest: string
  /**
   * Hash over what the manifest asked for in the last run.
   */
  manifestHash: string
  asked?: Asked
  targets: ReportedTarget[]
  /**
   * Why the report knows less than it could.
   */
  notes: string[]
}
/**
 * What the manifest says now; missing when it cannot be read.
 */
export interface Asked {
  /**
   * Of the cluster.
   */
  url: string
  timeRange: string
  transfer: 'staged' | 'direct'
  verify: 'none' | 'basic' | 'full'
  sources: AskedSource[]
  mappings: AskedMapping[]
}
export interface AskedSource {
  name: string
  kind: string
  files: string[]
}
export interface AskedMapping {
  from: string
  to: string
  timeRange: string
  /**
   * How many rules there are.
   */
  transforms: number
}
/**
 * A database of the cluster.
 */
export interface ReportedTarget {
  database: string
  origin: 'created' | 'existed'
  retention: 'loading' | 'final'
}
export interface Verdict {
  /**
   * The worst that is the case. refused: all the rest is compared and equal. equal: everything arrived.
   */
  outcome: 'under-way' | 'failed' | 'unfinished' | 'differs' | 'not-compared' | 'refused' | 'equal'
  headline: string
  details: string[]
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
export interface Sum {
  whole: Count
  parts: Count[]
}
export interface Count {
  count: number
  of: string
}
export interface ReportedMapping {
  id: string
  /**
   * Source, database and retention policy.
   */
  from: string
  target: string
  totals: EventTotals
  slices: ReportedSlice[]
}
export interface ReportedSlice {
  id: string
  window: Window
  status: 'pending' | 'exported' | 'sending' | 'written' | 'failed'
  totals: EventTotals
  compared?: VerificationOutcome
  failure?: SliceFailure
}
/**
 * RFC 3339, the end exclusive; a side that is missing is open.
 */
export interface Window {
  start?: string
  end?: string
}
export interface SliceFailure {
  code: string
  message: string
  where?: string
  remedy?: string
}
export interface PhaseTime {
  phase: string
  seconds: number
  /**
   * Runs that had something to do in it.
   */
  runs: number
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
 * The last verification; missing when there was none.
 */
export interface Comparison {
  /**
   * full, when every compared slice was compared value by value.
   */
  level: 'basic' | 'full'
  source: 'export' | 'files' | 'http'
  startedAt: string
  endedAt?: string
  version: string
  slices: ComparedSlices
  /**
   * One a mapping: measurements over time.
   */
  maps: ComparisonMap[]
  differences: Difference[]
  differencesLeftOut: number
}
/**
 * Slices of the migration by outcome; those that were written since, or not come to, are not compared.
 */
export interface ComparedSlices {
  equal: number
  differs: number
  notCompared: number
}
export interface ComparisonMap {
  /**
   * Its id.
   */
  mapping: string
  target: string
  /**
   * Slices in the order of time; several in one where there are many.
   */
  columns: ComparisonColumn[]
  /**
   * The worst first, then by name.
   */
  rows: ComparisonRow[]
}
export interface ComparisonColumn {
  window: Window
  slices: number
}
export interface ComparisonRow {
  measurement: string
  points: number
  /**
   * One a column.
   */
  cells: ComparisonCell[]
}
export interface ComparisonCell {
  /**
   * Of several slices the worst. nothing: the measurement has no point there.
   */
  outcome: 'equal' | 'differs' | 'not-compared' | 'nothing'
  points: number
  /**
   * Fields that differ.
   */
  differing?: number
  reason?: string
}
/**
 * From the widest to the narrowest: a slice, a measurement, a field, a window, a series, a time.
 */
export interface Difference {
  slice: string
  target: string
  measurement?: string
  field?: string
  /**
   * Measurement and tag set, as in line protocol.
   */
  series?: string
  /**
   * missing: not in the cluster. extra: only there. value: another value. type: a column of another type or kind. figures: figures of the window differ, and no point could be named.
   */
  kind: 'missing' | 'extra' | 'value' | 'type' | 'figures'
  /**
   * RFC 3339: of the window, or of the point.
   */
  start: string
  /**
   * RFC 3339, exclusive; of a point, a nanosecond later.
   */
  end: string
  /**
   * What the source has: a value, or figures in words.
   */
  source?: string
  /**
   * What the cluster has.
   */
  cluster?: string
}
export interface ReportedLetters {
  folder: string
  letters: number
  points: number
  /**
   * The most frequent first; the rare ones of very many are one.
   */
  reasons: LetterReason[]
}
export interface LetterReason {
  reason: string
  by: 'influx-ferry' | 'cluster'
  letters: number
  points: number
  examples: LetterExample[]
}
export interface LetterExample {
  slice: string
  /**
   * The line, cut off where it is long.
   */
  line: string
  where?: string
}
