/** The accepted lines of one body, column by column, ready for DuckDB. */
import type { Column, ColumnKind, Table } from './schema.ts'

/** Growing values of one field; absent rows have their bit unset. */
export class FieldValues {
  readonly column: Column
  /** Floats. */
  doubles = new Float64Array(0)
  /** Integers and unsigned integers, as low and high halves side by side. */
  halves = new Int32Array(0)
  booleans = new Uint8Array(0)
  strings: (string | undefined)[] = []
  /** One bit a row. */
  present = new Uint32Array(0)
  private capacity = 0

  constructor(column: Column) {
    this.column = column
  }

  reserve(rows: number): void {
    if (rows <= this.capacity) return
    this.capacity = Math.max(2048, 2 ** Math.ceil(Math.log2(rows)))
    const kind: ColumnKind = this.column.kind
    if (kind === 'float') this.doubles = grown(this.doubles, new Float64Array(this.capacity))
    else if (kind === 'boolean') this.booleans = grown(this.booleans, new Uint8Array(this.capacity))
    else if (kind !== 'string') this.halves = grown(this.halves, new Int32Array(2 * this.capacity))
    // Two words of slack: DuckDB reads the bits in 64-bit words.
    this.present = grown(this.present, new Uint32Array(this.capacity / 32 + 2))
  }
}

export class TableBatch {
  readonly table: Table
  rows = 0
  series = new Int32Array(2048)
  /** Low and high halves side by side. */
  times = new Int32Array(4096)
  /** By the column's place; a hole where this body does not have the field. */
  readonly fields: (FieldValues | undefined)[] = []
  /** Series that this body adds: id, and the value of each tag column by place. */
  readonly newSeries: { id: number; values: (string | undefined)[] }[] = []
  /** What the table had before this body, for DuckDB's DDL and for taking back a refused body. */
  readonly before: { tags: number; fields: number; created: boolean }

  constructor(table: Table, created: boolean) {
    this.table = table
    this.before = { tags: table.tags.length, fields: table.fields.length, created }
  }

  /** Starts a row and returns its number. */
  addRow(series: number, low: number, high: number): number {
    const row = this.rows
    if (row === this.series.length) {
      this.series = grown(this.series, new Int32Array(2 * row))
      this.times = grown(this.times, new Int32Array(4 * row))
    }
    this.series[row] = series
    this.times[2 * row] = low
    this.times[2 * row + 1] = high
    this.rows = row + 1
    return row
  }

  /** The values of `column`, with room for `row`. */
  valuesOf(column: Column, row: number): FieldValues {
    const values = (this.fields[column.place] ??= new FieldValues(column))
    values.reserve(row + 1)
    return values
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
