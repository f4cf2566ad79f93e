/** One slice: what should be in the cluster against what is, measurement by measurement, and the differences narrowed down. */
import type { TimeWindow } from '../core/time.ts'
import type { Slice } from '../plan/plan.ts'
import { isSumFinite, nothingFound, type Expected, type Found } from './compare-figures.ts'
import { differingFields, ends, narrow, type Sides } from './narrow.ts'
import { PointFigures, seriesKeyOf } from './point-figures.ts'
import { valueOf, type Columns, type FieldAsk, type QueriedDatabase } from './queried-database.ts'
import { keyOf } from './refused-points.ts'
import { isSourceGone, type Point } from './source-reader.ts'
import type { Difference, MeasurementVerification } from './verification.generated.ts'

/** The source's side of a slice, refused points taken off. */
export interface SliceSource {
  /** By measurement. @throws Failure when the source cannot be read again */
  figures(window: TimeWindow): Promise<Map<string, Expected[]>>
  points(window: TimeWindow, measurement: string): Promise<Map<string, Point>>
}

export interface ComparedMeasurement {
  measurement: string
  verification: MeasurementVerification
  differences: Difference[]
  leftOut: number
}

export interface CompareOptions {
  slice: Slice
  window: TimeWindow
  level: 'basic' | 'full'
  database: QueriedDatabase
  source: SliceSource
  /** How many points may still be named. */
  room: number
}

/** Fields of small measurements that are asked for in one request. */
const FIELDS_A_REQUEST = 12

/** Measurements that are asked for together. */
export function groupsOf(expected: ReadonlyMap<string, readonly Expected[]>): string[][] {
  const groups: string[][] = []
  let fields = FIELDS_A_REQUEST
  for (const [measurement, own] of expected) {
    if (fields + own.length > FIELDS_A_REQUEST) {
      groups.push([])
      fields = 0
    }
    groups.at(-1)?.push(measurement)
    fields += own.length + 1
  }
  return groups
}

/** Compares some measurements of a slice. */
export async function compareMeasurements(
  measurements: readonly string[],
  expected: ReadonlyMap<string, readonly Expected[]>,
  options: CompareOptions,
): Promise<ComparedMeasurement[]> {
  const columns = await options.database.columns()
  const comparisons = measurements.map(
    (measurement) =>
      new Comparison(measurement, expected.get(measurement) ?? [], columns.get(measurement), options),
  )
  const asks = comparisons.map((one) => one.asks())
  const answers =
    options.level === 'basic' ? await options.database.figures(asks.flat(), options.window) : undefined
  const compared: ComparedMeasurement[] = []
  let at = 0
  for (const [i, comparison] of comparisons.entries()) {
    const own = asks[i] ?? []
    const found = answers?.slice(at, at + own.length) ?? (await comparison.readBack(own, options.window))
    at += own.length
    compared.push(await comparison.result(new Map(own.map(({ field }, j) => [field, found[j] as Found]))))
  }
  return compared
}

const ONLY_SUMS =
  'counts and sums are equal; first, last and extreme values are not to be told, since refused points were among them and the source cannot be read again'

class Comparison {
  readonly #measurement: string
  /** By field; a field has several types only where what the cluster took is of one. */
  readonly #expected: Map<string, Expected>
  readonly #columns: Columns
  readonly #options: CompareOptions

  constructor(
    measurement: string,
    expected: readonly Expected[],
    columns: Columns | undefined,
    options: CompareOptions,
  ) {
    this.#measurement = measurement
    this.#expected = byField(expected)
    this.#columns = columns ?? { fields: new Map(), tags: new Set() }
    this.#options = options
  }

  /** Of every field that the cluster has: also of those that should have no point here. */
  asks(): FieldAsk[] {
    return [...this.#columns.fields].map(([field, [type = 'float']]) => {
      const expected = this.#expected.get(field)
      const comparable = expected?.type === type
      const isNumber = type !== 'string' && type !== 'boolean'
      return {
        ...{ measurement: this.#measurement, field, type },
        times: comparable && expected.extremesKnown && { first: expected.first, last: expected.last },
        extremes: comparable && isNumber && expected.extremesKnown,
        sum: comparable && isNumber && isSumFinite(expected),
      }
    })
  }

  /** Figures of every value, in the order of the fields. */
  async readBack(fields: readonly FieldAsk[], window: TimeWindow): Promise<Found[]> {
    const found = fields.map(({ type }) => nothingFound(type))
    if (fields.length === 0) return found
    const figures = new PointFigures()
    await this.#options.database.points(this.#measurement, fields, window, this.#size(), (series) =>
      figures.addSeries(this.#measurement, fields, series),
    )
    const byName = new Map(figures.result().map((one) => [one.field, one]))
    return fields.map(({ field, type }) => byName.get(field) ?? nothingFound(type))
  }

  async result(found: ReadonlyMap<string, Found>): Promise<ComparedMeasurement> {
    const types = this.#typeDifferences()
    const apart = new Set(types.map(({ field }) => field))
    const differing = differingFields(this.#expected, found)
      .map(({ field }) => field)
      .filter((field) => !apart.has(field))
    const narrowed = await this.#narrow(new Set(differing), found)
    const differences = [...types, ...narrowed.differences]
    const count = differing.length + apart.size
    const isUnknown =
      this.#options.level === 'basic' && [...this.#expected.values()].some((one) => !one.extremesKnown)
    return {
      measurement: this.#measurement,
      verification: {
        outcome: count > 0 ? 'differs' : isUnknown ? 'not-compared' : 'equal',
        ...(count === 0 && isUnknown && { reason: ONLY_SUMS }),
        fields: this.#expected.size,
        points: [...this.#expected.values()].reduce((sum, one) => sum + one.count, 0),
        ...(count > 0 && { differing: count }),
      },
      differences,
      leftOut: narrowed.leftOut,
    }
  }

  /** Columns that are of another type or kind than what should be in them. */
  #typeDifferences(): Difference[] {
    const { fields, tags } = this.#columns
    return [...this.#expected.values()].flatMap(({ field, type }) => {
      const there = fields.get(field)?.[0]
      if (there === type || (there === undefined && !tags.has(field))) return []
      return [
        {
          ...this.#about(),
          field,
          kind: 'type' as const,
          ...ends(this.#options.window),
          source: `field of type ${type}`,
          cluster: there === undefined ? 'tag' : `field of type ${there}`,
        },
      ]
    })
  }

  async #narrow(differing: ReadonlySet<string>, found: ReadonlyMap<string, Found>) {
    if (differing.size === 0) return { differences: [], leftOut: 0 }
    const { window, room } = this.#options
    const figures = () => ({
      differences: differingFields(pick(this.#expected, differing), pick(found, differing)).map(
        ({ difference }) => ({ ...this.#about(), ...difference, ...ends(window) }),
      ),
      leftOut: 0,
    })
    if (room <= 0) return figures()
    try {
      const narrowed = await narrow(this.#sides(differing, found), window, this.#about(), room)
      return narrowed.differences.length > 0 ? narrowed : figures()
    } catch (error) {
      if (!isSourceGone(error)) throw error
      return figures()
    }
  }

  #sides(differing: ReadonlySet<string>, found: ReadonlyMap<string, Found>): Sides {
    const { database, source, level, window: whole } = this.#options
    const asks = this.asks().filter(({ field }) => differing.has(field))
    const wholeOf = (window: TimeWindow) => window.start === whole.start && window.end === whole.end
    return {
      source: async (window) => {
        if (wholeOf(window)) return pick(this.#expected, differing)
        const figures = await source.figures(window)
        return pick(byField(figures.get(this.#measurement) ?? []), differing)
      },
      cluster: async (window) => {
        if (wholeOf(window)) return pick(found, differing)
        const answers =
          level === 'basic' ? await database.figures(asks, window) : await this.readBack(asks, window)
        return new Map(asks.map(({ field }, i) => [field, answers[i] as Found]))
      },
      sourcePoints: async (window) => {
        const points = await source.points(window, this.#measurement)
        return new Map([...points].filter(([, { field }]) => differing.has(field)))
      },
      clusterPoints: async (window) => {
        const points = new Map<string, Point>()
        if (asks.length === 0) return points
        await database.points(this.#measurement, asks, window, this.#size(), ({ tags, rows }) => {
          const series = seriesKeyOf(this.#measurement, tags)
          for (const [time, ...cells] of rows)
            cells.forEach((cell, i) => {
              const { field, type } = asks[i] as FieldAsk
              if (cell === null) return
              const point = {
                ...{ series, measurement: this.#measurement, field, type, time },
                value: valueOf(type, cell),
              }
              points.set(keyOf(point), point)
            })
        })
        return points
      },
    }
  }

  #about() {
    const { slice } = this.#options
    return { slice: slice.id, target: slice.mapping.target, measurement: this.#measurement }
  }

  #size(): { count: number; first: bigint; last: bigint } {
    const { window } = this.#options
    const all = [...this.#expected.values()]
    return {
      count: all.reduce((sum, { count }) => sum + count, 0),
      first: all.reduce((first, one) => (one.first < first ? one.first : first), window.end),
      last: all.reduce((last, one) => (one.last > last ? one.last : last), window.start),
    }
  }
}

/** By field. The values of a field that has several types are in no column together: they are only counted. */
function byField(figures: readonly Expected[]): Map<string, Expected> {
  const fields = new Map<string, Expected>()
  for (const one of figures) {
    const other = fields.get(one.field)
    if (other === undefined) fields.set(one.field, one)
    else
      fields.set(one.field, {
        ...other,
        count: other.count + one.count,
        first: other.first < one.first ? other.first : one.first,
        last: other.last > one.last ? other.last : one.last,
        extremesKnown: false,
        sum: undefined,
      })
  }
  return fields
}

function pick<T>(all: ReadonlyMap<string, T>, fields: ReadonlySet<string>): Map<string, T> {
  return new Map([...all].filter(([field]) => fields.has(field)))
}
