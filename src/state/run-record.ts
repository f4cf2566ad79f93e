/** What is kept of a run: when which phase was at work, what the cluster acknowledged when, what was warned of. */
import { addToRate } from './rate.ts'
import type { PhaseRecord, RunRecord, SliceSent, State } from './state.generated.ts'

export type RunRecordEvent =
  | { type: 'phase-started'; at: string; phase: string }
  | { type: 'phase-ended'; seconds: number; outcome: NonNullable<PhaseRecord['outcome']> }
  | { type: 'warned'; message: string }

const WARNINGS_KEPT = 50
/** Characters of a warning. */
const WARNING_LENGTH = 1000

export function reduceRunRecord(run: RunRecord, event: RunRecordEvent): RunRecord {
  switch (event.type) {
    case 'phase-started':
      return { ...run, phases: [...(run.phases ?? []), { phase: event.phase, startedAt: event.at }] }
    case 'phase-ended': {
      const { seconds, outcome } = event
      const last = run.phases?.at(-1)
      if (last === undefined) return run
      return { ...run, phases: [...(run.phases ?? []).slice(0, -1), { ...last, seconds, outcome }] }
    }
    case 'warned': {
      const { warnings = [], warningsLeftOut = 0 } = run
      if (warnings.length >= WARNINGS_KEPT) return { ...run, warningsLeftOut: warningsLeftOut + 1 }
      return { ...run, warnings: [...warnings, event.message.slice(0, WARNING_LENGTH)] }
    }
  }
}

/** What became of a batch. `at`: milliseconds since the epoch; without it, what was acknowledged is in no rate. */
export function withAcknowledged(
  run: RunRecord,
  outcome: Omit<SliceSent, 'batches'>,
  at: number | undefined,
): RunRecord {
  const before = run.acknowledged ?? NOTHING
  const acknowledged = {
    batches: before.batches + 1,
    rows: before.rows + outcome.lines,
    points: before.points + outcome.points,
    refusedRows: before.refusedRows + outcome.refusedLines,
    refusedPoints: before.refusedPoints + outcome.refusedPoints,
    bytes: before.bytes + outcome.bytes,
  }
  if (at === undefined) return { ...run, acknowledged }
  return { ...run, acknowledged, rate: addToRate(run.rate, at, outcome.lines, outcome.bytes) }
}

const NOTHING = { batches: 0, rows: 0, points: 0, refusedRows: 0, refusedPoints: 0, bytes: 0 }

/** The state with its last run changed; a state that never had one is left as it is. */
export function withLastRun(state: State, change: (run: RunRecord) => RunRecord): State {
  const last = state.runs.at(-1)
  return last === undefined ? state : { ...state, runs: [...state.runs.slice(0, -1), change(last)] }
}
