import { expect } from 'vitest'
import type { State } from '../../src/state/state.generated.ts'
import type { Totals } from '../../src/state/totals.ts'

/** Every sum of the accounting, for each slice and in all, of a migration that is written. */
export function expectSumsToClose({ slices, totals }: State & { totals: Totals }): void {
  for (const [id, slice] of Object.entries(slices)) {
    if (slice.status !== 'written') throw new Error(`${id} is ${slice.status}`)
    const { counts, sent } = slice
    const { points, overwritten, deleted, filtered, refusedPoints } = counts
    expect(points + overwritten + deleted + filtered + refusedPoints, id).toBe(counts.pointsRead)
    expect(sent.lines + sent.refusedLines, id).toBe(counts.rows)
    expect(sent.points + sent.refusedPoints, id).toBe(counts.points)
    const batches = counts.batches === 0 ? [] : [{ first: 0, last: counts.batches - 1 }]
    expect(sent.batches, id).toEqual(batches)
  }
  const refusedBefore = totals.refusedPoints - totals.refusedByCluster
  const { points, overwritten, deleted, filtered } = totals
  expect(points + overwritten + deleted + filtered + refusedBefore).toBe(totals.pointsRead)
  expect(totals.rowsWritten + totals.refusedLines).toBe(totals.rows)
  expect(totals.rowsLeft).toBe(0)
}
