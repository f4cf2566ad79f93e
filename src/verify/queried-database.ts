/** One database as InfluxQL shows it: its columns, figures of fields in a window, and every value. */
import { Failure } from '../core/failure.ts'
import { getOrAdd } from '../core/get-or-add.ts'
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
  /** First and last time. Where they should be, if that is known, many fields are asked about at once; else each by two statements. */
  times: boolean | { first: bigint; last: bigint }
  /** Minimum and maximum. */
  extremes: boolean
  /** Not of floats whose sum may be infinite, which JSON has no word for. */
  sum: boolean
}

/** What is asked of a field, and what was answered so far. */
interface Answered {
  ask: FieldAsk
  found: Found
}

interface Question {
  statement: string
  read: (series: Series | undefined) => void
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
/** For fewer, asking for the first and the last time of each is less. */
const FEW_FIELDS = 3
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
    const all = asks.map((ask) => ({ ask, found: nothingFound(ask.type) }))
    await this.#answer(
      grouped(all, ({ ask }) => ask.measurement).flatMap((own) => this.#figureQuestions(own, window)),
    )
    const timed = all.filter(({ ask: { times }, found: { count } }) => times !== false && count > 0)
    const groups = grouped(timed, endsKey).filter((own) => own.length >= FEW_FIELDS)
    await this.#answer(groups.flatMap((own) => this.#endQuestions(own, window)))
    const alone = timed.filter(({ found }) => found.first === undefined || found.last === undefined)
    await this.#answer(alone.flatMap((one) => this.#timeQuestions(one, window)))
    return all.map(({ found }) => found)
  }

  /** Of fields of one measurement. */
  #figureQuestions(own: readonly Answered[], window: TimeWindow): Question[] {
    const { measurement } = (own[0] as Answered).ask
    return pieces(own, FIELDS_A_STATEMENT).map((some) => ({
      statement: this.#select(some.flatMap(({ ask }) => callsOf(ask)).join(', '), measurement, window),
      read: (series) => {
        const cells = series?.values[0]?.slice(1)[Symbol.iterator]()
        if (cells === undefined) return
        for (const { ask, found } of some) readCells(found, ask, () => cells.next().value)
      },
    }))
  }

  /**
   * Of fields of one measurement whose first and last points should be at the same times: whether there are some at these,
   * and none before or behind. The times of those for which it is so are known then.
   */
  #endQuestions(own: readonly Answered[], { start, end }: TimeWindow): Question[] {
    const { measurement, times } = (own[0] as Answered).ask
    if (typeof times === 'boolean' || times.first < start || times.last >= end) return []
    const { first, last } = times
    return pieces(own, FIELDS_A_STATEMENT).flatMap((some) => {
      const fits = new Set(some)
      const calls = some.map(({ ask }) => `count(${identifier(ask.field)})`).join(', ')
      const ask = (window: TimeWindow, isThere: boolean) => ({
        statement: this.#select(calls, measurement, window),
        read: (series: Series | undefined) => {
          const [, ...counts] = series?.values[0] ?? []
          some.forEach((one, i) => {
            if (Number(counts[i] ?? 0) > 0 !== isThere) fits.delete(one)
          })
        },
      })
      const inside = ask({ start: last, end: last + 1n }, true)
      const questions = [
        ask({ start: first, end: first + 1n }, true),
        ...(start < first ? [ask({ start, end: first }, false)] : []),
        ...(last + 1n < end ? [ask({ start: last + 1n, end }, false)] : []),
      ]
      const read = (series: Series | undefined) => {
        inside.read(series)
        for (const { found } of fits) Object.assign(found, { first, last })
      }
      return [...questions, { ...inside, read }]
    })
  }

  #timeQuestions({ ask: { measurement, field }, found }: Answered, window: TimeWindow): Question[] {
    return (['first', 'last'] as const).map((call) => ({
      statement: this.#select(`${call}(${identifier(field)})`, measurement, window),
      read: (series) => {
        const time = series === undefined ? undefined : bigintOf(series.values[0]?.[0])
        if (time !== undefined) found[call] = time
      },
    }))
  }

  #select(calls: string, measurement: string, window: TimeWindow): string {
    return `SELECT ${calls} FROM ${this.#from(measurement)} WHERE ${within(window)}`
  }

  /** In the order in which they are asked. */
  async #answer(questions: readonly Question[]): Promise<void> {
    for (const some of pieces(questions, STATEMENTS_A_REQUEST)) {
      const answers = await this.#query.ask(some.map(({ statement }) => statement))
      some.forEach(({ read }, i) => read(answers[i]?.[0]))
    }
  }

  async #readColumns(): Promise<Map<string, Columns>> {
    const [measurements = []] = await this.#query.ask(['SHOW MEASUREMENTS'])
    const names = measurements.flatMap(({ values }) => values.map(([name]) => String(name)))
    const columns = new Map<string, Columns>()
    for (const some of pieces(names, TABLES_A_STATEMENT)) {
      const from = some.map((name) => this.#from(name))
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

/** Alike for fields of one measurement whose first and last points should be at the same times. */
function endsKey({ ask: { measurement, times } }: Answered): string {
  return typeof times === 'boolean' ? '' : `${times.first} ${times.last} ${measurement}`
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const one of all) getOrAdd(groups, keyOf(one), () => []).push(one)
  return [...groups.values()]
}

function pieces<T>(all: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) =>
    all.slice(i * length, (i + 1) * length),
  )
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
