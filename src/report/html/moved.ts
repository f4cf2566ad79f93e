import { countOf, formatCount } from '../../core/units.ts'
import { showSlice } from '../../plan/slices.ts'
import type { Report, ReportedMapping, ReportedSlice, SlicesByStatus } from '../report.generated.ts'
import { sumInWords } from '../summary.ts'
import { showWindow } from '../windows.ts'
import { stackedBar, type Part } from './bars.ts'
import { html, type Markup } from './markup.ts'
import { tableOf } from './table.ts'

/** Slices listed, those that failed first; the JSON has them all. */
const SLICES_SHOWN = 60
const FAILURES_SHOWN = 20

const STATUSES: { status: keyof SlicesByStatus; word: string; symbol: string }[] = [
  { status: 'written', word: 'written', symbol: '✓' },
  { status: 'sending', word: 'being sent', symbol: '›' },
  { status: 'exported', word: 'exported', symbol: '›' },
  { status: 'failed', word: 'failed', symbol: '✕' },
  { status: 'pending', word: 'to do', symbol: '' },
]

export function movedSection({ mappings, totals, sums }: Report): Markup {
  const rows = mappings.map(({ from, target, totals }) => [
    from,
    target,
    progressOf(totals.slices, from),
    ...[totals.rowsWritten, totals.points, totals.refusedPoints].map(formatCount),
  ])
  const columns = [
    { name: 'From' },
    { name: 'To' },
    { name: 'Slices', kind: 'wide' as const },
    ...['Rows', 'Points', 'Refused'].map((name) => ({ name, kind: 'number' as const })),
  ]
  return html`<section id="moved">
    <h2>What was moved</h2>
    ${tableOf('Each mapping, its slices by what became of them', columns, rows)} ${legendOf(totals.slices)}
    <ul class="sum">
      ${sums.map((sum) => html`<li>${sumInWords(sum)}</li>`)}
    </ul>
    ${failures(mappings)} ${mappings.map(slicesOf)}
  </section>`
}

function progressOf(slices: SlicesByStatus, name: string): Markup {
  const parts = STATUSES.map(({ status, word, symbol }): Part => ({
    value: slices[status],
    tone: status,
    title: `${countOf(slices[status], 'slice')} ${word}`,
    symbol,
  }))
  const said = parts.filter(({ value }) => value > 0).map(({ title }) => title)
  return html`${said.join(', ')} ${stackedBar(parts, `${name}: ${said.join(', ')}`)}`
}

function legendOf(slices: SlicesByStatus): Markup {
  const items = STATUSES.filter(({ status }) => slices[status] > 0).map(
    ({ status, word, symbol }) =>
      html`<li>
        <svg width="14" height="14" aria-hidden="true">
          <rect width="14" height="14" class="${status}" />
          <text x="7" y="11">${symbol}</text></svg
        >${formatCount(slices[status])} ${word}
      </li>`,
  )
  return html`<ul class="key">
    ${items}
  </ul>`
}

function failures(mappings: readonly ReportedMapping[]): Markup | false {
  const failed = mappings.flatMap(({ slices }) => slices).filter(({ failure }) => failure !== undefined)
  if (failed.length === 0) return false
  const shown = failed.slice(0, FAILURES_SHOWN).map(({ id, failure }) => {
    const { message = '', where, remedy, code } = failure ?? {}
    return html`<li>
      <b>${showSlice(id)}</b><br />${message}
      <span class="quiet">(${code})</span
      >${where !== undefined && html`<br />at ${where}`}${remedy !== undefined && html`<br /><span class="quiet">${remedy}</span>`}
    </li>`
  })
  const more = failed.length - shown.length
  return html`<h3>Slices that failed</h3>
    <ul>
      ${shown}${more > 0 && html`<li>and ${formatCount(more)} more</li>`}
    </ul>`
}

function slicesOf({ id, from, slices }: ReportedMapping): Markup {
  const failedFirst = slices.toSorted((a, b) => Number(b.status === 'failed') - Number(a.status === 'failed'))
  const shown = failedFirst.slice(0, SLICES_SHOWN)
  const more = slices.length - shown.length
  const columns = [
    { name: 'Window' },
    { name: 'Status' },
    ...['Points read', 'In rows', 'Overwritten', 'Rows', 'Refused'].map((name) => ({
      name,
      kind: 'number' as const,
    })),
  ]
  return html`<details id="slices-${id}">
    <summary>${from}: ${countOf(slices.length, 'slice')}</summary>
    ${tableOf(`Slices of ${from}`, columns, shown.map(sliceRow))}
    ${more > 0 && html`<p class="quiet">and ${countOf(more, 'slice')} more: influx-ferry report --format json</p>`}
  </details>`
}

function sliceRow({ window, status, totals, compared }: ReportedSlice): string[] {
  const { pointsRead, points, overwritten, rowsWritten, refusedPoints } = totals
  const word = STATUSES.find((one) => one.status === status)?.word ?? status
  return [
    showWindow(window),
    compared === undefined ? word : `${word}, ${compared === 'not-compared' ? 'not compared' : compared}`,
    ...[pointsRead, points, overwritten, rowsWritten, refusedPoints].map(formatCount),
  ]
}
