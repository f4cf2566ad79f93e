/** What the sandbox knows of its databases, in memory; `store.ts` keeps the same in DuckDB. */

export type ColumnKind = 'tag' | 'float' | 'integer' | 'unsigned' | 'string' | 'boolean'

export interface Column {
  /** Position in its DuckDB table (`c<place>`): tags in the series table, fields in the rows table. */
  place: number
  name: string
  kind: ColumnKind
}

export interface Series {
  table: Table
  /** Row of the series table. */
  id: number
}

/** A measurement: all its series, and one column for each tag and field. */
export interface Table {
  id: number
  name: string
  /** Fixed when the table is created: raising the database's limit later does not reach it. */
  maxColumns: number
  columns: Map<string, Column>
  /** In the order of their DuckDB columns. */
  tags: Column[]
  fields: Column[]
  /** By canonical tag set. */
  series: Map<string, number>
  /** Newest time of each series, while every write has been newer than the last: no row can repeat another. */
  newest: BigInt64Array | undefined
  /** Columns in the order in which the last line had them: the next line most likely has the same. */
  lastFields: Column[]
  deletedAt: number | undefined
}

export interface Database {
  id: number
  name: string
  /** Nanoseconds; `0n` is infinite. */
  retentionPeriod: bigint
  maxTables: number
  maxColumns: number
  partitionTemplate: unknown
  tables: Map<string, Table>
  /** Series by the raw bytes of a line's series key (latin1): most lines are answered from here. */
  seriesByKey: Map<string, Series>
  deletedAt: number | undefined
}

export interface Grant {
  action: 'read' | 'write'
  /** A database's name or `*`. Bound by name, as documented: renaming a database does not carry its tokens along. */
  resource: string
}

export interface Token {
  id: string
  description: string
  permissions: Grant[]
  /** Hex SHA-256 of the token; the token itself is shown once and not kept. */
  hash: string
  /** Milliseconds since the epoch, as are the others. */
  createdAt: number
  expiresAt: number | undefined
  revokedAt: number | undefined
}

export function newTable(id: number, name: string, maxColumns: number): Table {
  return {
    id,
    name,
    maxColumns,
    columns: new Map(),
    tags: [],
    fields: [],
    series: new Map(),
    newest: new BigInt64Array(64).fill(-(2n ** 63n)),
    lastFields: [],
    deletedAt: undefined,
  }
}

/** Adds a column to the table. The caller has checked that the name is free. */
export function addColumn(table: Table, name: string, kind: ColumnKind): Column {
  const siblings = kind === 'tag' ? table.tags : table.fields
  const column = { place: siblings.length, name, kind }
  siblings.push(column)
  table.columns.set(name, column)
  return column
}

/** One text for one tag set, whatever the order its tags were written in. */
export function tagSetKey(tags: readonly (readonly [string, string])[]): string {
  if (tags.length === 0) return ''
  const sorted = tags.length === 1 ? tags : [...tags].sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(sorted)
}

/** How the cluster's messages name a column's type. */
export function columnType(kind: ColumnKind | 'time'): string {
  if (kind === 'tag') return 'iox::column_type::tag'
  return kind === 'time' ? 'iox::column_type::timestamp' : `iox::column_type::field::${kind}`
}

/** `time` is a column as well. */
export const columnCount = (table: Table) => table.columns.size + 1
