/** Figures of points that come one by one, or as a server answers them. */
import { BlockType } from '../kernel/kernel.ts'
import { FigureBook } from '../lines/figure-book.ts'
import type { FieldFigures } from '../lines/figures.ts'
import { encodeName } from '../lines/names.ts'
import type { FieldType } from '../manifest/migration.ts'
import { valueOf, type AnsweredSeries, type FieldOfType } from './queried-database.ts'
import type { Point } from './source-reader.ts'

export class PointFigures {
  readonly #book = new FigureBook()
  #series: string | undefined

  add({ series, field, type, value, time }: Point): void {
    if (series !== this.#series) this.#book.begin(Buffer.from(series))
    this.#series = series
    this.#book.add(this.#slotOf(field, type), time, bytesOf(value))
  }

  /** Adds the rows of a series. A cell that is null is no point. */
  addSeries(measurement: string, fields: readonly FieldOfType[], { tags, rows }: AnsweredSeries): void {
    this.#series = undefined
    this.#book.begin(Buffer.from(seriesKeyOf(measurement, tags)))
    const slots = fields.map(({ field, type }) => this.#slotOf(field, type))
    for (const [time, ...cells] of rows)
      cells.forEach((cell, i) => {
        const type = fields[i]?.type
        if (cell !== null && type !== undefined)
          this.#book.add(slots[i] as number, time, bytesOf(valueOf(type, cell)))
      })
  }

  result(): FieldFigures[] {
    return this.#book.result()
  }

  #slotOf(field: string, type: FieldType): number {
    return this.#book.slotOf(encodeName(Buffer.from(field), 'field key'), BlockType[type])
  }
}

/** The series key in v3 escaping, tags in the order of their bytes; a tag that a series does not have is answered as empty. */
export function seriesKeyOf(measurement: string, tags: Record<string, string>): string {
  const present = Object.entries(tags)
    .filter(([, value]) => Boolean(value))
    .map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
  return [
    encodeName(Buffer.from(measurement), 'measurement'),
    ...present.map(
      ({ key, value }) =>
        `${encodeName(key, 'tag key').toString()}=${encodeName(value, 'tag value').toString()}`,
    ),
  ].join(',')
}

function bytesOf(value: Point['value']): number | bigint | boolean | Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value
}
