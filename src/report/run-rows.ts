import { formatCount, formatElapsed } from '../core/units.ts'
import type { RunRecord } from '../state/state.generated.ts'

/** When a run began, how it ended, what it took, rows acknowledged, and rows a second of the time in which there were some. */
export function runRows({ startedAt, endedAt, outcome, acknowledged, rate }: RunRecord): string[] {
  const rows = acknowledged?.rows ?? 0
  const writing = rate === undefined ? 0 : rate.rows.length * rate.everySeconds
  return [
    startedAt.replace(/\.\d+Z$/, 'Z'),
    outcome ?? 'killed, or still at work',
    endedAt === undefined
      ? ''
      : formatElapsed(Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000)),
    formatCount(rows),
    writing === 0 ? '' : formatCount(Math.round(rows / writing)),
  ]
}
