/** A body of line protocol, checked line by line against the schema and turned into columns. */
import { isUtf8 } from 'node:buffer'
import { formatRfc3339 } from '../core/time.ts'
import { TableBatch } from './batch.ts'
import { setHalves, toBigInt, type Halves } from './int64.ts'
import { LineError, LineParser, type ParsedSeries } from './line-parser.ts'
import { LogicalLines } from './logical-lines.ts'
import {
  addColumn,
  columnCount,
  columnType,
  newTable,
  tagSetKey,
  type Column,
  type ColumnKind,
  type Database,
  type Series,
  type Table,
} from './schema.ts'

export interface IngestOptions {
  /** Nanoseconds in a unit of the body's timestamps. */
  multiplier: bigint
  /** Nanoseconds since the epoch: the time of lines that have none, and what retention counts from. */
  now: bigint
  /** Bytes of a name or string. */
  stringLimit: number
  /** `false` is the older behaviour: one bad line refuses the whole body. */
  partialWrites: boolean
  nextTableId: () => number
}

/** What became of a body. `refused` bodies leave no trace. */
export interface Ingested {
  batches: TableBatch[]
  lines: number
  values: number
  /** Whole refusal without a line number. */
  refused: { kind: 'invalid' | 'retention'; message: string } | undefined
  /** Refused lines: at most 100 messages, all of them counted. */
  rejected: { first: number; count: number; messages: string[] } | undefined
  /** Takes back every table, column and series that the body added to the schema. */
  undo: () => void
}

const REPORTED = 100
const KINDS: ColumnKind[] = ['float', 'integer', 'unsigned', 'string', 'boolean']

/** Reads `body` into batches and the schema. The caller writes the batches, or calls `undo`. */
export function ingest(database: Database, body: Buffer, options: IngestOptions): Ingested {
  if (!isUtf8(body)) {
    const message = 'body content is not valid utf8: invalid utf-8 sequence'
    const nothing = { batches: [], lines: 0, values: 0, rejected: undefined, undo: () => undefined }
    return { ...nothing, refused: { kind: 'invalid', message } }
  }
  return new Ingest(database, body, options).run()
}

class Ingest {
  private readonly batches = new Map<Table, TableBatch>()
  private readonly addedKeys: string[] = []
  private readonly addedSeries: { table: Table; key: string }[] = []
  private readonly messages: string[] = []
  private rejected = 0
  private firstRejected = 0
  private accepted = 0
  private values = 0
  private readonly parser: LineParser
  private readonly scratch: Column[] = []
  private readonly time: Halves = { low: 0, high: 0 }
  private readonly defaultTime: Halves = { low: 0, high: 0 }
  private readonly database: Database
  private readonly body: Buffer
  private readonly options: IngestOptions

  constructor(database: Database, body: Buffer, options: IngestOptions) {
    this.database = database
    this.body = body
    this.options = options
    this.parser = new LineParser(body, options.stringLimit)
    setHalves(options.now, this.defaultTime)
  }

  run(): Ingested {
    const { body, parser } = this
    const lines = new LogicalLines(body)
    let previous: Series | undefined
    let previousStart = 0
    let previousLength = 0
    while (lines.advance()) {
      try {
        const { start, end } = lines
        const same = previous !== undefined && this.repeats(previousStart, previousLength, start, end)
        const seriesEnd = same ? start + previousLength : parser.seriesEnd(start, end)
        const series = same ? previous : this.knownSeries(start, seriesEnd)
        if (series === undefined) {
          previous = this.newSeriesLine(start, seriesEnd, end)
        } else {
          parser.fields(seriesEnd, end)
          this.rebase()
          this.addRow(series)
          previous = series
        }
        previousStart = start
        previousLength = seriesEnd - start
        this.accepted += 1
      } catch (error) {
        if (!(error instanceof LineError)) throw error
        previous = undefined
        this.reject(lines.number, error)
        if (!this.options.partialWrites) break
      }
    }
    return this.outcome()
  }

  /** Whether the line begins with the bytes of the previous series key and a space: then it is the same series. */
  private repeats(from: number, length: number, start: number, end: number): boolean {
    const { body } = this
    if (start + length >= end || body[start + length] !== 32) return false
    for (let i = length - 1; i >= 0; i -= 1) if (body[from + i] !== body[start + i]) return false
    return true
  }

  private knownSeries(start: number, end: number): Series | undefined {
    return this.body[end] === 32
      ? this.database.seriesByKey.get(this.body.toString('latin1', start, end))
      : undefined
  }

  private newSeriesLine(start: number, seriesEnd: number, end: number): Series {
    const { database, parser } = this
    const parsed = parser.series(start, end)
    parser.fields(seriesEnd, end)
    this.rebase()
    const table = database.tables.get(parsed.measurement) ?? this.unsavedTable(parsed.measurement)
    checkTags(parsed, table)
    // The line's fields are checked before its series and tag columns are made, so that a refused line leaves none.
    this.resolveFields(table, new Set(parsed.tags.map(([key]) => key)))
    const series = { table, id: this.seriesId(table, parsed) }
    const key = this.body.toString('latin1', start, seriesEnd)
    database.seriesByKey.set(key, series)
    this.addedKeys.push(key)
    this.appendRow(series)
    return series
  }

  private addRow(series: Series): void {
    this.resolveFields(series.table, undefined)
    this.appendRow(series)
  }

  private unsavedTable(name: string): Table {
    const table = newTable(this.options.nextTableId(), name, this.database.maxColumns)
    return table
  }

  private batchOf(table: Table): TableBatch {
    let batch = this.batches.get(table)
    if (batch === undefined) {
      const created = !this.database.tables.has(table.name)
      if (created) this.database.tables.set(table.name, table)
      this.batches.set(table, (batch = new TableBatch(table, created)))
    }
    return batch
  }

  private seriesId(table: Table, parsed: ParsedSeries): number {
    const key = tagSetKey(parsed.tags)
    const known = table.series.get(key)
    if (known !== undefined) return known
    const batch = this.batchOf(table)
    const values: (string | undefined)[] = []
    for (const [name, value] of parsed.tags)
      values[(table.columns.get(name) ?? addColumn(table, name, 'tag')).place] = value
    const id = table.series.size
    table.series.set(key, id)
    this.addedSeries.push({ table, key })
    batch.newSeries.push({ id, values })
    return id
  }

  /**
   * Finds the column of each parsed field into `scratch` and checks its type. A field that the table does not have
   * yet gets a column without a place, which {@link appendRow} turns into a real one.
   */
  private resolveFields(table: Table, newTags: Set<string> | undefined): void {
    const { parser, scratch } = this
    const { lastFields } = table
    let plain = true
    for (let i = 0; i < parser.count; i += 1) {
      const kind = KINDS[parser.types[i] as number] as ColumnKind
      let column = lastFields[i]
      if (column === undefined || !this.isKey(column.name, i)) {
        const name = parser.fieldKey(i)
        column = table.columns.get(name) ?? { place: -1, name, kind }
        plain = false
        if (newTags?.has(name)) column = { place: -1, name, kind: 'tag' }
      } else if (newTags?.has(column.name)) plain = false
      scratch[i] = column
      if (column.kind !== kind || column.name === 'time') plain = false
    }
    if (!plain) this.checkFields(table)
  }

  /** The rules that a line with the same fields as the last one can't break: `time`, types, a field given twice. */
  private checkFields(table: Table): void {
    const { parser, scratch } = this
    if (parser.count === 1 && scratch[0]?.name === 'time')
      throw new WriteError(`invalid field name: input field "time" on measurement "${table.name}" is invalid`)
    const seen = new Map<string, ColumnKind>()
    // From the last field to the first: of a field given twice the last counts, and the last conflict is reported.
    for (let i = parser.count - 1; i >= 0; i -= 1) {
      const { name, kind: existing } = scratch[i] as Column
      if (name === 'time') continue
      const kind = KINDS[parser.types[i] as number] as ColumnKind
      const later = seen.get(name)
      if (later !== undefined && later !== kind)
        throw new WriteError(`the field '${name}' is specified more than once with conflicting types`)
      seen.set(name, kind)
      if (later === undefined && existing !== kind)
        throw new WriteError(conflict(kind, name, existing), { name, kind, existing })
    }
  }

  private isKey(name: string, index: number): boolean {
    const { body, parser } = this
    const start = parser.keyStart[index] as number
    if ((parser.keyEnd[index] as number) - start !== name.length) return false
    for (let i = 0; i < name.length; i += 1) {
      const code = name.charCodeAt(i)
      if (code !== body[start + i] || code > 127 || code === 92) return false
    }
    return true
  }

  private appendRow({ table, id }: Series): void {
    const { parser, scratch, time } = this
    const batch = this.batchOf(table)
    const row = batch.addRow(id, time.low, time.high)
    const { lastFields } = table
    for (let i = 0; i < parser.count; i += 1) {
      let column = scratch[i] as Column
      if (column.name === 'time') continue
      if (column.place < 0)
        column = table.columns.get(column.name) ?? addColumn(table, column.name, column.kind)
      lastFields[i] = column
      const values = batch.valuesOf(column, row)
      const word = row >>> 5
      values.present[word] = (values.present[word] as number) | (1 << (row & 31))
      switch (column.kind) {
        case 'float':
          values.doubles[row] = parser.numbers[i] as number
          break
        case 'boolean':
          values.booleans[row] = parser.numbers[i] as number
          break
        case 'string':
          values.strings[row] = parser.strings[i]
          break
        default:
          values.halves[2 * row] = parser.lows[i] as number
          values.halves[2 * row + 1] = parser.highs[i] as number
      }
    }
    this.values += parser.count
  }

  /** The line's time in nanoseconds into `time`. */
  private rebase(): void {
    const { parser, options, time } = this
    const source = parser.hasTime ? parser.time : this.defaultTime
    time.low = source.low
    time.high = source.high
    if (!parser.hasTime || options.multiplier === 1n) return
    const scaled = toBigInt(time) * options.multiplier
    if (BigInt.asIntN(64, scaled) !== scaled) throw new OverflowError('')
    setHalves(scaled, time)
  }

  private reject(line: number, error: LineError): void {
    if (this.rejected === 0) this.firstRejected = line
    this.rejected += 1
    if (this.messages.length >= REPORTED) return
    if (!this.options.partialWrites) this.messages.push(withoutLine(error))
    else if (error instanceof OverflowError)
      this.messages.push(`timestamp overflows i64 on line ${line} (1-based)`)
    else {
      const verb = error instanceof WriteError ? 'writing' : 'parsing'
      this.messages.push(`error ${verb} line ${line} (1-based): ${error.message}`)
    }
  }

  private outcome(): Ingested {
    const batches = [...this.batches.values()]
    const common = { batches, lines: this.accepted, values: this.values, undo: () => this.undo() }
    const refused = this.limits(batches) ?? this.retention(batches)
    const rejected =
      this.rejected === 0
        ? undefined
        : { first: this.firstRejected, count: this.rejected, messages: this.messages }
    return { ...common, refused, rejected }
  }

  private limits(batches: TableBatch[]): Ingested['refused'] {
    const { database } = this
    const invalid = (message: string) => ({
      kind: 'invalid' as const,
      message: `dml handler error: service limit reached: ${message}`,
    })
    const created = batches.filter((batch) => batch.before.created).length
    const tables = database.tables.size
    if (created > 0 && tables > database.maxTables)
      return invalid(
        `couldn't create new table; namespace contains ${tables - created} existing tables, ` +
          `applying this write would result in ${tables} tables, limit is ${database.maxTables}`,
      )
    for (const { table, before } of batches) {
      const existing = before.tags + before.fields + 1
      const columns = columnCount(table)
      if (columns > existing && columns > table.maxColumns)
        return invalid(
          `couldn't create columns in table \`${table.name}\`; table contains ${before.created ? 0 : existing} existing columns, ` +
            `applying this write would result in ${columns} columns, limit is ${table.maxColumns}`,
        )
    }
    return undefined
  }

  private retention(batches: TableBatch[]): Ingested['refused'] {
    const { retentionPeriod } = this.database
    if (retentionPeriod === 0n) return undefined
    const oldest = this.options.now - retentionPeriod
    for (const { table, rows, times } of batches) {
      const observed = new BigInt64Array(times.buffer, 0, rows).reduce((a, b) => (a < b ? a : b))
      if (observed < oldest)
        return {
          kind: 'retention',
          message:
            `dml handler error: data in table ${table.name} is outside of the retention period: minimum acceptable ` +
            `timestamp is ${formatRfc3339(oldest)}, but observed timestamp ${formatRfc3339(observed)} is older.`,
        }
    }
    return undefined
  }

  private undo(): void {
    for (const key of this.addedKeys) this.database.seriesByKey.delete(key)
    for (const { table, key } of this.addedSeries) table.series.delete(key)
    for (const { table, before } of this.batches.values()) {
      if (before.created) this.database.tables.delete(table.name)
      for (const column of [...table.tags.splice(before.tags), ...table.fields.splice(before.fields)])
        table.columns.delete(column.name)
      table.lastFields.length = 0
    }
  }
}

/** Refused by the schema rather than by the grammar. */
class WriteError extends LineError {
  readonly conflict: { name: string; kind: ColumnKind; existing: ColumnKind } | undefined
  constructor(message: string, conflict?: { name: string; kind: ColumnKind; existing: ColumnKind }) {
    super(message)
    this.conflict = conflict
  }
}

class OverflowError extends LineError {}

/** What builds before partial writes answered: the cause of the first bad line, not its number. */
function withoutLine(error: LineError): string {
  if (error instanceof OverflowError) return 'failed to parse line protocol: timestamp overflows i64'
  if (!(error instanceof WriteError) || error.conflict === undefined)
    return `failed to parse line protocol: ${error.message}`
  const { name, kind, existing } = error.conflict
  return `dml handler error: schema conflict: column ${name} is type ${columnType(existing)} but write has type ${columnType(kind)}`
}

function conflict(kind: ColumnKind, name: string, existing: ColumnKind): string {
  return `Unable to insert ${columnType(kind)} type into column ${name} with type ${columnType(existing)}`
}

function checkTags({ measurement, tags }: ParsedSeries, table: Table): void {
  if (tags.some(([key]) => key === 'time'))
    throw new WriteError(`input tag "time" on measurement "${measurement}" is invalid`)
  const seen = new Set<string>()
  for (const [key] of tags) {
    if (seen.has(key))
      throw new WriteError(`the tag '${key}' is specified more than once with conflicting values`)
    seen.add(key)
    const existing = table.columns.get(key)
    if (existing !== undefined && existing.kind !== 'tag')
      throw new WriteError(conflict('tag', key, existing.kind), {
        name: key,
        kind: 'tag',
        existing: existing.kind,
      })
  }
}
