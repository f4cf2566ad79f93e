/** Findings as people read them: one table, and below it the lines of YAML that resolve the errors. */
import { countOf, formatCount } from '../core/units.ts'
import { fold } from '../manifest/cells.ts'
import { table } from '../report/table.ts'
import type { PreflightReport } from './report.ts'

/** Columns of a table that is read with ease. */
const WIDTH = 108
/** Of a place; a name may have 64 kB. */
const WHERE_WIDTH = 60

type Findings = PreflightReport['findings']

/** Empty when there is nothing to say. */
export function showPreflight({ findings, suggestions, advice }: PreflightReport): string {
  if (findings.length === 0) return ''
  const parts = suggestions.map(({ place, yaml }) => `To resolve it, in ${place}:\n\n${indented(yaml)}`)
  return `${[findingsTable(findings), ...parts, ...advice].join('\n\n')}\n`
}

/** `3 errors and 1 warning`. */
export function countFindings(findings: Findings): string {
  const of = (severity: string) => findings.filter((one) => one.severity === severity).length
  const [errors, warnings] = [of('error'), of('warning')]
  return [errors > 0 && countOf(errors, 'error'), warnings > 0 && countOf(warnings, 'warning')]
    .filter(Boolean)
    .join(' and ')
}

export function hasErrors(findings: readonly { severity: string }[]): boolean {
  return findings.some(({ severity }) => severity === 'error')
}

/** A finding in one line, for a log. */
export function lineOf({ what, where, details }: Findings[number]): string {
  return `${where}: ${what} (${details.join('; ')})`
}

function findingsTable(findings: Findings): string {
  const rows = findings.map(({ severity, what, where, points }) => [
    severity.toUpperCase(),
    what,
    where.length > WHERE_WIDTH ? `${where.slice(0, WHERE_WIDTH)}...` : where,
    points === undefined ? '' : formatCount(points),
  ])
  const [header = '', ...lines] = table(['', 'WHAT', 'WHERE', 'POINTS'], rows, [3]).split('\n')
  const indent = ' '.repeat(header.indexOf('WHAT') + 2)
  const below = (index: number) =>
    (findings[index]?.details ?? []).flatMap((text) =>
      fold(text, WIDTH - indent.length).map((part, i) => `${indent}${i === 0 ? '' : '  '}${part}`),
    )
  return [header, ...lines.flatMap((line, index) => [line, ...below(index)])].join('\n')
}

function indented(yaml: string): string {
  return yaml.trimEnd().replace(/^(?=.)/gm, '    ')
}
