/** The report as one file that needs nothing else: no network, no script (but for the live one), no font. */
import { createHash } from 'node:crypto'
import { formatBytes, formatCount, formatElapsed } from '../../core/units.ts'
import { versionsOf } from '../document.ts'
import type { Report, Verdict } from '../report.generated.ts'
import { askedSection } from './asked.ts'
import { comparedSection } from './compared.ts'
import { lettersSection } from './letters.ts'
import { html, Markup } from './markup.ts'
import { movedSection } from './moved.ts'
import { STYLE } from './style.ts'
import { timeSection } from './time.ts'

const TONES: Record<Verdict['outcome'], { tone: string; mark: string }> = {
  equal: { tone: 'good', mark: '✓' },
  refused: { tone: 'some', mark: '!' },
  'not-compared': { tone: 'some', mark: '?' },
  unfinished: { tone: 'some', mark: '…' },
  'under-way': { tone: 'work', mark: '›' },
  differs: { tone: 'bad', mark: '✕' },
  failed: { tone: 'bad', mark: '✕' },
}

/** Takes the page's newest contents in, and leaves what the reader has opened open. */
const REFRESH = `
setInterval(async () => {
  try {
    const text = await (await fetch(location.pathname)).text()
    const next = new DOMParser().parseFromString(text, 'text/html')
    for (const { id } of document.querySelectorAll('details[open]')) next.getElementById(id)?.setAttribute('open', '')
    document.title = next.title
    document.body.replaceWith(next.body)
  } catch {
    document.querySelector('#live').textContent = 'The run is over, or out of reach: this is what was seen last.'
  }
}, 2000)
`

/** @param live the page is served while the run goes on, and keeps itself current */
export function reportAsHtml(report: Report, live = false): string {
  const { migration, verdict } = report
  const title = `${migration.name}: ${verdict.headline}`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policyOf(live)}" />
        <meta name="generator" content="influx-ferry ${report.version}" />
        <title>${title}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
        ${live && new Markup(`<script>${REFRESH}</script><noscript><meta http-equiv="refresh" content="5"></noscript>`)}
      </head>
      ${bodyOf(report, live)}
    </html> `.source
}

/** Even if a name in the data were taken for markup, it could do nothing. */
function policyOf(live: boolean): string {
  const hash = createHash('sha256').update(REFRESH).digest('base64')
  const script = live ? `; script-src 'sha256-${hash}'; connect-src 'self'` : ''
  return `default-src 'none'; style-src 'unsafe-inline'${script}; base-uri 'none'; form-action 'none'`
}

function bodyOf(report: Report, live: boolean): Markup {
  const { migration, verdict, warnings, warningsLeftOut, reproduce } = report
  const { tone, mark } = TONES[verdict.outcome]
  const environment = migration.environment === undefined ? '' : `, ${migration.environment}`
  return html`<body>
    <header>
      <p class="kicker">Migration of ${migration.name}${environment} to InfluxDB Clustered</p>
      <div class="verdict ${tone}">
        <h1><span class="mark" aria-hidden="true">${mark}</span>${verdict.headline}</h1>
        <ul>
          ${verdict.details.map((detail) => html`<li>${detail}</li>`)}
        </ul>
      </div>
      ${figures(report)} ${live && html`<p class="quiet" id="live">Live: this page follows the run.</p>`}
    </header>
    <main>
      ${
        warnings.length > 0 &&
        html`<section id="warnings">
          <h2>Warnings</h2>
          <ul>
            ${warnings.map((warning) => html`<li>${warning}</li>`)}${warningsLeftOut > 0 && html`<li>and ${formatCount(warningsLeftOut)} more</li>`}
          </ul>
        </section>`
      }
      ${movedSection(report)} ${comparedSection(report.comparison)} ${lettersSection(report.deadLetters)}
      ${timeSection(report)} ${askedSection(report)}
      <section id="again">
        <h2>To do it again</h2>
        <pre>${reproduce.join('\n')}</pre>
      </section>
    </main>
    <footer>influx-ferry ${versionsOf(report)}. Report made at ${report.madeAt} by ${report.version}.</footer>
  </body>`
}

function figures({ totals, mappings, runs, deadLetters }: Report): Markup {
  const { written } = totals.slices
  const slices = Object.values<number>({ ...totals.slices }).reduce((sum, count) => sum + count, 0)
  const seconds = runs
    .flatMap(({ phases = [] }) => phases)
    .reduce<number>((sum, { seconds = 0 }) => sum + seconds, 0)
  const all: [string, string][] = [
    ['Slices written', `${formatCount(written)} of ${formatCount(slices)}`],
    ['Rows acknowledged', formatCount(totals.rowsWritten)],
    ['Points in rows', formatCount(totals.points)],
    ['Points refused', formatCount(totals.refusedPoints)],
    ['Sent, gzipped', formatBytes(mappings.reduce((sum, { totals }) => sum + totals.gzipBytes, 0))],
    ['Time at work', formatElapsed(seconds)],
  ]
  if (deadLetters.letters === 0 && totals.refusedPoints === 0) all.splice(3, 1)
  return html`<dl class="figures">
    ${all.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}
