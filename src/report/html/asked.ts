import { formatCount } from '../../core/units.ts'
import type { Report } from '../report.generated.ts'
import { html, type Markup } from './markup.ts'
import { tableOf } from './table.ts'

export function askedSection({ migration }: Report): Markup {
  const { asked, targets, notes, manifest, manifestHash, environment } = migration
  const facts = [
    ['Manifest', manifest],
    ...(environment === undefined ? [] : [['Environment', environment]]),
    ['Hash', manifestHash],
    ...(asked === undefined
      ? []
      : [
          ['Cluster', asked.url],
          ['Time', asked.timeRange],
        ]),
    ...(asked?.sources ?? []).map(({ name, kind, files }) => [
      'Source',
      `${name} (${kind}): ${files.join(', ')}`,
    ]),
    ['Databases', targets.map(({ database, origin }) => `${database} (${origin})`).join(', ') || 'none yet'],
    ...(asked === undefined
      ? []
      : [
          ['Transfer', asked.transfer],
          ['Compared', asked.verify],
        ]),
  ]
  return html`<section id="asked">
    <h2>What was asked</h2>
    ${notes.map((note) => html`<p>${note}</p>`)}
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    ${
      asked !== undefined &&
      tableOf(
        'Mappings of the manifest',
        [{ name: 'From' }, { name: 'To' }, { name: 'Time range' }, { name: 'Transforms', kind: 'number' }],
        asked.mappings.map(({ from, to, timeRange, transforms }) => [
          from,
          to,
          timeRange,
          formatCount(transforms),
        ]),
      )
    }
  </section>`
}
