import type { Rate } from './state.generated.ts'

/** Intervals that are kept; of more, neighbours are added, and the interval doubles. */
export const INTERVALS_KEPT = 240
/** Seconds: fine enough for a run that is over in a moment, and a power of two, so that doubling is exact. */
const FINEST = 0.125

/**
 * The rate with what was acknowledged at a time (milliseconds since the epoch). A time before the first interval, of a
 * clock that was set back, counts in the last one.
 */
export function addToRate(rate: Rate | undefined, at: number, rows: number, bytes: number): Rate {
  const { startedAt, ...before } = rate ?? {
    startedAt: new Date(at).toISOString(),
    everySeconds: FINEST,
    rows: [],
    bytes: [],
  }
  const seconds = (at - Date.parse(startedAt)) / 1000
  let { everySeconds } = before
  let intervals = [before.rows, before.bytes]
  while (seconds / everySeconds >= INTERVALS_KEPT) {
    everySeconds *= 2
    intervals = intervals.map(inPairs)
  }
  const [allRows = [], allBytes = []] = intervals
  const index = seconds < 0 ? Math.max(0, allRows.length - 1) : Math.floor(seconds / everySeconds)
  return { startedAt, everySeconds, rows: plus(allRows, index, rows), bytes: plus(allBytes, index, bytes) }
}

function inPairs(values: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(values.length / 2) }, (_, index) => {
    const [first = 0, second = 0] = values.slice(2 * index, 2 * index + 2)
    return first + second
  })
}

function plus(values: readonly number[], index: number, value: number): number[] {
  const longer = [...values, ...Array.from({ length: Math.max(0, index + 1 - values.length) }, () => 0)]
  longer[index] = (longer[index] ?? 0) + value
  return longer
}
