import { describe, expect, it } from 'vitest'
import { html } from '../../../src/report/html/markup.ts'
import { reportAsHtml } from '../../../src/report/html/page.ts'
import { roundUp } from '../../../src/report/html/bars.ts'
import { reportAsMarkdown } from '../../../src/report/markdown.ts'
import { makeReport } from '../../../src/report/model.ts'
import { reportAsText } from '../../../src/report/text.ts'
import { doneInput, EVIL, troubledInput } from '../../rig/report-input.ts'

describe('text', () => {
  it('begins with the verdict, and names every difference, failure and reason', () => {
    const text = reportAsText(makeReport(troubledInput()))
    expect(text).toMatch(/^plant \(staging\): 1 slice failed, 71 of 75 slices are written\n/)
    expect(text).toContain(
      '284,355 points read = 284,000 in rows + 213 overwritten by a later value + 142 deleted',
    )
    expect(text).toMatch(/^evil +.* ✓✓✕✓✓✕✓✓\?✓\?\?$/m)
    expect(text).toMatch(/^evil +quality +8,000 +✓✓✓✓·✓✓✓\?✓\?\?$/m)
    expect(text).toContain('line=L1 at 2024-01-16T10:00:00.000000001Z: 71.5 at the source')
    expect(text).toContain('a block does not match its checksum')
    expect(text).toMatch(/string longer than 64 KiB +influx-ferry +3 +12/)
    expect(text).toMatch(/2026-01-05T06:00:00Z +interrupted +10 min +6,000 +1,000/)
  })

  it('says of a run without an end that it was killed, where another one followed', () => {
    const input = doneInput()
    const [run] = input.state.runs
    if (run === undefined) throw new Error('no run')
    const { outcome: _outcome, endedAt: _endedAt, ...killed } = run
    input.state.runs = [killed, killed]
    const outcomes = reportAsText(makeReport(input)).match(/Z +killed(, or still at work)?/g) ?? []
    expect(outcomes.map((one) => one.replace(/^Z +/, ''))).toEqual(['killed', 'killed, or still at work'])
  })

  it('gives a terminal no command that a name holds', () => {
    const input = doneInput()
    input.state.name = 'plant\u001b[2J\nsecond'
    expect(reportAsText(makeReport(input))).toMatch(/^plant\\u001b\[2J\\nsecond \(staging\): /)
  })
})

describe('Markdown', () => {
  it('has tables whose rows all have the columns of their header', () => {
    const tables = reportAsMarkdown(makeReport(troubledInput())).match(/(?:^\|.*\n?)+/gm) ?? []
    expect(tables.length).toBeGreaterThan(4)
    for (const table of tables) {
      const bars = table
        .trim()
        .split('\n')
        .map((line) => line.match(/(?<!\\)\|/g)?.length)
      expect(new Set(bars).size).toBe(1)
    }
  })

  it('has no markup that a name brings: no tag, no cell, no fence, no mention', () => {
    const input = troubledInput()
    input.state.name = '@team ![x](http://example.com/x.png) ``` # a'
    const text = reportAsMarkdown(makeReport(input))
    const outside = text.replace(/^(`{3,})text\n[^]*?^\1$/gm, '')
    expect(outside).not.toMatch(/(?<!\\)<(?!br>)/)
    expect(outside).not.toMatch(/@team/)
    expect(outside).not.toMatch(/(?<!\\)!?(?<!\\)\[/)
    expect(outside).not.toMatch(/(?<!\\)`/)
    expect(text.match(/^`{3,}(text)?$/gm)).toHaveLength(4)
  })
})

describe('HTML', () => {
  it('escapes what is put into it, in texts and in attributes, and keeps what is markup', () => {
    const inner = html`<b>${'<&>'}</b>`
    expect(html`<a title="${EVIL}">${[inner, false, undefined, 'x\u0000y']}</a>`.source).toBe(
      '<a title="&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;' +
        '&quot;&#39;&amp;|`*"><b>&lt;&amp;&gt;</b>x␀y</a>',
    )
  })

  it('has a script only when it is live, and then none that a name brings', () => {
    const report = makeReport(troubledInput())
    expect(reportAsHtml(report)).not.toMatch(/<script|<img|https?:\/\//)
    expect(reportAsHtml(report, true).match(/<script/g)).toHaveLength(1)
  })

  it.each([
    [0, 1],
    [0.3, 0.5],
    [1, 1],
    [1.1, 2],
    [23, 50],
    [99_000, 100_000],
  ])('rounds the top of a scale up: %d to %d', (value, top) => {
    expect(roundUp(value)).toBeCloseTo(top)
  })
})
