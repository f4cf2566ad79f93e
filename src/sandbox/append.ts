/** Columns into DuckDB data chunks: whole typed arrays are copied, no value passes through a JavaScript object. */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType, DuckDBVector } from '@duckdb/node-api'
import type { FieldValues, TableBatch } from './batch.ts'
import type { DuckDb } from './duckdb.ts'
import type { ColumnKind } from './schema.ts'

/** Rows of one DuckDB vector. */
const CHUNK = 2048

/** The parts of node-api's vectors that its types keep private: setting items one by one is ten times slower. */
interface VectorInside {
  items: { set(values: ArrayLike<number> | ArrayLike<bigint>): void }
  dataView: DataView
  validity: { data: BigUint64Array | null }
}

/** DuckDB's type of a column. */
export function sqlType(kind: ColumnKind): string {
  const types: Record<ColumnKind, string> = {
    tag: 'VARCHAR',
    string: 'VARCHAR',
    float: 'DOUBLE',
    integer: 'BIGINT',
    unsigned: 'UBIGINT',
    boolean: 'BOOLEAN',
  }
  return types[kind]
}

/** Appends a batch's rows. Runs inside the caller's transaction; the table has all columns already. */
export async function appendRows(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  batch: TableBatch,
): Promise<void> {
  const { table, rows } = batch
  const times = new BigInt64Array(batch.times.buffer, 0, rows)
  const types = [duckdb.INTEGER, duckdb.BIGINT, ...table.fields.map(({ kind }) => typeOf(duckdb, kind))]
  const appender = await connection.createAppender(`r${table.id}`)
  for (let from = 0; from < rows; from += CHUNK) {
    const count = Math.min(CHUNK, rows - from)
    const chunk = duckdb.DuckDBDataChunk.create(types, count)
    fill(chunk, 0, batch.series.subarray(from, from + count))
    fill(chunk, 1, times.subarray(from, from + count))
    for (const { place } of table.fields)
      fillField(chunk.getColumnVector(place + 2), batch.fields[place], from, count)
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

/** Appends a batch's new series to the table of tag sets. */
export async function appendSeries(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  { table, newSeries }: TableBatch,
): Promise<void> {
  if (newSeries.length === 0) return
  const types: DuckDBType[] = [duckdb.INTEGER, ...table.tags.map(() => duckdb.VARCHAR)]
  const appender = await connection.createAppender(`s${table.id}`)
  for (let from = 0; from < newSeries.length; from += CHUNK) {
    const part = newSeries.slice(from, from + CHUNK)
    const chunk = duckdb.DuckDBDataChunk.create(types, part.length)
    fill(
      chunk,
      0,
      part.map(({ id }) => id),
    )
    for (const { place } of table.tags)
      chunk.setColumnValues(
        place + 1,
        part.map(({ values }) => values[place] ?? null),
      )
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

function fill(chunk: DuckDBDataChunk, index: number, values: ArrayLike<number> | BigInt64Array): void {
  const vector = chunk.getColumnVector(index)
  inside(vector).items.set(values)
  vector.flush()
}

function fillField(vector: DuckDBVector, values: FieldValues | undefined, from: number, count: number): void {
  const present = new BigUint64Array(CHUNK / 64)
  if (values !== undefined) {
    const bits = values.present.subarray(from / 32, from / 32 + CHUNK / 32)
    new Uint32Array(present.buffer).set(bits)
    copyValues(vector, values, from, count)
  }
  inside(vector).validity.data = present.subarray(0, Math.ceil(count / 64))
  vector.flush()
}

function copyValues(vector: DuckDBVector, values: FieldValues, from: number, count: number): void {
  const { items, dataView } = inside(vector)
  // A batch's arrays end at its last row that has the field; what lies behind is absent by its bits.
  switch (values.column.kind) {
    case 'float':
      items.set(values.doubles.subarray(from, from + count))
      break
    case 'integer':
      items.set(new BigInt64Array(values.halves.buffer).subarray(from, from + count))
      break
    case 'unsigned':
      items.set(new BigUint64Array(values.halves.buffer).subarray(from, from + count))
      break
    case 'boolean':
      new Uint8Array(dataView.buffer, dataView.byteOffset, count).set(
        values.booleans.subarray(from, from + count),
      )
      break
    default:
      for (let row = 0; row < count; row += 1) {
        const text = values.strings[from + row]
        if (text !== undefined) vector.setItem(row, text)
      }
  }
}

const inside = (vector: DuckDBVector) => vector as unknown as VectorInside

function typeOf(duckdb: DuckDb, kind: ColumnKind): DuckDBType {
  const types: Record<ColumnKind, DuckDBType> = {
    tag: duckdb.VARCHAR,
    string: duckdb.VARCHAR,
    float: duckdb.DOUBLE,
    integer: duckdb.BIGINT,
    unsigned: duckdb.UBIGINT,
    boolean: duckdb.BOOLEAN,
  }
  return types[kind]
}
