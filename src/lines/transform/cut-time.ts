/** Times cut to a precision. */
import { fitsInt64, type Instant } from '../timestamp.ts'

const SECOND = 1_000_000_000

/**
 * The last multiple of `precision` (nanoseconds: a part or a multiple of a second) that is not after a time; `undefined` when
 * that is no int64.
 */
export function cutInstant(
  seconds: number,
  nanos: number,
  precision: bigint | undefined,
): Instant | undefined {
  if (precision === undefined) return { seconds, nanos }
  const step = Number(precision)
  if (step < SECOND) {
    const cut = nanos - rest(nanos, step)
    if (cut === -SECOND) return checked(seconds - 1, 0)
    // Both have the sign of the time: 1 ns before a second is not a second and -1 ns.
    return checked(seconds, cut)
  }
  const before = nanos < 0 ? seconds - 1 : seconds
  return checked(before - rest(before, step / SECOND), 0)
}

/** What is left over, not negative. */
function rest(number: number, step: number): number {
  return ((number % step) + step) % step
}

function checked(seconds: number, nanos: number): Instant | undefined {
  const negative = seconds < 0 || nanos < 0
  return fitsInt64(Math.abs(seconds), Math.abs(nanos), negative) ? { seconds, nanos } : undefined
}
