/** The verification record as maps: for each mapping, measurements over time. */
import { windowOfSliceId } from '../plan/slices.ts'
import type { SliceVerified, State } from '../state/state.generated.ts'
import type { MeasurementVerification, Verification } from '../verify/verification.generated.ts'
import { withoutSlices } from '../verify/verification-record.ts'
import type { Comparison, ComparisonCell, ComparisonMap, ReportedMapping } from './report.generated.ts'
import { windowAsText } from './windows.ts'

/** Columns of a map; of more slices, several are in one. */
const COLUMNS = 40

/** Of slices that were written again since, or never were, the record tells nothing. */
export function comparisonOf(
  all: Verification,
  mappings: readonly ReportedMapping[],
  state: State,
): Comparison {
  const record = withoutSlices(all, (id) => verifiedOf(state, id) === undefined)
  const { source, startedAt, endedAt, version, differences, differencesLeftOut = 0 } = record
  const slices = { equal: 0, differs: 0, notCompared: 0 }
  for (const { compared } of mappings.flatMap(({ slices }) => slices))
    slices[compared === 'equal' || compared === 'differs' ? compared : 'notCompared'] += 1
  const isFull = Object.keys(record.slices).every((id) => verifiedOf(state, id)?.level === 'full')
  return {
    level: isFull ? 'full' : 'basic',
    ...{ source, startedAt, version },
    ...(endedAt !== undefined && { endedAt }),
    slices,
    maps: mappings.map((mapping) => mapOf(record, mapping)),
    differences,
    differencesLeftOut,
  }
}

/** When and how a slice was compared since it was written. */
export function verifiedOf(state: State, id: string): SliceVerified | undefined {
  const slice = state.slices[id]
  return slice?.status === 'written' ? slice.verified : undefined
}

function mapOf(record: Verification, { id, target, slices }: ReportedMapping): ComparisonMap {
  const ids = slices.map((slice) => slice.id).sort(byTime)
  const size = Math.ceil(ids.length / COLUMNS)
  const columns = Array.from({ length: Math.ceil(ids.length / Math.max(1, size)) }, (_, index) =>
    ids.slice(index * size, (index + 1) * size),
  )
  const measurements = new Set(ids.flatMap((one) => Object.keys(record.slices[one]?.measurements ?? {})))
  const rows = [...measurements].map((measurement) => {
    const cells = columns.map((column) => worstOf(column.map((one) => cellOf(record, one, measurement))))
    return { measurement, points: cells.reduce((sum, { points }) => sum + points, 0), cells }
  })
  return {
    ...{ mapping: id, target },
    columns: columns.map((column) => ({ window: windowOf(column), slices: column.length })),
    rows: rows.sort((a, b) => badness(b.cells) - badness(a.cells) || compare(a.measurement, b.measurement)),
  }
}

function windowOf(column: readonly string[]) {
  const windows = column.map(windowOfSliceId)
  const [first] = windows
  if (first === undefined) throw new Error('a column without slices')
  const end = windows.reduce((last, { end }) => (end > last ? end : last), first.end)
  return windowAsText({ start: first.start, end })
}

function cellOf(record: Verification, slice: string, measurement: string): ComparisonCell {
  const found = record.slices[slice]
  if (found === undefined)
    return { outcome: 'not-compared', points: 0, reason: 'not come to since it was written' }
  const own: MeasurementVerification | undefined = Object.hasOwn(found.measurements, measurement)
    ? found.measurements[measurement]
    : undefined
  if (own === undefined) {
    if (found.outcome !== 'not-compared') return { outcome: 'nothing', points: 0 }
    return { outcome: 'not-compared', points: 0, ...(found.reason && { reason: found.reason }) }
  }
  const reason = own.reason ?? (own.outcome === 'not-compared' ? found.reason : undefined)
  return {
    outcome: own.outcome,
    points: own.points,
    ...(own.differing !== undefined && { differing: own.differing }),
    ...(reason !== undefined && { reason }),
  }
}

const RANK: Record<ComparisonCell['outcome'], number> = {
  nothing: 0,
  equal: 1,
  'not-compared': 2,
  differs: 3,
}

function worstOf(cells: readonly ComparisonCell[]): ComparisonCell {
  const [worst] = cells.toSorted((a, b) => RANK[b.outcome] - RANK[a.outcome])
  if (worst === undefined) throw new Error('a column without slices')
  const differing = cells.reduce((sum, cell) => sum + (cell.differing ?? 0), 0)
  return {
    ...worst,
    points: cells.reduce((sum, { points }) => sum + points, 0),
    ...(differing > 0 && { differing }),
  }
}

function badness(cells: readonly ComparisonCell[]): number {
  return Math.max(0, ...cells.map(({ outcome }) => RANK[outcome]))
}

function byTime(a: string, b: string): number {
  const [first, second] = [windowOfSliceId(a).start, windowOfSliceId(b).start]
  return first < second ? -1 : first > second ? 1 : 0
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
