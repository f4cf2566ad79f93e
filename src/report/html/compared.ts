import { countOf, formatCount } from '../../core/units.ts'
import { kindOfDifference, placeOfDifference, timeOfDifference } from '../difference-cells.ts'
import { SHOWN, SYMBOLS } from '../document.ts'
import type { Comparison, ComparisonCell, ComparisonMap } from '../report.generated.ts'
import { shortWindow, showWindow } from '../windows.ts'
import { percent } from './bars.ts'
import { html, type Markup } from './markup.ts'
import { tableOf } from './table.ts'

const WORDS: Record<ComparisonCell['outcome'], string> = {
  equal: 'equal',
  differs: 'differs',
  'not-compared': 'not compared',
  nothing: 'no point there',
}

/** Columns up to which every cell has its symbol; of more, those that are not equal. */
const SYMBOLS_FIT = 20
/** Pixels. */
const CELL = 20

export function comparedSection(comparison: Comparison | undefined): Markup {
  if (comparison === undefined)
    return html`<section id="compared">
      <h2>Source and cluster compared</h2>
      <p>Nothing was compared yet.</p>
    </section>`
  return html`<section id="compared">
    <h2>Source and cluster compared</h2>
    ${comparison.maps.map(mapOf)} ${legend()} ${differences(comparison)}
  </section>`
}

function mapOf({ target, mapping, columns, rows }: ComparisonMap): Markup | false {
  const [first, last] = [columns[0]?.window, columns.at(-1)?.window]
  if (first === undefined || last === undefined || rows.length === 0) return false
  const { start: from = 'beginning' } = shortWindow(first)
  const { end: to = 'end of time' } = shortWindow(last)
  const shown = rows.slice(0, SHOWN.measurements)
  const more = rows.length - shown.length
  const perColumn = columns[0]?.slices ?? 1
  const each = perColumn === 1 ? 'one slice' : `up to ${countOf(perColumn, 'slice')}`
  const body = shown.map(
    ({ measurement, points, cells }) =>
      html`<tr>
        <th scope="row" class="name">${measurement}</th>
        <td class="points number" data-name="Points">${formatCount(points)}</td>
        <td class="cells">${cellsOf(measurement, cells, columns)}</td>
      </tr> `,
  )
  return html`<table class="map stack" data-mapping="${mapping}">
      <caption>
        ${target}, ${from} – ${to}: measurements over time, ${each} a cell
      </caption>
      <thead>
        <tr>
          <th scope="col" class="name">Measurement</th>
          <th scope="col" class="points number">Points</th>
          <th scope="col" class="cells">
            <span class="ends"><span>${from}</span><span>${to}</span></span>
          </th>
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
    ${more > 0 && html`<p class="quiet">and ${countOf(more, 'measurement')} more, none of them worse than these</p>`}`
}

function cellsOf(
  measurement: string,
  cells: readonly ComparisonCell[],
  columns: ComparisonMap['columns'],
): Markup {
  const width = 100 / cells.length
  const gap = Math.min(0.5, width / 12)
  const drawn = cells.map((cell, index) => {
    const { outcome } = cell
    const isSymbol = outcome !== 'nothing' && (outcome !== 'equal' || cells.length <= SYMBOLS_FIT)
    const x = index * width
    return html`<g
      ><title>${titleOf(measurement, cell, columns[index])}</title
      ><rect
        x="${percent(x)}"
        width="${percent(width - gap)}"
        height="${CELL}"
        class="${outcome}"
      />${isSymbol && html`<text x="${percent(x + (width - gap) / 2)}" y="14">${SYMBOLS[outcome]}</text>`}</g
    >`
  })
  const counts = (Object.keys(WORDS) as ComparisonCell['outcome'][]).flatMap((outcome) => {
    const count = cells.filter((cell) => cell.outcome === outcome).length
    return count === 0 ? [] : [`${count} ${WORDS[outcome]}`]
  })
  return html`<svg width="100%" height="${CELL}" role="img" aria-label="${measurement}: ${counts.join(', ')}">
    ${drawn}
  </svg>`
}

function titleOf(
  measurement: string,
  cell: ComparisonCell,
  column: ComparisonMap['columns'][number] | undefined,
): string {
  const { outcome, points, differing = 0, reason } = cell
  const when = column === undefined ? '' : `, ${showWindow(column.window)}`
  const facts = [
    WORDS[outcome],
    points > 0 && countOf(points, 'point'),
    differing > 0 && `${countOf(differing, 'field')} differing`,
    reason,
  ].filter(Boolean)
  return `${measurement}${when}: ${facts.join(', ')}`
}

function legend(): Markup {
  const items = (Object.keys(WORDS) as ComparisonCell['outcome'][]).map(
    (outcome) =>
      html`<li>
        <svg width="14" height="14" aria-hidden="true">
          <rect x="0.5" y="0.5" width="13" height="13" class="${outcome}" />
          <text x="7" y="11" class="on-${outcome}">${SYMBOLS[outcome]}</text></svg
        >${WORDS[outcome]}
      </li>`,
  )
  return html`<ul class="key">
    ${items}
  </ul>`
}

function differences({ differences, differencesLeftOut }: Comparison): Markup | false {
  if (differences.length === 0) return false
  const shown = differences.slice(0, 5 * SHOWN.differences)
  const more = differences.length - shown.length + differencesLeftOut
  const rows = shown.map((difference) => [
    html`<span class="code">${placeOfDifference(difference)}</span>`,
    timeOfDifference(difference),
    kindOfDifference(difference),
    html`<span class="code">${difference.source}</span>`,
    html`<span class="code">${difference.cluster}</span>`,
  ])
  const columns = ['Where', 'When', 'What', 'Source', 'Cluster'].map((name) => ({ name }))
  return html`<h3>Differences</h3>
    ${tableOf('As narrowly as they could be told', columns, rows)}
    ${more > 0 && html`<p class="quiet">and ${formatCount(more)} more</p>`}`
}
