/**
 * Figures of a field, by which what arrived can be compared with what was sent: per slice, measurement and field as the
 * target has them. All of them add up: figures of parts give those of the whole, in any order.
 */
import type { FieldType } from '../manifest/migration.ts'

/** Nanoseconds; of integers, as int64 (unsigned: uint64) would overflow, sums are modulo 2^64. */
export interface Figures {
  count: number
  /** Time of the first and last point; of none, `first > last`. */
  first: bigint
  last: bigint
  /** Of floats, a number; of integers and unsigned, a bigint; else `undefined`. */
  min: number | bigint | undefined
  max: number | bigint | undefined
  sum: number | bigint | undefined
  /** Of floats: of their absolute values, by which the sums of two orders of addition can differ no more than a known part. */
  absolute: number | undefined
  /** Sum modulo 2^64 of a hash of each point's series, time, type and value (kernel/assembly/figures.ts). */
  hash: bigint
}

export interface FieldFigures extends Figures {
  /** Without escapes. */
  measurement: string
  field: string
  type: FieldType
}
