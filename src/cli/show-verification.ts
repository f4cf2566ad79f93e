/** A verification as people read it: a table, then the differences by name. */
import { countOf, formatCount } from '../core/units.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import { table } from '../report/table.ts'
import type { MeasurementVerification, Verification } from '../verify/verification.generated.ts'
import { differenceInWords } from '../verify/verification-record.ts'

const DIFFERENCES_SHOWN = 50

/** @param rerun the command that moves slices again */
export function showVerification(record: Verification, slices: readonly Slice[], rerun: string): string {
  const own = slices.flatMap(({ id }) => {
    const slice = record.slices[id]
    return slice === undefined ? [] : [{ id, ...slice }]
  })
  const rows = new Map<string, Row>()
  for (const { target, measurements } of own)
    for (const [measurement, verification] of Object.entries(measurements)) {
      const key = `${target}\0${measurement}`
      const row = rows.get(key) ?? { target, measurement, fields: 0, points: 0, slices: 0, outcomes: [] }
      rows.set(key, added(row, verification))
    }
  const lines = [...rows.values()]
    .sort((a, b) => compare(a.target, b.target) || compare(a.measurement, b.measurement))
    .map(({ target, measurement, fields, points, slices: count, outcomes }) => [
      target,
      measurement,
      formatCount(fields),
      formatCount(points),
      formatCount(count),
      outcomeInWords(outcomes),
    ])
  const notWritten = slices.length - own.length
  const whole = own.filter(
    ({ outcome, measurements }) => outcome === 'not-compared' && Object.keys(measurements).length === 0,
  )
  const differing = own.filter(({ outcome }) => outcome === 'differs').length
  const ids = new Set(own.map(({ id }) => id))
  const differences = record.differences.filter(({ slice }) => ids.has(slice))
  const leftOut = differences.length - DIFFERENCES_SHOWN + (record.differencesLeftOut ?? 0)
  return `${[
    table(['DATABASE', 'MEASUREMENT', 'FIELDS', 'POINTS', 'SLICES', 'OUTCOME'], lines, [2, 3, 4]),
    '',
    ...whole.map(({ id, reason }) => `not compared: ${showSlice(id)}: ${reason ?? ''}`),
    ...own.flatMap(({ id, outcome, reason }) =>
      reason !== undefined && outcome !== 'not-compared' ? [`${showSlice(id)}: ${reason}`] : [],
    ),
    ...(notWritten > 0 ? [`${countOf(notWritten, 'slice')} not written yet, and not compared`] : []),
    ...differences.slice(0, DIFFERENCES_SHOWN).map(differenceInWords),
    ...(leftOut > 0 ? [`... and ${formatCount(leftOut)} more`] : []),
    ...(differing === 0
      ? [equalWords(record, own.length - whole.length)]
      : ['', `${countOf(differing, 'slice')} not equal. To move them again: ${rerun} --differing`]),
  ].join('\n')}\n`
}

interface Row {
  target: string
  measurement: string
  fields: number
  points: number
  slices: number
  outcomes: MeasurementVerification[]
}

function added(row: Row, verification: MeasurementVerification): Row {
  const { fields, points, outcome } = verification
  return {
    ...row,
    fields: Math.max(row.fields, fields),
    points: row.points + points,
    slices: row.slices + 1,
    outcomes: outcome === 'equal' ? row.outcomes : [...row.outcomes, verification],
  }
}

function outcomeInWords(outcomes: readonly MeasurementVerification[]): string {
  const differing = outcomes.filter(({ outcome }) => outcome === 'differs').length
  if (differing > 0) return `DIFFERS in ${countOf(differing, 'slice')}`
  const [first] = outcomes
  return first === undefined ? 'equal' : `not compared: ${first.reason ?? ''}`
}

function equalWords({ level, source }: Verification, slices: number): string {
  const from = { export: 'as it was exported', files: 'as its files are', http: 'as its server answers' }[
    source
  ]
  const how = level === 'full' ? 'value by value' : 'in count, first and last time, minimum, maximum and sum'
  return `${countOf(slices, 'slice')} equal to the source ${from}, ${how}.`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
