/** `timeRange` as a window. */
import { ALL_TIME, END_OF_TIME, MIN_TIME, parseRfc3339, type TimeWindow } from '../core/time.ts'
import type { TimeRange } from './manifest.generated.ts'

/** Times outside int64 nanoseconds (years 1677 to 2262) mean the ends of time. `undefined`: not RFC 3339. */
export function windowOf(range: TimeRange | undefined): TimeWindow | undefined {
  const start = range?.start === undefined ? ALL_TIME.start : parseRfc3339(range.start)
  const end = range?.end === undefined ? ALL_TIME.end : parseRfc3339(range.end)
  return start === undefined || end === undefined ? undefined : { start: clamp(start), end: clamp(end) }
}

function clamp(time: bigint): bigint {
  if (time < MIN_TIME) return MIN_TIME
  return time > END_OF_TIME ? END_OF_TIME : time
}
