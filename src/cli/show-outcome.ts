import { join } from 'node:path'
import type { Migration } from '../manifest/migration.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import { summaryOf } from '../report/summary.ts'
import { commandLine, type ManifestOptions } from './options.ts'
import type { Outcome, RunResult } from '../run/run.ts'
import type { State } from '../state/state.generated.ts'
import type { Totals } from '../state/totals.ts'

interface Finished {
  file: string
  options: ManifestOptions & { next?: string }
  migration: Migration
  plan: Plan
  slices: readonly Slice[]
  state: State
  result: RunResult
}

const HEADLINES: Record<Outcome, string> = {
  done: 'done: every point is in the cluster, and the sums close',
  refused: 'done, but some points were refused',
  differs: 'done, but not everything in the cluster is as it is at the source',
  incomplete: 'not finished: only a part was asked for',
  failed: 'not finished',
  interrupted: 'interrupted',
}

const SKIPPED = 'done, but damaged parts of the source were skipped'

/** The last words of a run: what was moved, and what to do next. */
export function showOutcome(finished: Finished): string {
  const { migration, plan, slices, state, result } = finished
  const part = slices.length < plan.slices.length ? ' (only the mappings asked for)' : ''
  const { outcome, totals } = result
  const headline = outcome === 'refused' && totals.skipped > 0 ? SKIPPED : HEADLINES[outcome]
  const next = nextSteps(finished).map((line) => `\n${line}`)
  return `\n${migration.name}: ${headline}${part}\n\n${summaryOf(plan, slices, state)}\n${next.join('')}\n${result.failure === undefined ? '' : '\n'}`
}

/** What is in the dead letters; `undefined` when nothing is. */
function letterWords({ refusedPoints, skipped }: Totals): string | undefined {
  if (skipped > 0) return refusedPoints > 0 ? 'What was skipped and refused is in' : 'What was skipped is in'
  return refusedPoints > 0 ? 'Refused points are in' : undefined
}

function nextSteps({ file, options, migration, plan, state, result }: Finished): string[] {
  const { spool, target } = migration
  const refused = letterWords(result.totals)
  const letters = `${refused} ${join(spool.dir, 'dead-letter')}, one JSON object a line, each with its reason.`
  const run = commandLine('run', file, options)
  const left = plan.slices.some(({ id }) => state.slices[id]?.status !== 'written')
  switch (result.outcome) {
    case 'done':
      if (left) return [`Next: ${run}   moves the other mappings`]
      return [
        options.next ??
          `Next: point your clients at ${target.url}; keep the state file, it is the record of this migration.`,
      ]
    case 'refused':
      return [letters, 'Everything else is in the cluster. A rerun does not send them again.']
    case 'differs':
      return [
        ...(refused === undefined ? [] : [letters]),
        `What differs: ${commandLine('verify', file, options)}`,
        `To move these slices again: ${commandLine('rerun', file, options)} --differing`,
      ]
    case 'incomplete':
    case 'failed':
    case 'interrupted': {
      const again = `Next: ${run}   goes on where this run stopped`
      return refused === undefined ? [again] : [letters, again]
    }
  }
}
