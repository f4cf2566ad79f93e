import { Failure } from '../core/failure.ts'
import type { Slice } from '../plan/plan.ts'
import type { ExportedSlice } from '../state/state.generated.ts'

/** @throws Failure `write/sum`: a defect of influx-ferry, or a spool that is not the one that was exported. */
export function expectSumsClose(
  slice: Slice,
  { counts, sent }: Pick<ExportedSlice, 'counts' | 'sent'>,
): void {
  const rowsClose = counts.rows === sent.lines + sent.refusedLines
  const pointsClose = counts.points === sent.points + sent.refusedPoints
  if (rowsClose && pointsClose) return
  throw new Failure(
    'write/sum',
    `the sums of the slice do not close: ${counts.rows} rows and ${counts.points} points were in its batches, ` +
      `${sent.lines} and ${sent.points} acknowledged, ${sent.refusedLines} and ${sent.refusedPoints} refused`,
    { where: slice.id, remedy: 'This is a defect of influx-ferry: please report it with the state file.' },
  )
}
