/**
 * Rows in order: by series key bytes, then by time. One moving cursor instead of an object a row: what it shows
 * holds until the next call of `next`.
 *
 * A value of no bytes is a hole: a point that was refused (its letter is in the dead letter) but still replaces
 * an older value of its field, so that an overwritten value never takes the place of the one that could not be sent.
 */
export interface RowCursor {
  /** Moves to the next row; `false` when there is none. */
  next(): boolean
  /** Changes with every new series. */
  readonly series: Series
  readonly seconds: number
  readonly nanos: number
  /** How many of the following arrays' entries belong to this row; ascending by field. */
  readonly count: number
  /** Which of `series.fields`. */
  readonly field: readonly number[]
  /** The value of `field[i]` is `bytes[i][start[i], end[i])`. */
  readonly bytes: readonly Buffer[]
  readonly start: readonly number[]
  readonly end: readonly number[]
}

export interface Series {
  /** The series key in v3 escaping. */
  key: Buffer
  /** The field keys in v3 escaping, sorted by their bytes. */
  fields: Buffer[]
}

export const NO_SERIES: Series = { key: Buffer.alloc(0), fields: [] }

/** What the merging found; adds up over all passes. */
export interface Overwritten {
  points: number
}

/** Copies a short range faster than a call into native code would. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  if (end - start > 40) {
    from.copy(to, at, start, end)
    return at + end - start
  }
  while (start < end) to[at++] = from[start++] as number
  return at
}
