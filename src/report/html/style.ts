/** One style for screen, phone and paper, light and dark. Texts keep a contrast of at least 4.5 to 1. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --ink: #21242a; --quiet: #5c6069; --line: #dcd9d1; --soft: #f1efe9;
  --good: #2f7d4f; --bad: #b3341f; --open: #8d9098; --work: #2e6a9e; --some: #9a6a00;
  --good-soft: #e3f0e7; --bad-soft: #f9e5e0; --open-soft: #ececea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17191d; --ink: #e6e4df; --quiet: #a3a7af; --line: #33373e; --soft: #1f2227;
    --good: #5cb583; --bad: #f0826c; --open: #777c86; --work: #6aa9dd; --some: #d9a940;
    --good-soft: #1c2e24; --bad-soft: #3a211c; --open-soft: #272a30;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 58rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2 { font-family: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Georgia, serif; text-wrap: balance }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; font-weight: 600; margin: .3rem 0 .9rem }
h2 { font-size: 1.35rem; font-weight: 600; margin: 3rem 0 .8rem; padding-top: .8rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.8rem 0 .5rem }
p, ul, dl { margin: .5rem 0 }
ul { padding-left: 1.1rem } li { margin: .15rem 0 } li::marker { color: var(--quiet) }
.quiet, caption, th, dt { color: var(--quiet) }
.kicker { color: var(--quiet); margin: 0; letter-spacing: .02em }
.verdict { border-left: .35rem solid var(--tone); padding: .2rem 0 .2rem 1.1rem }
.verdict h1 .mark { color: var(--tone); margin-right: .35em }
.verdict ul { list-style: none; padding: 0; color: var(--quiet) }
.good { --tone: var(--good) } .bad { --tone: var(--bad) } .some { --tone: var(--some) } .work { --tone: var(--work) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: 1.2rem; margin: 1.8rem 0 0 }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end }
.figures dd { margin: 0; font-size: 1.5rem; line-height: 1.2; font-weight: 600 }
.figures dt { font-size: .85rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .4rem 0 }
caption { text-align: left; font-size: .85rem; padding: 0 0 .3rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 500; font-size: .82rem } tbody th { color: inherit; font-size: inherit; font-weight: 500 }
th:last-child, td:last-child { padding-right: 0 }
.number { text-align: right; white-space: nowrap }
td.wide { min-width: 7rem; width: 34% } td:not(.number), tbody th { min-width: 7rem }
code, pre, .code { font: .86em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
pre { background: var(--soft); padding: .7rem .9rem; margin: .5rem 0; white-space: pre-wrap; border-radius: 3px }
.sum { margin: .8rem 0 0; padding: 0; list-style: none }
.sum b { font-weight: 600 }
svg { display: block } svg.bar { border-radius: 2px; margin-top: .3rem }
rect.empty { fill: var(--soft) }
rect.written, rect.equal { fill: var(--good) } rect.failed, rect.differs { fill: var(--bad) }
rect.exported, rect.sending, rect.rate, rect.phase { fill: var(--work) } rect.pending, rect.not-compared { fill: var(--open) }
rect.letters { fill: var(--some) } rect.nothing { fill: transparent; stroke: var(--line) }
svg text { text-anchor: middle; font-size: 10px; fill: var(--paper); font-weight: 700; pointer-events: none }
svg text.on-nothing { fill: var(--quiet) }
svg line { stroke: var(--line) } svg line.axis { stroke: var(--quiet) }
.chart { display: grid; grid-template-columns: auto 1fr; gap: 0 .6rem; margin: .4rem 0 1.2rem }
.chart .up { display: flex; flex-direction: column; justify-content: space-between; text-align: right; line-height: 1 }
.ends { display: flex; justify-content: space-between; gap: 1rem; font-size: .8rem; color: var(--quiet) }
.chart .up, .chart .ends { font-size: .8rem; color: var(--quiet) } .chart .ends { grid-column: 2; padding-top: .25rem }
.map { table-layout: fixed; margin: 0 0 1.2rem } .map th, .map td { border: 0; padding: .12rem .7rem .12rem 0; vertical-align: middle }
.map .name { width: 30% } .map .points { width: 7.5rem } .map .cells { padding-right: 0 }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; padding: 0; list-style: none; font-size: .85rem; color: var(--quiet) }
.key svg { display: inline-block; vertical-align: -2px; margin-right: .35em }
details { margin: .6rem 0 } summary { cursor: pointer; color: var(--work) }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid var(--line); font-size: .85rem; color: var(--quiet) }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem } .facts dd { margin: 0 }
@media screen and (max-width: 44rem) {
  body { padding-top: 1.4rem }
  .stack thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden }
  .stack, .stack caption, .stack tbody, .stack tr, .stack th, .stack td { display: block; width: auto; min-width: 0 }
  .stack tr { border-bottom: 1px solid var(--line); padding: .5rem 0 }
  .stack th, .stack td { border: 0; padding: .1rem 0; text-align: left }
  .stack td[data-name]::before { content: attr(data-name) " "; color: var(--quiet) }
  .map tr { padding: .25rem 0; border: 0 } .map .name, .map .points { width: auto }
  .facts { grid-template-columns: 1fr } .facts dd { margin-bottom: .5rem }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb; --soft: #f3f3f3;
    --good: #2f7d4f; --bad: #b3341f; --open: #8d9098; --work: #2e6a9e; --some: #9a6a00;
  }
  body { max-width: none; padding: 0; font-size: 10pt }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
  h2, h3 { break-after: avoid } tr, .chart, .verdict, pre { break-inside: avoid }
  summary { display: none }
  details::details-content { content-visibility: visible; display: block }
}
`
