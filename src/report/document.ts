/** The report as headings, lists and tables: what a terminal and Markdown have in common. */
import { countOf, formatCount, formatElapsed } from '../core/units.ts'
import { showSlice } from '../plan/slices.ts'
import { differenceInWords } from '../verify/verification-record.ts'
import type { ComparisonCell, ComparisonMap, Report } from './report.generated.ts'
import { runRows } from './run-rows.ts'
import { sumInWords } from './summary.ts'
import { showWindow } from './windows.ts'

export type Block =
  | { kind: 'title' | 'heading' | 'text'; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'table'; header: string[]; rows: string[][]; right: number[] }
  /** Lines as they are: commands, rows of line protocol. */
  | { kind: 'verbatim'; lines: string[] }

/** Of what there may be very many, in the formats for people; all of it is in the JSON. */
export const SHOWN = { measurements: 60, differences: 20, failures: 10 }

/** Not by colour alone: the symbols are in the page and in text. */
export const SYMBOLS: Record<ComparisonCell['outcome'], string> = {
  equal: '✓',
  differs: '✕',
  'not-compared': '?',
  nothing: '·',
}

export function documentOf(report: Report): Block[] {
  const { migration, verdict } = report
  const environment = migration.environment === undefined ? '' : ` (${migration.environment})`
  return [
    { kind: 'title', text: `${migration.name}${environment}: ${verdict.headline}` },
    { kind: 'list', items: [...verdict.details, ...migration.notes] },
    ...warnings(report),
    ...moved(report),
    ...comparison(report),
    ...letters(report),
    ...time(report),
    ...asked(report),
    heading('Again'),
    { kind: 'verbatim', lines: report.reproduce },
    {
      kind: 'text',
      text: `influx-ferry ${versionsOf(report)}; manifest ${migration.manifest}, hash ${migration.manifestHash}; this report was made at ${report.madeAt}.`,
    },
  ]
}

/** Of the runs, oldest first. */
export function versionsOf({ runs, version }: Report): string {
  const versions = [...new Set(runs.map((run) => run.version))]
  return versions.length === 0 ? version : versions.join(', ')
}

function heading(text: string): Block {
  return { kind: 'heading', text }
}

function warnings({ warnings, warningsLeftOut }: Report): Block[] {
  if (warnings.length === 0) return []
  return [heading('Warnings'), { kind: 'list', items: andMore(warnings, warningsLeftOut) }]
}

function andMore(items: readonly string[], more: number): string[] {
  return more > 0 ? [...items, `and ${formatCount(more)} more`] : [...items]
}

function moved({ mappings, sums }: Report): Block[] {
  const rows = mappings.map(({ from, target, totals, slices }) => [
    from,
    target,
    `${totals.slices.written}/${slices.length}`,
    ...[totals.rowsWritten, totals.points, totals.refusedPoints].map(formatCount),
  ])
  const header = ['FROM', 'TO', 'SLICES', 'ROWS', 'POINTS', 'REFUSED']
  const failed = mappings
    .flatMap(({ slices }) => slices)
    .flatMap(({ id, failure }) => (failure === undefined ? [] : [{ id, failure }]))
  const failures = failed.slice(0, SHOWN.failures).map(({ id, failure }) => {
    const { message, where, remedy } = failure
    return [`${showSlice(id)}: ${message}`, where && `at ${where}`, remedy].filter(Boolean).join('\n')
  })
  return [
    heading('What was moved'),
    { kind: 'table', header, rows, right: [2, 3, 4, 5] },
    { kind: 'list', items: sums.map(sumInWords) },
    ...(failed.length === 0 ? [] : [heading('Slices that failed')]),
    ...(failed.length === 0
      ? []
      : [{ kind: 'list' as const, items: andMore(failures, failed.length - failures.length) }]),
  ]
}

function comparison({ comparison }: Report): Block[] {
  if (comparison === undefined) return []
  const { differences, differencesLeftOut } = comparison
  const shown = differences.slice(0, SHOWN.differences)
  const more = differences.length - shown.length + differencesLeftOut
  return [
    heading('Source and cluster compared'),
    ...comparison.maps.flatMap(comparisonTable),
    { kind: 'text', text: '✓ equal  ✕ differs  ? not compared  · no point there' },
    ...(differences.length === 0 ? [] : [heading('Differences')]),
    ...(differences.length === 0
      ? []
      : [{ kind: 'list' as const, items: andMore(shown.map(differenceInWords), more) }]),
  ]
}

function comparisonTable({ target, columns, rows }: ComparisonMap): Block[] {
  const [first, last] = [columns[0]?.window, columns.at(-1)?.window]
  if (first === undefined || last === undefined || rows.length === 0) return []
  const shown = rows.slice(0, SHOWN.measurements)
  const more = rows.length - shown.length
  const span = showWindow({ ...(first.start && { start: first.start }), ...(last.end && { end: last.end }) })
  return [
    {
      kind: 'table',
      header: ['DATABASE', 'MEASUREMENT', 'POINTS', span],
      rows: shown.map(({ measurement, points, cells }) => [
        target,
        measurement,
        formatCount(points),
        cells.map(({ outcome }) => SYMBOLS[outcome]).join(''),
      ]),
      right: [2],
    },
    ...(more > 0 ? [{ kind: 'text' as const, text: `and ${countOf(more, 'measurement')} more` }] : []),
  ]
}

function letters({ deadLetters }: Report): Block[] {
  const { reasons, folder } = deadLetters
  if (reasons.length === 0) return []
  return [
    heading('Refused'),
    {
      kind: 'table',
      header: ['REASON', 'BY', 'LINES', 'POINTS'],
      rows: reasons.map(({ reason, by, letters, points }) => [
        reason,
        by === 'cluster' ? 'the cluster' : by,
        formatCount(letters),
        formatCount(points),
      ]),
      right: [2, 3],
    },
    { kind: 'text', text: `The first of each, all of them are in ${folder}:` },
    {
      kind: 'verbatim',
      lines: reasons.flatMap(({ examples }) =>
        examples.slice(0, 1).map(({ line, where }) => (line === '' ? (where ?? '') : line)),
      ),
    },
  ]
}

function time({ phases, runs }: Report): Block[] {
  if (runs.length === 0) return []
  return [
    heading('Time'),
    {
      kind: 'table',
      header: ['PHASE', 'TIME', 'RUNS'],
      rows: phases.map(({ phase, seconds, runs }) => [phase, formatElapsed(seconds), formatCount(runs)]),
      right: [1, 2],
    },
    {
      kind: 'table',
      header: ['RUN', 'OUTCOME', 'TOOK', 'ROWS', 'ROWS/S'],
      rows: runRows(runs),
      right: [2, 3, 4],
    },
  ]
}

function asked({ migration: { asked, targets } }: Report): Block[] {
  if (asked === undefined) return []
  return [
    heading('What was asked'),
    {
      kind: 'table',
      header: ['FROM', 'TO', 'TIME RANGE', 'TRANSFORMS'],
      rows: asked.mappings.map(({ from, to, timeRange, transforms }) => [
        from,
        to,
        timeRange,
        formatCount(transforms),
      ]),
      right: [3],
    },
    {
      kind: 'list',
      items: [
        ...asked.sources.map(({ name, kind, files }) => `source ${name} (${kind}): ${files.join(', ')}`),
        `cluster: ${asked.url}`,
        `databases: ${targets.map(({ database, origin }) => `${database} (${origin})`).join(', ') || 'none yet'}`,
        `transfer: ${asked.transfer}; verify: ${asked.verify}`,
      ],
    },
  ]
}
