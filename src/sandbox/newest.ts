import type { TableBatch } from './batch.ts'
import type { Table } from './schema.ts'

/**
 * Keeps the newest time of each series for as long as every row has been newer than its series' last one. Then no row
 * can repeat an earlier one, and queries need no merging; after the first that may, `table.newest` is `undefined`.
 */
export function trackNewest(table: Table, { rows, series, times }: TableBatch): void {
  if (table.newest === undefined) return
  if (table.newest.length < table.series.size) {
    const larger = new BigInt64Array(2 * table.series.size).fill(-(2n ** 63n))
    larger.set(table.newest)
    table.newest = larger
  }
  const halves = new Int32Array(table.newest.buffer)
  for (let row = 0; row < rows; row += 1) {
    const at = 2 * (series[row] as number)
    const low = times[2 * row] as number
    const high = times[2 * row + 1] as number
    const newestHigh = halves[at + 1] as number
    if (high < newestHigh || (high === newestHigh && low >>> 0 <= (halves[at] as number) >>> 0)) {
      table.newest = undefined
      return
    }
    halves[at] = low
    halves[at + 1] = high
  }
}
