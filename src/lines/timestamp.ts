/**
 * Times in the hot loop are pairs, since a double cannot hold int64 nanoseconds and BigInt allocates:
 * `t = seconds * 1e9 + nanos`, both with the sign of t, so that comparing the pairs compares the times.
 */
export interface Instant {
  seconds: number
  nanos: number
}

const BILLION = 1_000_000_000

/** The pair of an int64 time, or of 2^63, the exclusive end of all time. */
export function instantOf(time: bigint): Instant {
  return { seconds: Number(time / 1_000_000_000n), nanos: Number(time % 1_000_000_000n) }
}

/** Whether a pair with this magnitude is an int64. */
export function fitsInt64(seconds: number, nanos: number, negative: boolean): boolean {
  if (seconds !== 9_223_372_036) return seconds < 9_223_372_036
  return nanos <= (negative ? 854_775_808 : 854_775_807)
}

/** Writes the decimal nanoseconds of a pair at `at`, and returns where they end. At most 20 bytes. */
export function writeInstant(into: Uint8Array, at: number, seconds: number, nanos: number): number {
  let whole = seconds
  let rest = nanos
  if (whole < 0 || rest < 0) {
    into[at++] = 45
    whole = 0 - whole
    rest = 0 - rest
  }
  if (whole === 0) return writeDigits(into, at, rest, digitsOf(rest))
  if (whole >= BILLION) {
    const high = Math.floor(whole / BILLION)
    at = writeDigits(into, at, high, digitsOf(high))
    at = writeDigits(into, at, whole - high * BILLION, 9)
  } else {
    at = writeDigits(into, at, whole, digitsOf(whole))
  }
  return writeDigits(into, at, rest, 9)
}

function digitsOf(number: number): number {
  let digits = 1
  for (let limit = 10; number >= limit; limit *= 10) digits += 1
  return digits
}

function writeDigits(into: Uint8Array, at: number, number: number, digits: number): number {
  let rest = number | 0
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0
    into[i] = 48 + rest - tenth * 10
    rest = tenth
  }
  return at + digits
}
