import { documentOf, type Block } from './document.ts'
import type { Report } from './report.generated.ts'
import { table } from './table.ts'

/** The report for a terminal. */
export function reportAsText(report: Report): string {
  const text = documentOf(report).map(show).join('\n')
  return `${text.replace(/\n{3,}/g, '\n\n').trim()}\n`
}

/** With an empty line above, where something new begins. */
function show(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `${visible(block.text)}\n`
    case 'heading':
      return `\n${visible(block.text)}\n`
    case 'text':
      return visible(block.text)
    case 'list':
      return block.items.map((item) => `  ${item.split('\n').map(visible).join('\n    ')}`).join('\n')
    case 'table': {
      const rows = block.rows.map((row) => row.map(visible))
      return `${table(block.header, rows, block.right)}\n`
    }
    case 'verbatim':
      return `${block.lines.map((line) => `  ${visible(line)}`).join('\n')}\n`
  }
}

/** A name or a row may hold a newline, or what a terminal takes for a command. */
function visible(line: string): string {
  return line.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}
