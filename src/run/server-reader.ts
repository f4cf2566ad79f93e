/** A slice's figures and points asked of the running 1.x server: it knows nothing of files, and may have gone on since. */
import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import type { Found } from '../verify/compare-figures.ts'
import { PointFigures, seriesKeyOf } from '../verify/point-figures.ts'
import { valueOf, type FieldAsk, type FieldOfType, type QueriedDatabase } from '../verify/queried-database.ts'
import type { Point, SourceReader } from '../verify/source-reader.ts'

const NOT_KNOWN = { count: 0, first: 0n, last: 0n }

export class ServerReader implements SourceReader {
  readonly #databaseOf: (slice: Slice) => QueriedDatabase
  readonly #level: 'basic' | 'full'

  readonly #letters: (slice: Slice) => AsyncIterable<DeadLetter>

  constructor(
    databaseOf: (slice: Slice) => QueriedDatabase,
    level: 'basic' | 'full',
    letters: (slice: Slice) => AsyncIterable<DeadLetter>,
  ) {
    this.#databaseOf = databaseOf
    this.#level = level
    this.#letters = letters
  }

  async figures(slice: Slice, window: TimeWindow): Promise<FieldFigures[]> {
    await this.#expectNothingHeldBack(slice)
    return this.#level === 'basic' ? this.#asked(slice, window) : this.#readBack(slice, window)
  }

  async points(
    slice: Slice,
    window: TimeWindow,
    measurement: string | undefined,
    take: (point: Point) => void,
  ): Promise<void> {
    const database = this.#databaseOf(slice)
    for (const [name, fields] of await this.#fields(slice, database)) {
      if (measurement !== undefined && measurement !== name) continue
      await database.points(name, fields, window, NOT_KNOWN, ({ tags, rows }) => {
        const series = seriesKeyOf(name, tags)
        for (const [time, ...cells] of rows)
          cells.forEach((cell, i) => {
            const one = fields[i]
            if (cell !== null && one !== undefined)
              take({ series, measurement: name, ...one, value: valueOf(one.type, cell), time })
          })
      })
    }
  }

  /** What was refused before it was sent is in the server's figures, and in none of ours. */
  async #expectNothingHeldBack(slice: Slice): Promise<void> {
    for await (const { batch } of this.#letters(slice))
      if (batch === undefined)
        throw new Failure(
          'verify/source-refused',
          'the server has points that were refused before they were sent (see the dead letter)',
          { where: showSlice(slice.id), remedy: 'Compare with the files instead: --source files.' },
        )
  }

  async #asked(slice: Slice, window: TimeWindow): Promise<FieldFigures[]> {
    const database = this.#databaseOf(slice)
    const asks: FieldAsk[] = []
    for (const [measurement, fields] of await this.#fields(slice, database))
      for (const { field, type } of fields) {
        const isNumber = type !== 'string' && type !== 'boolean'
        asks.push({ measurement, field, type, times: true, extremes: isNumber, sum: isNumber })
      }
    const found = await database.figures(asks, window)
    return asks.flatMap((ask, i) => figuresOf(ask, found[i]))
  }

  async #readBack(slice: Slice, window: TimeWindow): Promise<FieldFigures[]> {
    const database = this.#databaseOf(slice)
    const figures = new PointFigures()
    for (const [measurement, fields] of await this.#fields(slice, database))
      await database.points(measurement, fields, window, NOT_KNOWN, (series) =>
        figures.addSeries(measurement, fields, series),
      )
    return figures.result()
  }

  async #fields(slice: Slice, database: QueriedDatabase): Promise<Map<string, FieldOfType[]>> {
    const columns = await database.columns()
    return new Map(
      [...columns].map(([measurement, { fields }]) => [
        measurement,
        [...fields].map(([field, types]) => ({ field, type: onlyType(slice, measurement, field, types) })),
      ]),
    )
  }
}

function onlyType(slice: Slice, measurement: string, field: string, types: FieldOfType['type'][]) {
  const [type, ...others] = types
  if (type !== undefined && others.length === 0) return type
  throw new Failure(
    'verify/source-types',
    `the server has the field "${field}" of "${measurement}" in several types (${types.join(', ')}), and answers some as another`,
    { where: showSlice(slice.id), remedy: 'Compare with the files instead: --source files.' },
  )
}

/** For the bound of sums, at least as much as the sum of absolute values can be. */
function figuresOf({ measurement, field, type }: FieldAsk, found: Found | undefined): FieldFigures[] {
  if (found === undefined || found.count === 0) return []
  const { count, first = 0n, last = 0n, min, max, sum } = found
  const absolute =
    type === 'float' ? count * Math.max(Math.abs(Number(min)), Math.abs(Number(max))) : undefined
  return [{ measurement, field, type, count, first, last, min, max, sum, absolute, hash: 0n }]
}
