// Made from schemas/verification.schema.json by scripts/generate.mjs. Change the schema, not this file.

/**
 * not-compared: expired in the cluster, or not to be told any more; "reason" says why.
 */
export type VerificationOutcome = 'equal' | 'differs' | 'not-compared'

/**
 * What comparing source and cluster found last, slice by slice. Written by influx-ferry beside the state file, replaced as a whole. It holds no secret.
 */
export interface Verification {
  /**
   * Version of this file's format.
   */
  format: 1
  /**
   * Name of the migration, from the manifest.
   */
  name: string
  /**
   * Environment overlay (--env).
   */
  environment?: string
  /**
   * Hash over what the manifest asked for.
   */
  manifestHash: string
  /**
   * Version of influx-ferry.
   */
  version: string
  startedAt: string
  /**
   * Missing when it was cut off.
   */
  endedAt?: string
  level: 'basic' | 'full'
  /**
   * Where the source's figures are from: noted while it was exported; read from its files again; or asked of the running 1.x server.
   */
  source: 'export' | 'files' | 'http'
  /**
   * Compared slices by id.
   */
  slices: {
    [k: string]: SliceVerification
  }
  /**
   * What differs, as narrowly as it could be told; the first ones of many.
   */
  differences: Difference[]
  /**
   * How many more there are than are listed.
   */
  differencesLeftOut?: number
}
export interface SliceVerification {
  /**
   * Target database.
   */
  target: string
  outcome: VerificationOutcome
  reason?: string
  /**
   * By name, as in the target.
   */
  measurements: {
    [k: string]: MeasurementVerification
  }
}
export interface MeasurementVerification {
  outcome: VerificationOutcome
  reason?: string
  /**
   * Fields compared.
   */
  fields: number
  /**
   * Points that should be there, dead letters taken off.
   */
  points: number
  /**
   * Fields that differ.
   */
  differing?: number
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
