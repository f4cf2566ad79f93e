import { countOf, formatCount } from '../../core/units.ts'
import { showSlice } from '../../plan/slices.ts'
import type { LetterReason, ReportedLetters } from '../report.generated.ts'
import { stackedBar } from './bars.ts'
import { html, type Markup } from './markup.ts'
import { tableOf } from './table.ts'

export function lettersSection({ reasons, letters, points, folder }: ReportedLetters): Markup | false {
  if (reasons.length === 0) return false
  const most = Math.max(...reasons.map((reason) => reason.letters))
  const rows = reasons.map((one) => [
    one.reason,
    barOf(one, most),
    one.by === 'cluster' ? 'the cluster' : one.by,
    formatCount(one.letters),
    formatCount(one.points),
  ])
  const columns = [
    { name: 'Reason' },
    { name: 'Share', kind: 'wide' as const },
    { name: 'Refused by' },
    { name: 'Lines', kind: 'number' as const },
    { name: 'Points', kind: 'number' as const },
  ]
  return html`<section id="refused">
    <h2>What was refused</h2>
    <p>
      ${countOf(letters, 'line')} with ${countOf(points, 'point')}. All of them, each with its reason:
      <code>${folder}</code>
    </p>
    ${tableOf('Dead letters by reason', columns, rows)}
    <h3>The first of each</h3>
    ${reasons.map(examplesOf)}
  </section>`
}

function barOf({ letters, reason, by }: LetterReason, most: number): Markup {
  const title = `${countOf(letters, 'line')}: ${reason}`
  return stackedBar([{ value: letters, tone: 'letters', title }], `${title} (${by})`, most)
}

function examplesOf({ reason, examples }: LetterReason): Markup {
  const lines = examples.map(
    ({ slice, line, where }) =>
      html`<pre title="${showSlice(slice)}">${line === '' ? (where ?? 'no line') : line}</pre>`,
  )
  return html`<p class="quiet">${reason}</p>
    ${lines}`
}
