import { join } from 'node:path'
import type { Migration } from '../manifest/migration.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import { summaryOf } from '../report/summary.ts'
import type { Outcome, RunResult } from '../run/run.ts'
import type { State } from '../state/state.generated.ts'
import type { Totals } from '../state/totals.ts'

interface Finished {
  file: string
  migration: Migration
  plan: Plan
  slices: readonly Slice[]
  state: State
  result: RunResult
}

const HEADLINES: Record<Outcome, string> = {
  done: 'done: every point is in the cluster, and the sums close',
  refused: 'done, but some points were refused',
  incomplete: 'not finished: only a part was asked for',
  failed: 'not finished',
  interrupted: 'interrupted',
}

const SKIPPED = 'done, but damaged parts of the source were skipped'

/** The last words of a run: what was moved, and what to do next. */
export function showOutcome({ file, migration, plan, slices, state, result }: Finished): string {
  const { outcome, totals } = result
  const letters = letterWords(totals)
  const next = nextSteps(outcome, file, migration, letters)
  return `\n${migration.name}: ${totals.skipped > 0 && outcome === 'refused' ? SKIPPED : HEADLINES[outcome]}\n\n${summaryOf(plan, slices, state)}\n${next.map((line) => `\n${line}`).join('')}\n`
}

/** What is in the dead letters; `undefined` when nothing is. */
function letterWords({ refusedPoints, skipped }: Totals): string | undefined {
  if (skipped > 0) return refusedPoints > 0 ? 'What was skipped and refused is in' : 'What was skipped is in'
  return refusedPoints > 0 ? 'Refused points are in' : undefined
}

function nextSteps(
  outcome: Outcome,
  file: string,
  { spool, target }: Migration,
  refused: string | undefined,
): string[] {
  const letters = `${refused} ${join(spool.dir, 'dead-letter')}, one JSON object a line, each with its reason.`
  const again = `Next: influx-ferry run ${file}   goes on where this run stopped`
  switch (outcome) {
    case 'done':
      return [
        `Next: point your clients at ${target.url}; keep the state file, it is the record of this migration.`,
      ]
    case 'refused':
      return [letters]
    case 'incomplete':
    case 'failed':
    case 'interrupted':
      return refused === undefined ? [again] : [letters, again]
  }
}
