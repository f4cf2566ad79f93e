/** InfluxQL as 1.x, the cluster and the sandbox take it alike. */
import { END_OF_TIME, MIN_TIME, type TimeWindow } from '../core/time.ts'

/** Any name as an identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

/** The first and the last time that InfluxDB takes: of a bound beyond them, 1.x answers nothing at all. */
const FIRST_TIME = MIN_TIME + 2n
const LAST_TIME = END_OF_TIME - 2n

/**
 * A window as a condition. Both bounds are always said: without an upper one, points of the future would be missed by some
 * queries; integers are nanoseconds, before 1970 negative.
 */
export function within({ start, end }: TimeWindow): string {
  const first = start < FIRST_TIME ? FIRST_TIME : start
  const last = end - 1n > LAST_TIME ? LAST_TIME : end - 1n
  return `time >= ${first} AND time <= ${last}`
}
