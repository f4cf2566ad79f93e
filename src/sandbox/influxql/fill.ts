import type { Windows } from './select.ts'

export interface WindowRow {
  /** Start of the window. */
  time: bigint
  /** JSON texts. */
  cells: string[]
}

/** Puts a row for every window without one between the query's ends, as GROUP BY time() does by default. */
export function fillWindows(
  rows: WindowRow[],
  { interval, from, to, fill, counts }: Windows,
  descending: boolean,
): WindowRow[] {
  if (fill === 'none' || rows.length === 0) return rows
  const byTime = new Map(rows.map((row) => [row.time, row]))
  const times = rows.map(({ time }) => time)
  const oldest = times.reduce((a, b) => (a < b ? a : b))
  const first = from === undefined ? oldest : windowOf(from, interval)
  const filled: WindowRow[] = []
  for (let time = first; time <= to; time += interval) {
    const empty = counts.map((isCount) =>
      fill !== undefined && typeof fill === 'object' ? fill.number : isCount ? '0' : 'null',
    )
    filled.push(byTime.get(time) ?? { time, cells: empty })
  }
  return descending ? filled.reverse() : filled
}

function windowOf(time: bigint, interval: bigint): bigint {
  return time - (((time % interval) + interval) % interval)
}
