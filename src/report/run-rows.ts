import { formatCount, formatElapsed } from '../core/units.ts'
import type { RunRecord } from '../state/state.generated.ts'

/** Of each run, when it began, how it ended, what it took, rows acknowledged, and rows a second of the time in which there were some. */
export function runRows(runs: readonly RunRecord[]): string[][] {
  return runs.map((run, i) => runRow(run, i === runs.length - 1))
}

function runRow({ startedAt, endedAt, outcome, acknowledged, rate }: RunRecord, isLast: boolean): string[] {
  const rows = acknowledged?.rows ?? 0
  const writing = rate === undefined ? 0 : rate.rows.length * rate.everySeconds
  return [
    startedAt.replace(/\.\d+Z$/, 'Z'),
    outcome ?? (isLast ? 'killed, or still at work' : 'killed'),
    endedAt === undefined
      ? ''
      : formatElapsed(Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000)),
    formatCount(rows),
    writing === 0 ? '' : formatCount(Math.round(rows / writing)),
  ]
}
