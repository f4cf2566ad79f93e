/** What was moved, from plan and state, as text. */
import { formatBytes, formatCount, countOf } from '../core/units.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import type { State } from '../state/state.generated.ts'
import { totalsOf, type Totals } from '../state/totals.ts'
import type { Sum } from './report.generated.ts'
import { table } from './table.ts'

/** One line a mapping, then the sums, each of them closing. */
export function summaryOf(
  plan: Pick<Plan, 'mappings'>,
  slices: readonly Pick<Slice, 'id' | 'mapping'>[],
  state: State,
): string {
  const rows = plan.mappings.flatMap((mapping) => {
    const own = slices.filter(
      (slice) => slice.mapping.id === mapping.id && slice.mapping.target === mapping.target,
    )
    if (own.length === 0) return []
    const totals = totalsOf(own, state)
    return [
      [
        mapping.database === ''
          ? mapping.source
          : `${mapping.source} ${mapping.database}.${mapping.retentionPolicy}`,
        mapping.target,
        `${totals.slices.written}/${own.length}`,
        formatCount(totals.rowsWritten),
        formatCount(totals.points),
        formatCount(totals.refusedPoints),
      ],
    ]
  })
  const totals = totalsOf(slices, state)
  return [
    table(['FROM', 'TO', 'SLICES', 'ROWS', 'POINTS', 'REFUSED'], rows, [2, 3, 4, 5]),
    ...(totals.slices.exported + totals.slices.sending + totals.slices.written > 0
      ? ['', sumsOf(totals)]
      : []),
    ...comparedOf(slices, state),
    ...failuresOf(slices, state),
  ].join('\n')
}

/** The two sums of the accounting: of points, and of rows. */
export function partsOf(totals: Totals): [Sum, Sum] {
  const parts = [
    { count: totals.points, of: 'in rows' },
    { count: totals.overwritten, of: 'overwritten by a later value' },
    totals.deleted > 0 && { count: totals.deleted, of: 'deleted' },
    totals.filtered > 0 && { count: totals.filtered, of: 'outside the range' },
    totals.dropped > 0 && { count: totals.dropped, of: 'dropped by transforms' },
    totals.refusedPoints > totals.refusedByCluster && {
      count: totals.refusedPoints - totals.refusedByCluster,
      of: 'not expressible',
    },
  ]
  const sent = [
    { count: totals.rowsWritten, of: 'acknowledged' },
    totals.refusedLines > 0 && { count: totals.refusedLines, of: 'refused by the cluster' },
    totals.rowsLeft > 0 && { count: totals.rowsLeft, of: 'still to send' },
  ]
  const points = totals.pointsRead + totals.added
  const rest = totals.added > 0 ? `, ${formatCount(totals.added)} of them made of tags` : ' read'
  return [
    {
      whole: { count: points, of: nounFor(points, 'point', rest) },
      parts: parts.filter((part) => part !== false),
    },
    {
      whole: { count: totals.rows, of: nounFor(totals.rows, 'row') },
      parts: sent.filter((part) => part !== false),
    },
  ]
}

function nounFor(count: number, noun: string, rest = ''): string {
  return `${noun}${count === 1 ? '' : 's'}${rest}`
}

/** What comparing with the source found, and the slices that differ by name. */
export function comparedOf(slices: readonly Pick<Slice, 'id'>[], state: State): string[] {
  const verified = slices.flatMap(({ id }) => {
    const slice = state.slices[id]
    return slice?.status === 'written' && slice.verified !== undefined ? [{ id, ...slice.verified }] : []
  })
  if (verified.length === 0) return []
  const count = (outcome: string, level?: string) =>
    verified.filter((one) => one.outcome === outcome && (level === undefined || one.level === level)).length
  const parts = [
    count('equal', 'full') > 0 && `${countOf(count('equal', 'full'), 'slice')} equal, value by value`,
    count('equal', 'basic') > 0 && `${countOf(count('equal', 'basic'), 'slice')} equal`,
    count('differs') > 0 && `${countOf(count('differs'), 'slice')} not equal`,
    count('not-compared') > 0 && `${countOf(count('not-compared'), 'slice')} not compared`,
  ].filter((part) => part !== false)
  const differing = verified.filter(({ outcome }) => outcome === 'differs')
  const more = differing.length - FAILURES_SHOWN
  return [
    `compared with the source: ${parts.join(', ')}`,
    ...differing.slice(0, FAILURES_SHOWN).map(({ id }) => `  not equal: ${showSlice(id)}`),
    ...(more > 0 ? [`  ... and ${more} more`] : []),
  ]
}

/** The two sums of the accounting, in words. */
export function sumsOf(totals: Totals): string {
  const skipped =
    totals.skipped > 0
      ? [
          `${countOf(totals.skipped, 'damaged place')} of the source skipped; how many points were there is not known`,
        ]
      : []
  const { sending } = totals.slices
  const bytes = `${formatBytes(totals.rawBytes)} of line protocol, ${formatBytes(totals.gzipBytes)} gzipped`
  const only = sending === 1 ? 'it' : 'them'
  const underWay =
    sending > 0
      ? [`${countOf(sending, 'slice')} under way: only what is acknowledged of ${only} is counted`]
      : []
  return [
    ...partsOf(totals).map(sumOnLines),
    ...(totals.rawBytes === 0 && sending > 0 ? [] : [bytes]),
    ...skipped,
    ...underWay,
  ].join('\n')
}

/** Columns that a line of a sum may have. */
const SUM_WIDTH = 80

/** `a = b + c`, what does not fit a narrow terminal below each other. */
function sumOnLines(sum: Sum): string {
  const [whole = '', ...parts] = [sum.whole, ...sum.parts].map(
    ({ count, of }) => `${formatCount(count)} ${of}`,
  )
  const line = `${whole} = ${parts.join(' + ')}`
  return line.length <= SUM_WIDTH ? line : `${whole} =\n    ${parts.join('\n  + ')}`
}

/** `6 points read = 5 in rows + 1 overwritten by a later value` */
export function sumInWords({ whole, parts }: Sum): string {
  return `${countInWords(whole)} = ${parts.map(countInWords).join(' + ')}`
}

function countInWords({ count, of }: Sum['whole']): string {
  return `${formatCount(count)} ${of}`
}

const FAILURES_SHOWN = 10

/** Failed slices, the first ones with their reasons; what to do about it is said once, not for every slice. */
export function failuresOf(slices: readonly Pick<Slice, 'id'>[], state: State): string[] {
  const failed = slices.flatMap(({ id }) => {
    const slice = state.slices[id]
    return slice?.status === 'failed' ? [{ id, slice }] : []
  })
  if (failed.length === 0) return []
  const shown = failed.slice(0, FAILURES_SHOWN)
  const reasons = shown.flatMap(({ id, slice: { message, where } }) => [
    `  ${showSlice(id)}`,
    `    ${message}`,
    ...(where === undefined ? [] : [`    at ${where}`]),
  ])
  const more =
    failed.length > FAILURES_SHOWN
      ? [`  ... and ${failed.length - FAILURES_SHOWN} more (influx-ferry status --json)`]
      : []
  const remedies = new Set(shown.map(({ slice }) => slice.remedy).filter((remedy) => remedy !== undefined))
  return ['', `${countOf(failed.length, 'slice')} failed:`, ...reasons, ...more, '', ...remedies]
}
