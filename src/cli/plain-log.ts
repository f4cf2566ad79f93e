import { INTERRUPTED, type Observer, type PreflightEvent, type RunEvent } from '../run/events.ts'
import { countOf } from '../core/units.ts'
import { showSlice } from '../plan/slices.ts'
import { hasErrors, lineOf, showPreflight } from '../preflight/show-preflight.ts'
import { ProgressLine } from './progress-line.ts'

/** Milliseconds between two progress lines of a log. */
const PROGRESS_EVERY = 10_000

/** Milliseconds between two lines that say that nothing comes. */
const STALLED_EVERY = 60_000

/** A log for places that are not a terminal: one line a fact, a progress line now and then. */
export function plainLog(out: NodeJS.WritableStream): Observer {
  let line = new ProgressLine()
  let told = Date.now()
  let stalled: NodeJS.Timeout | undefined
  return (event) => {
    const now = Date.now()
    if (event.type === 'phase-started') {
      line = new ProgressLine()
      clearInterval(stalled)
      stalled = setInterval(() => {
        const text = line.again(Date.now())
        if (text !== undefined) out.write(`${stamp(Date.now())} ${event.phase}: ${text.trim()}\n`)
      }, STALLED_EVERY).unref()
    }
    if (event.type === 'phase-done' || event.type === 'phase-failed') clearInterval(stalled)
    if (event.type === 'progress') {
      const text = line.show(event.progress, now)
      if (now - told < PROGRESS_EVERY) return
      told = now
      out.write(`${stamp(now)} ${event.phase}: ${text.trim()}\n`)
      return
    }
    if (event.type === 'preflight') return tellPreflight(event, out)
    const text = textOf(event)
    if (text !== undefined) out.write(`${stamp(now)} ${text}\n`)
  }
}

/** A table where something is to be resolved; of warnings alone, a line each. */
function tellPreflight(event: PreflightEvent, out: NodeJS.WritableStream): void {
  if (hasErrors(event.findings)) return void out.write(`\n${showPreflight(event)}\n`)
  for (const finding of event.findings) out.write(`${stamp(Date.now())} warning: ${lineOf(finding)}\n`)
}

function stamp(now: number): string {
  return new Date(now).toISOString().slice(0, 19) + 'Z'
}

/** An event as one line; `undefined` for those that others say better. */
export function textOf(event: Exclude<RunEvent, { type: 'progress' | 'preflight' }>): string | undefined {
  switch (event.type) {
    case 'run-started':
      return `${event.name}: ${countOf(event.slices, 'slice')} (${event.manifest}${event.environment === undefined ? '' : `, ${event.environment}`})`
    case 'phase-started':
    case 'run-ended':
    case 'lanes':
      return undefined
    case 'phase-done':
    case 'phase-skipped':
      return `${event.phase}: ${event.summary}`
    case 'phase-failed':
      return event.code === INTERRUPTED
        ? `${event.phase}: ${event.message}`
        : `${event.phase}: failed: ${event.message}`
    case 'slice-exported':
      return `exported ${showSlice(event.slice)}: ${countOf(event.counts.rows, 'row')} in ${event.seconds.toFixed(1)} s`
    case 'slice-written':
      return `written ${showSlice(event.slice)}: ${countOf(event.sent.lines, 'row')} in ${event.seconds.toFixed(1)} s`
    case 'slice-verified':
      return verifiedText(event)
    case 'slice-failed':
      return `FAILED ${showSlice(event.slice)}: ${event.message.replace(/\s*\n\s*/g, ' ')}`
    case 'note':
      return `note: ${event.message}`
    case 'warning':
      return `warning: ${event.message}`
  }
}

function verifiedText(event: Extract<RunEvent, { type: 'slice-verified' }>): string {
  const { slice, outcome, reason, fields, points, differences } = event
  const name = showSlice(slice)
  const why = reason === undefined ? '' : ` (${reason})`
  if (outcome === 'not-compared') return `NOT COMPARED ${name}${why}`
  if (outcome === 'equal')
    return `equal ${name}: ${countOf(fields, 'field')}, ${countOf(points, 'point')}${why}`
  return [`DIFFERS ${name}${why}`, ...differences.map((difference) => `  ${difference}`)].join('\n')
}
