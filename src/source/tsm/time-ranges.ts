import { END_OF_TIME } from '../../core/time.ts'

export const MAX_TIME = END_OF_TIME - 1n

/** Ranges of time, both ends inclusive, `[min0, max0, min1, max1, ...]`: in order, apart from one another. */
export type TimeRanges = BigInt64Array

export const NO_RANGES: TimeRanges = new BigInt64Array(0)

/** The union of `[min, max, min, max, ...]` in any order. A range that ends before it starts holds nothing. */
export function unionOf(bounds: readonly bigint[]): TimeRanges {
  const pairs: [bigint, bigint][] = []
  for (let i = 0; i + 1 < bounds.length; i += 2) {
    const [min = 0n, max = -1n] = [bounds[i], bounds[i + 1]]
    if (min <= max) pairs.push([min, max])
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const merged: bigint[] = []
  for (const [min, max] of pairs) {
    const last = merged.at(-1)
    if (last === undefined || (last < MAX_TIME && last + 1n < min)) merged.push(min, max)
    else if (max > last) merged[merged.length - 1] = max
  }
  return BigInt64Array.from(merged)
}

/** Whether all of `[min, max]` is in one of the ranges. */
export function covers(ranges: TimeRanges, min: bigint, max: bigint): boolean {
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    const [from = 0n, to = -1n] = [ranges[i], ranges[i + 1]]
    if (from <= min && max <= to) return true
  }
  return false
}

/** Whether a part of `[min, max]` is in one of the ranges. */
export function touches(ranges: TimeRanges, min: bigint, max: bigint): boolean {
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    const [from = 0n, to = -1n] = [ranges[i], ranges[i + 1]]
    if (from <= max && min <= to) return true
  }
  return false
}
