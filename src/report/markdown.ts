import { documentOf, type Block } from './document.ts'
import type { Report } from './report.generated.ts'

/** The report as GitHub-flavoured Markdown, for a pull request. Names and values stay what they are: nothing in them is markup. */
export function reportAsMarkdown(report: Report): string {
  return `${documentOf(report).map(show).join('\n\n')}\n`
}

function show(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `## ${plain(block.text)}`
    case 'heading':
      return `### ${plain(block.text)}`
    case 'text':
      return plain(block.text)
    case 'list':
      return block.items.map((item) => `- ${item.split('\n').map(plain).join('<br>')}`).join('\n')
    case 'table':
      return tableOf(block)
    case 'verbatim':
      return fenced(block.lines)
  }
}

function tableOf({ header, rows, right }: Extract<Block, { kind: 'table' }>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`
  const rule = header.map((_, column) => (right.includes(column) ? '--:' : '---'))
  return [line(header.map(sentence)), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

function sentence(capitals: string): string {
  return capitals.slice(0, 1) + capitals.slice(1).toLowerCase()
}

/** Text that Markdown and HTML see nothing in: no tag, no table cell, no link, no mention. */
function plain(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\`*_{}[\]<>#|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/@(?=\w)/g, '@\u200b')
}

/** A fence longer than any in the lines. */
function fenced(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${lines.join('\n')}\n${fence}`
}
