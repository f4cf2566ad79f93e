/** What the person who signs a migration off has to know first. */
import { countOf, formatCount } from '../core/units.ts'
import type { State } from '../state/state.generated.ts'
import type { Totals } from '../state/totals.ts'
import type { Comparison, ReportedLetters, Verdict } from './report.generated.ts'

interface Facts {
  state: State
  totals: Totals
  comparison: Comparison | undefined
  letters: ReportedLetters
  isUnderWay: boolean
}

/** The worst that is the case, and below it everything else that is. */
export function verdictOf(facts: Facts): Verdict {
  const { state, totals, comparison, isUnderWay } = facts
  const all = sumOfSlices(totals)
  const { written, failed } = totals.slices
  const done = `${formatCount(written)} of ${countOf(all, 'slice')}`
  const details = detailsOf(facts)
  const say = (outcome: Verdict['outcome'], headline: string): Verdict => ({ outcome, headline, details })
  if (isUnderWay) return say('under-way', `Under way: ${done} written`)
  if (failed > 0) return say('failed', `${countOf(failed, 'slice')} failed, ${done} are written`)
  if (all === 0) return say('unfinished', 'Nothing was moved yet')
  if (written < all) return say('unfinished', `Not finished: ${done} are written`)
  if (Object.values(state.databases).some(({ retention }) => retention === 'loading'))
    return say('unfinished', 'Everything was written, but retention is not set yet')
  if (comparison !== undefined && comparison.slices.differs > 0)
    return say('differs', differencesOf(comparison))
  const { equal, notCompared } = comparison?.slices ?? { equal: 0, notCompared: 0 }
  if (comparison === undefined || (equal === 0 && notCompared === all))
    return say('not-compared', 'Everything was written, and not compared')
  if (notCompared > 0)
    return say('not-compared', `Everything was written, but ${countOf(notCompared, 'slice')} not compared`)
  if (totals.skipped > 0)
    return say('refused', `${countOf(totals.skipped, 'damaged place')} of the source left out`)
  if (totals.refusedPoints > 0)
    return say('refused', `${countOf(totals.refusedPoints, 'point')} refused, all the rest arrived`)
  return say('equal', 'Everything arrived and was compared')
}

function differencesOf({ differences, differencesLeftOut, slices }: Comparison): string {
  const all = differences.length + differencesLeftOut
  if (all === 0) return `Source and cluster differ in ${countOf(slices.differs, 'slice')}`
  return `${countOf(all, 'difference')} between source and cluster`
}

function detailsOf({ state, totals, comparison, letters }: Facts): string[] {
  const { pending, exported, sending, failed } = totals.slices
  const last = state.runs.at(-1)
  const left = pending + exported + sending
  return [
    `${countOf(totals.rowsWritten, 'row')} with ${countOf(pointsAcknowledged(state), 'point')} acknowledged`,
    ...(failed > 0 ? [`${countOf(failed, 'slice')} failed: named below, with what to do`] : []),
    ...(left > 0 ? [`${countOf(left, 'slice')} still to be written`] : []),
    ...(last?.outcome === 'interrupted' ? ['The last run was interrupted'] : []),
    ...(totals.refusedPoints > 0
      ? [`${countOf(totals.refusedPoints, 'point')} refused, each in the dead letter`]
      : []),
    ...(totals.skipped > 0 ? [`${countOf(totals.skipped, 'damaged place')} of the source skipped`] : []),
    ...(letters.points === totals.refusedPoints
      ? []
      : [
          `The dead letters hold ${countOf(letters.points, 'point')}, the state says ${formatCount(totals.refusedPoints)}`,
        ]),
    ...comparisonDetails(comparison),
  ]
}

function pointsAcknowledged(state: State): number {
  return Object.values(state.slices).reduce(
    (sum, slice) => sum + (slice.status === 'failed' ? 0 : slice.sent.points),
    0,
  )
}

const SOURCES: Record<Comparison['source'], string> = {
  export: 'the source as it was exported',
  files: 'the source files as they are',
  http: 'what the 1.x server answers',
}

const LEVELS: Record<Comparison['level'], string> = {
  basic: 'in count, first and last time, minimum, maximum and sum of every field',
  full: 'value by value',
}

function comparisonDetails(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return ['Nothing was compared between source and cluster']
  const { slices, level, source, endedAt } = comparison
  const { equal, differs, notCompared } = slices
  const parts = [
    `${countOf(equal, 'slice')} equal`,
    ...(differs > 0 ? [`${formatCount(differs)} different`] : []),
    ...(notCompared > 0 ? [`${formatCount(notCompared)} not compared`] : []),
  ]
  return [
    `Compared with ${SOURCES[source]}, ${LEVELS[level]}: ${parts.join(', ')}`,
    ...(endedAt === undefined ? ['The comparison was cut off'] : []),
  ]
}

function sumOfSlices({ slices }: Totals): number {
  return Object.values(slices).reduce((sum: number, count: number) => sum + count, 0)
}
