/** Rows before and after transforms, one below the other, in 80 columns. */
import { formatRfc3339 } from '../core/time.ts'
import { countOf } from '../core/units.ts'

interface Row {
  series: string
  fields: readonly { name: string; value: string }[]
  time: bigint
}

export interface RowBeforeAndAfter {
  measurement: string
  before: Row
  after: readonly Row[]
  dropped: number
  refused: readonly string[]
}

const WIDTH = 80
const INDENT = '          '
/** Fields of a row that are shown. */
const FIELDS_SHOWN = 12

export function showSample(rows: readonly RowBeforeAndAfter[]): string {
  let measurement: string | undefined
  return rows
    .flatMap((row) => {
      const head = row.measurement === measurement ? [] : [row.measurement]
      measurement = row.measurement
      return [...head, ...pairOf(row), '']
    })
    .join('\n')
    .trimEnd()
}

function pairOf({ before, after, dropped, refused }: RowBeforeAndAfter): string[] {
  const left = [
    ...(dropped > 0 ? [`${countOf(dropped, 'value')} dropped, or made a tag`] : []),
    ...new Set(refused.map((reason) => `to the dead letter: ${reason}`)),
  ]
  return [
    ...linesOf('before', before),
    ...(after.length === 0 ? ['  after   nothing'] : after.flatMap((row) => linesOf('after', row))),
    ...left.map((line) => cut(`${INDENT}(${line})`)),
  ]
}

function linesOf(title: string, { series, fields, time }: Row): string[] {
  const width = Math.max(...fields.slice(0, FIELDS_SHOWN).map(({ name }) => name.length))
  const more = fields.length - FIELDS_SHOWN
  return [
    cut(`  ${title.padEnd(8)}${plain(series)}`),
    ...fields
      .slice(0, FIELDS_SHOWN)
      .map(({ name, value }) => cut(`${INDENT}${plain(name).padEnd(width)}  ${plain(value)}`)),
    ...(more > 0 ? [`${INDENT}... and ${countOf(more, 'field')} more`] : []),
    `${INDENT}${formatRfc3339(time)}`,
  ]
}

function cut(line: string): string {
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 3)}...`
}

/** Control characters as escapes. */
function plain(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/\\(["\\])/g, '$1')
}
