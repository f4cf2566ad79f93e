import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { FieldType } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'

/** A value at one time, with names as they are in the target. */
export interface Point {
  /** The series key, in v3 escaping. */
  series: string
  /** Without escapes. */
  measurement: string
  field: string
  type: FieldType
  value: number | bigint | boolean | string
  /** Nanoseconds. */
  time: bigint
}

/** What the source has, as it should be in the target: read from its files again, or asked of the running server. */
export interface SourceReader {
  /** Figures of all fields of a part of a slice. @throws Failure `verify/source-gone`, `verify/source-changed`, `export/...` */
  figures(slice: Slice, window: TimeWindow): Promise<FieldFigures[]>
  /** Every point of a part of a slice, of one measurement, or of all. @throws Failure as `figures` */
  points(
    slice: Slice,
    window: TimeWindow,
    measurement: string | undefined,
    take: (point: Point) => void,
  ): Promise<void>
}

/** Whether the source cannot be read again: what is to be told of it is in the failure's words. */
export function isSourceGone(error: unknown): error is Failure {
  return error instanceof Failure && /^(verify\/source-|export\/|snapshot\/)/.test(error.code)
}
