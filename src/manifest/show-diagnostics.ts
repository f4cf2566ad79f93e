/** Diagnostics as a terminal shows them: the place, the line, a squiggle, and what to write instead. */
import { styleText } from 'node:util'
import type { Diagnostic } from '../core/diagnostic.ts'
import { cellOffsets, fold, TAB } from './cells.ts'
import { maskSecrets } from './mask-secrets.ts'

export interface ShowOptions {
  color: boolean
  /** Columns of the terminal. */
  width: number
}

const COLORS = { error: 'red', warning: 'yellow', note: 'cyan' } as const

/** `text` is the file's content. Secrets written in it are shown as asterisks. Ends with a newline; empty for none. */
export function showDiagnostics(
  diagnostics: readonly Diagnostic[],
  text: string,
  options: ShowOptions,
): string {
  const lines = text.split(/\r?\n/)
  const blocks = diagnostics.map((diagnostic) => showOne(diagnostic, lines, options))
  return blocks.map((block) => `${block.join('\n')}\n`).join('\n')
}

function showOne(
  { severity, code, message, file, position, hint }: Diagnostic,
  lines: string[],
  { color, width }: ShowOptions,
): string[] {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(format, text, { validateStream: false }) : text
  const place = position === undefined ? file : `${file}:${position.line}:${position.column}`
  const shown = [
    `${style('bold', place)} ${style(COLORS[severity], severity)}: ${clean(message)} ${style('dim', `(${code})`)}`,
  ]
  const line = position && lines[position.line - 1]
  const gutter = String(position?.line ?? '')
  if (position !== undefined && line !== undefined) {
    const { excerpt, before, under } = excerptOf(
      line,
      position.column - 1,
      position.length,
      width - gutter.length - 3,
    )
    shown.push(`${style('dim', `${gutter} |`)} ${excerpt}`)
    shown.push(
      `${style('dim', `${' '.repeat(gutter.length)} |`)} ${' '.repeat(before)}${style(COLORS[severity], '~'.repeat(under))}`,
    )
  }
  if (hint !== undefined)
    shown.push(
      ...hintLines(clean(hint), width - 2).map(
        (part, at) => `  ${at === 0 ? `${style('bold', 'hint:')} ${part}` : `      ${part}`}`,
      ),
    )
  return shown
}

function hintLines(hint: string, width: number): string[] {
  return fold(hint, Math.max(20, width - 'hint: '.length))
}

/** The part of a line around `[start, start + length)` that fits `width` cells, and where the squiggle goes under it. */
function excerptOf(
  line: string,
  start: number,
  length: number,
  width: number,
): { excerpt: string; before: number; under: number } {
  const safe = maskSecrets(line)
  const room = Math.max(20, width)
  const at = cellOffsets(clean(safe))
  const cells = (from: number, to: number) =>
    (at[Math.min(to, safe.length)] ?? 0) - (at[Math.min(from, safe.length)] ?? 0)
  const show = (from: number, to: number) => clean(safe.slice(from, to)).replaceAll('\t', TAB)
  if (cells(0, safe.length) <= room)
    return {
      excerpt: show(0, safe.length),
      before: cells(0, start),
      under: Math.max(1, cells(start, start + length)),
    }
  // A long line starts a little before what is meant, at most a third of the room.
  let from = 0
  while (from < start && cells(from, start) > room / 3) from += 1
  let to = safe.length
  while (to > start + 1 && cells(from, to) + 2 > room) to -= 1
  const mark = from > 0 ? '…' : ''
  return {
    excerpt: `${mark}${show(from, to)}${to < safe.length ? '…' : ''}`,
    before: mark.length + cells(from, start),
    under: Math.max(1, cells(start, Math.min(start + length, to))),
  }
}

/** Control characters made visible: a manifest must not steer the terminal. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�')
}
