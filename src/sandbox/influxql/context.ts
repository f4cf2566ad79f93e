/** What statements are answered with, and the databases and measurements they may name. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Database, Table } from '../schema.ts'
import type { Source } from './ast.ts'

export type Piece =
  | { kind: 'series'; name: string | undefined; tags: Record<string, string> | undefined; columns: string[] }
  /** Rows, each a JSON array. */
  | { kind: 'rows'; json: string[] }

export interface QueryContext {
  connection: DuckDBConnection
  /**
   * Keeps writes away while `work` looks at the schema and starts its query: a write adds its columns to the schema
   * before DuckDB has them.
   */
  exclusively: <T>(work: () => Promise<T>) => Promise<T>
  /** The database of the request, whatever a statement says; `undefined` when it names none. */
  database: string | undefined
  /** Finds a database the token may read. @throws QueryError `Database x not found` */
  find: (name: string | undefined) => Database
  /** Nanoseconds. */
  now: bigint
  formatTime: (time: bigint) => string
  /** Points that a SELECT may look at; `undefined`: as many as there are. */
  pointLimit: number | undefined
}

/** The measurements that FROM names, in the order of their names. */
export function tablesOf(
  sources: readonly Source[],
  context: QueryContext,
): { database: Database; table: Table }[] {
  const found = new Map<Table, Database>()
  for (const { database: db, retentionPolicy, measurement } of sources) {
    const database = context.find(databaseName(db ?? context.database, retentionPolicy))
    for (const table of database.tables.values()) {
      const matches =
        typeof measurement === 'string' ? table.name === measurement : measurement.test(table.name)
      if (matches) found.set(table, database)
    }
  }
  const tables = [...found].map(([table, database]) => ({ database, table }))
  return tables.sort((a, b) => Buffer.compare(Buffer.from(a.table.name), Buffer.from(b.table.name)))
}

/** `FROM db.rp.m` reads `db/rp`, but `db` where the policy is `autogen` or `default`. */
function databaseName(database: string | undefined, retentionPolicy: string | undefined): string | undefined {
  const none = retentionPolicy === undefined || retentionPolicy === 'autogen' || retentionPolicy === 'default'
  return database === undefined || none ? database : `${database}/${retentionPolicy}`
}
