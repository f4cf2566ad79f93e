import { expect } from 'vitest'
import type { State } from '../../src/state/state.generated.ts'
import type { Totals } from '../../src/state/totals.ts'

/** Every sum of the accounting, for each slice and in all, of a migration that is written. */
export function expectSumsToClose({ slices, totals }: State & { totals: Totals }): void {
  for (const [id, slice] of Object.entries(slices)) {
    if (slice.status !== 'written') throw new Error(`${id} is ${slice.status}`)
    const { counts, sent } = slice
    const { points, overwritten, deleted, filtered, refusedPoints, dropped = 0, added = 0 } = counts
    const parts = points + overwritten + deleted + filtered + refusedPoints + dropped
    expect(parts, id).toBe(counts.pointsRead + added)
    expect(sent.lines + sent.refusedLines, id).toBe(counts.rows)
    expect(sent.points + sent.refusedPoints, id).toBe(counts.points)
    const batches = counts.batches === 0 ? [] : [{ first: 0, last: counts.batches - 1 }]
    expect(sent.batches, id).toEqual(batches)
  }
  const refusedBefore = totals.refusedPoints - totals.refusedByCluster
  const { points, overwritten, deleted, filtered, dropped, added } = totals
  const parts = points + overwritten + deleted + filtered + refusedBefore + dropped
  expect(parts).toBe(totals.pointsRead + added)
  expect(totals.rowsWritten + totals.refusedLines).toBe(totals.rows)
  expect(totals.rowsLeft).toBe(0)
}
