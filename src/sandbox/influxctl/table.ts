/** influxctl's tables: a box of `+`, `-` and `|`, numbers to the right. */
export function boxed(header: string[], rows: string[][], right: readonly number[] = []): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)))
  const edge = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const line = (cells: string[]) =>
    `|${cells.map((cell, i) => ` ${right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)} `).join('|')}|`
  return [edge, line(header), edge, ...rows.map(line), edge, ''].join('\n')
}
