import type { SliceCounts, State } from './state.generated.ts'

/** Sums over slices, from the state alone. Of a slice that is being sent, what is acknowledged counts, as read and as written. */
export interface Totals {
  slices: { pending: number; exported: number; sending: number; written: number; failed: number }
  pointsRead: number
  points: number
  overwritten: number
  deleted: number
  filtered: number
  /** Points that transforms took out, and those that they made of tags. */
  dropped: number
  added: number
  /** Points in the dead letters: refused by us before sending, or by the cluster. */
  refusedPoints: number
  refusedByCluster: number
  /** Damaged places of the source that were left out. */
  skipped: number
  rows: number
  rowsWritten: number
  refusedLines: number
  /** Rows of spooled batches that are not acknowledged yet. */
  rowsLeft: number
  rawBytes: number
  gzipBytes: number
}

export function totalsOf(slices: readonly { id: string }[], state: State): Totals {
  const totals: Totals = {
    slices: { pending: 0, exported: 0, sending: 0, written: 0, failed: 0 },
    pointsRead: 0,
    points: 0,
    overwritten: 0,
    deleted: 0,
    filtered: 0,
    dropped: 0,
    added: 0,
    refusedPoints: 0,
    refusedByCluster: 0,
    skipped: 0,
    rows: 0,
    rowsWritten: 0,
    refusedLines: 0,
    rowsLeft: 0,
    rawBytes: 0,
    gzipBytes: 0,
  }
  for (const { id } of slices) {
    const slice = state.slices[id]
    totals.slices[slice?.status ?? 'pending'] += 1
    if (slice === undefined || slice.status === 'failed') continue
    const { sent } = slice
    if (slice.status === 'sending') {
      const points = sent.points + sent.refusedPoints
      totals.pointsRead += points
      totals.points += points
      totals.rows += sent.lines + sent.refusedLines
    } else addCounts(totals, slice.counts)
    totals.refusedPoints += sent.refusedPoints
    totals.refusedByCluster += sent.refusedPoints
    totals.rowsWritten += sent.lines
    totals.refusedLines += sent.refusedLines
  }
  totals.rowsLeft = totals.rows - totals.rowsWritten - totals.refusedLines
  return totals
}

function addCounts(totals: Totals, counts: SliceCounts): void {
  totals.pointsRead += counts.pointsRead
  totals.points += counts.points
  totals.overwritten += counts.overwritten
  totals.deleted += counts.deleted
  totals.filtered += counts.filtered
  totals.dropped += counts.dropped ?? 0
  totals.added += counts.added ?? 0
  totals.refusedPoints += counts.refusedPoints
  totals.skipped += counts.skipped
  totals.rows += counts.rows
  totals.rawBytes += counts.rawBytes
  totals.gzipBytes += counts.gzipBytes
}
