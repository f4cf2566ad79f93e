/** One database as InfluxQL shows it: its columns, figures of fields in a window, and every value. */
import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { bigintOf } from '../cluster/exact-json.ts'
import type { Series } from '../cluster/query.ts'
import type { FieldType } from '../manifest/migration.ts'
import { addFound, nothingFound, type Found } from './compare-figures.ts'
import { identifier, within } from './influxql.ts'
import type { PatientQuery } from './patient-query.ts'

export interface Columns {
  /** More than one type only in 1.x, of other shards. */
  fields: Map<string, FieldType[]>
  tags: Set<string>
}

/** What is asked of a field, beside how many points it has. */
export interface FieldAsk {
  measurement: string
  field: string
  type: FieldType
  /** First and last time: two statements a field. */
  times: boolean
  /** Minimum and maximum. */
  extremes: boolean
  /** Not of floats whose sum may be infinite, which JSON has no word for. */
  sum: boolean
}

export interface FieldOfType {
  field: string
  type: FieldType
}

/** Rows of one series as they were answered: time and a cell for each field asked for. */
export interface AnsweredSeries {
  tags: Record<string, string>
  rows: [time: bigint, ...cells: unknown[]][]
}

const TABLES_A_STATEMENT = 50
const STATEMENTS_A_REQUEST = 40
const FIELDS_A_STATEMENT = 50
/** Points that are read back at once, as far as is known before. */
const POINTS_A_QUERY = 200_000
/** Bytes of an answer with points: parsed, it is several times as much in memory. */
const POINTS_BODY_LIMIT = 48 << 20

export class QueriedDatabase {
  readonly #query: PatientQuery
  readonly #policy: string
  #columns: Promise<Map<string, Columns>> | undefined

  /** @param retentionPolicy of a 1.x server */
  constructor(query: PatientQuery, retentionPolicy?: string) {
    this.#query = query
    this.#policy = retentionPolicy === undefined ? '' : `${identifier(retentionPolicy)}.`
  }

  /** By measurement; asked once. */
  columns(): Promise<Map<string, Columns>> {
    return (this.#columns ??= this.#readColumns())
  }

  /** Figures of fields in a window, in the order in which they are asked for. */
  async figures(asks: readonly FieldAsk[], window: TimeWindow): Promise<Found[]> {
    const found = asks.map(({ type }) => nothingFound(type))
    await this.#query.over(window, async (part) => {
      const parts = await this.#figuresWhereFinite(asks, part)
      parts.forEach((one, i) => addFound(found[i] as Found, one))
    })
    return found
  }

  /**
   * Every value of fields in a window. `expected`: how many there may be between which times, by which the window is cut.
   */
  async points(
    measurement: string,
    fields: readonly FieldOfType[],
    window: TimeWindow,
    expected: { count: number; first: bigint; last: bigint },
    take: (series: AnsweredSeries) => void,
  ): Promise<void> {
    const list = fields.map(({ field }) => identifier(field)).join(', ')
    for (const cut of cutByCount(window, expected))
      await this.#query.over(cut, async (part) => {
        const [series = []] = await this.#query.ask(
          [`SELECT ${list} FROM ${this.#from(measurement)} WHERE ${within(part)} GROUP BY *`],
          POINTS_BODY_LIMIT,
        )
        for (const { tags, values } of series) take({ tags, rows: values.map(rowOf) })
      })
  }

  /** One sum that is infinite makes the whole answer fail: then each float's sum is asked for alone. */
  async #figuresWhereFinite(asks: readonly FieldAsk[], window: TimeWindow): Promise<Found[]> {
    try {
      return await this.#figuresOf(asks, window)
    } catch (error) {
      if (!isUnsupportedValue(error)) throw error
    }
    const isFloatSum = ({ type, sum }: FieldAsk) => type === 'float' && sum
    const found = await this.#figuresOf(
      asks.map((ask) => ({ ...ask, sum: ask.sum && !isFloatSum(ask) })),
      window,
    )
    for (const [i, ask] of asks.entries())
      if (isFloatSum(ask)) (found[i] as Found).sum = await this.#sumOf(ask, window)
    return found
  }

  async #sumOf({ measurement, field }: FieldAsk, window: TimeWindow): Promise<number | undefined> {
    const statement = `SELECT sum(${identifier(field)}) FROM ${this.#from(measurement)} WHERE ${within(window)}`
    try {
      const [series] = await this.#query.ask([statement])
      const cell = series?.[0]?.values[0]?.[1]
      return cell === undefined || cell === null ? undefined : Number(cell)
    } catch (error) {
      if (isUnsupportedValue(error)) return Infinity
      throw error
    }
  }

  async #figuresOf(asks: readonly FieldAsk[], window: TimeWindow): Promise<Found[]> {
    const found = asks.map(({ type }) => nothingFound(type))
    const questions: { statement: string; read: (series: Series | undefined) => void }[] = []
    for (const [measurement, own] of grouped(asks)) {
      const tail = `FROM ${this.#from(measurement)} WHERE ${within(window)}`
      for (let first = 0; first < own.length; first += FIELDS_A_STATEMENT) {
        const some = own.slice(first, first + FIELDS_A_STATEMENT)
        const calls = some.flatMap(({ ask }) => callsOf(ask))
        questions.push({
          statement: `SELECT ${calls.join(', ')} ${tail}`,
          read: (series) => {
            const cells = series?.values[0]?.slice(1)[Symbol.iterator]()
            if (cells === undefined) return
            for (const { ask, index } of some) readCells(found[index] as Found, ask, () => cells.next().value)
          },
        })
      }
      for (const { ask, index } of own.filter(({ ask: { times } }) => times))
        for (const call of ['first', 'last'] as const)
          questions.push({
            statement: `SELECT ${call}(${identifier(ask.field)}) ${tail}`,
            read: (series) => {
              const time = series === undefined ? undefined : bigintOf(series.values[0]?.[0])
              if (time !== undefined) (found[index] as Found)[call] = time
            },
          })
    }
    for (let first = 0; first < questions.length; first += STATEMENTS_A_REQUEST) {
      const some = questions.slice(first, first + STATEMENTS_A_REQUEST)
      const answers = await this.#query.ask(some.map(({ statement }) => statement))
      some.forEach(({ read }, i) => read(answers[i]?.[0]))
    }
    return found
  }

  async #readColumns(): Promise<Map<string, Columns>> {
    const [measurements = []] = await this.#query.ask(['SHOW MEASUREMENTS'])
    const names = measurements.flatMap(({ values }) => values.map(([name]) => String(name)))
    const columns = new Map<string, Columns>()
    for (let first = 0; first < names.length; first += TABLES_A_STATEMENT) {
      const from = names.slice(first, first + TABLES_A_STATEMENT).map((name) => this.#from(name))
      const [fields = [], tags = []] = await this.#query.ask([
        `SHOW FIELD KEYS FROM ${from.join(', ')}`,
        `SHOW TAG KEYS FROM ${from.join(', ')}`,
      ])
      for (const { name, values } of fields) {
        const own = new Map<string, FieldType[]>()
        for (const [field, type] of values as [string, FieldType][])
          own.set(field, [...(own.get(field) ?? []), type])
        columns.set(name, { fields: own, tags: new Set() })
      }
      for (const { name, values } of tags)
        for (const [tag] of values as [string][]) columns.get(name)?.tags.add(tag)
    }
    return columns
  }

  #from(measurement: string): string {
    return `${this.#policy}${identifier(measurement)}`
  }
}

function isUnsupportedValue(error: unknown): boolean {
  return error instanceof Failure && error.code === 'query/failed' && /unsupported value/.test(error.message)
}

function grouped(asks: readonly FieldAsk[]): Map<string, { ask: FieldAsk; index: number }[]> {
  const groups = new Map<string, { ask: FieldAsk; index: number }[]>()
  asks.forEach((ask, index) => {
    const group = groups.get(ask.measurement)
    if (group === undefined) groups.set(ask.measurement, [{ ask, index }])
    else group.push({ ask, index })
  })
  return groups
}

/** In the order in which {@link readCells} reads them. */
function callsOf({ field, extremes, sum }: FieldAsk): string[] {
  const name = identifier(field)
  return [
    `count(${name})`,
    ...(extremes ? [`min(${name})`, `max(${name})`] : []),
    ...(sum ? [`sum(${name})`] : []),
  ]
}

function readCells(found: Found, { type, extremes, sum }: FieldAsk, next: () => unknown): void {
  found.count = Number(next() ?? 0)
  const number = () => {
    const cell = next()
    return cell === null || cell === undefined ? undefined : numberOf(type, cell)
  }
  if (extremes) {
    found.min = number()
    found.max = number()
  }
  if (sum) found.sum = number()
}

/** A cell as a value of its column's type: JSON writes a whole float as an integer, and large ones come as `bigint`. */
export function valueOf(type: FieldType, cell: unknown): number | bigint | boolean | string {
  if (type === 'string' && typeof cell === 'string') return cell
  if (type === 'boolean' && typeof cell === 'boolean') return cell
  const number = type === 'string' || type === 'boolean' ? undefined : numberOf(type, cell)
  if (number !== undefined) return number
  throw new Failure(
    'query/unexpected',
    `the server answers ${JSON.stringify(cell)} as a value of type ${type}`,
  )
}

function numberOf(type: FieldType, cell: unknown): number | bigint | undefined {
  if (type === 'float') return typeof cell === 'number' || typeof cell === 'bigint' ? Number(cell) : undefined
  return bigintOf(cell)
}

function rowOf([time, ...cells]: unknown[]): AnsweredSeries['rows'][number] {
  const nanoseconds = bigintOf(time)
  if (nanoseconds === undefined)
    throw new Failure('query/unexpected', `the server answers ${JSON.stringify(time)} as a time`)
  return [nanoseconds, ...cells]
}

/** The window in parts with about as many points each, if they lie evenly between the first and the last. */
function* cutByCount(
  { start, end }: TimeWindow,
  { count, first, last }: { count: number; first: bigint; last: bigint },
): Generator<TimeWindow> {
  const parts = BigInt(Math.ceil(count / POINTS_A_QUERY))
  const step = parts < 2n ? 0n : (last - first) / parts
  let from = start
  if (step > 0n)
    for (let part = 1n; part < parts; part += 1n) {
      const to = first + step * part
      if (to <= from || to >= end) continue
      yield { start: from, end: to }
      from = to
    }
  yield { start: from, end }
}
