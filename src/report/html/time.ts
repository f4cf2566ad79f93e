import { formatBytes, formatCount, formatElapsed } from '../../core/units.ts'
import type { Rate, Report, RunRecord } from '../report.generated.ts'
import { runRows } from '../run-rows.ts'
import { columns, roundUp, stackedBar } from './bars.ts'
import { html, type Markup } from './markup.ts'
import { tableOf } from './table.ts'

const CHART = 120
/** Runs whose rate is drawn, the latest ones. */
const CHARTS = 3

export function timeSection({ phases, runs }: Report): Markup | false {
  if (runs.length === 0) return false
  const longest = Math.max(...phases.map(({ seconds }) => seconds))
  const rows = phases.map(({ phase, seconds, runs }) => [
    phase,
    stackedBar(
      [{ value: seconds, tone: 'phase', title: `${phase}: ${formatElapsed(seconds)}` }],
      `${phase}: ${formatElapsed(seconds)}`,
      longest,
    ),
    formatElapsed(seconds),
    formatCount(runs),
  ])
  const drawn = runs.filter(({ rate }) => rate !== undefined).slice(-CHARTS)
  return html`<section id="time">
    <h2>Time</h2>
    ${
      phases.length > 0 &&
      tableOf(
        'Time by phase, all runs together',
        [
          { name: 'Phase' },
          { name: 'Share', kind: 'wide' },
          { name: 'Time', kind: 'number' },
          { name: 'Runs', kind: 'number' },
        ],
        rows,
      )
    }
    ${drawn.map((run) => run.rate && rateOf(run, run.rate))}
    ${tableOf(
      'Runs',
      [
        { name: 'Began' },
        { name: 'Outcome' },
        ...['Took', 'Rows', 'Rows a second'].map((name) => ({ name, kind: 'number' as const })),
      ],
      runRows(runs),
    )}
  </section>`
}

function rateOf({ startedAt }: RunRecord, { rows, bytes, everySeconds, startedAt: from }: Rate): Markup {
  const perSecond = rows.map((count) => count / everySeconds)
  const top = roundUp(Math.max(...perSecond))
  const values = perSecond.map((value, index) => ({
    value,
    title: `${formatElapsed(index * everySeconds)}: ${formatCount(Math.round(value))} rows/s, ${formatBytes(Math.round((bytes[index] ?? 0) / everySeconds))}/s`,
  }))
  const all = rows.reduce((sum, count) => sum + count, 0)
  return html`<h3>Rows acknowledged a second, run of ${clock(startedAt)}</h3>
    <div class="chart">
      <div class="up"><span>${formatCount(top)}</span><span>${formatCount(top / 2)}</span><span>0</span></div>
      ${columns(values, top, CHART, `${formatCount(all)} rows in ${formatElapsed(rows.length * everySeconds)}, at most ${formatCount(Math.round(Math.max(...perSecond)))} a second`)}
      <div class="ends">
        <span>${clock(from)}</span><span>${formatElapsed(rows.length * everySeconds)} later</span>
      </div>
    </div>`
}

function clock(time: string): string {
  return time.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')
}
