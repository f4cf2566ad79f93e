import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { allRows } from './duckdb.ts'
import {
  addColumn,
  newTable,
  tagSetKey,
  type ColumnKind,
  type Database,
  type Grant,
  type Table,
  type Token,
} from './schema.ts'

/** Reads back what an earlier sandbox kept in its folder. Returns the highest id in use. */
export async function loadCatalog(
  connection: DuckDBConnection,
  databases: Database[],
  tokens: Token[],
): Promise<number> {
  for (const row of await allRows(connection, 'SELECT * FROM databases ORDER BY id')) {
    const [id, name, retentionPeriod, maxTables, maxColumns, template, deletedAt] = row
    databases.push({
      id: Number(id),
      name: text(name),
      retentionPeriod: BigInt(retentionPeriod as bigint),
      maxTables: Number(maxTables),
      maxColumns: Number(maxColumns),
      partitionTemplate: template === null ? undefined : (JSON.parse(text(template)) as unknown),
      tables: new Map(),
      seriesByKey: new Map(),
      deletedAt: milliseconds(deletedAt),
    })
  }
  let highest = Math.max(0, ...databases.map(({ id }) => id))
  for (const row of await allRows(connection, 'SELECT * FROM tables ORDER BY id')) {
    const [id, databaseId, name, maxColumns, deletedAt] = row
    highest = Math.max(highest, Number(id))
    const database = databases.find((candidate) => candidate.id === Number(databaseId))
    if (database === undefined || deletedAt !== null) continue
    const table = newTable(Number(id), text(name), Number(maxColumns))
    await loadTable(connection, table)
    database.tables.set(table.name, table)
  }
  for (const row of await allRows(connection, 'SELECT * FROM tokens ORDER BY created_at')) {
    const [id, description, permissions, hash, createdAt, expiresAt, revokedAt] = row
    tokens.push({
      id: text(id),
      description: text(description),
      permissions: JSON.parse(text(permissions)) as Grant[],
      hash: text(hash),
      createdAt: Number(createdAt),
      expiresAt: milliseconds(expiresAt),
      revokedAt: milliseconds(revokedAt),
    })
  }
  return highest
}

async function loadTable(connection: DuckDBConnection, table: Table): Promise<void> {
  // What was written before is not looked through for repeated rows: queries merge from here on.
  table.newest = undefined
  const columns = 'SELECT name, kind FROM columns WHERE table_id = $1 ORDER BY place'
  for (const [name, kind] of await allRows(connection, columns, [table.id]))
    addColumn(table, text(name), text(kind) as ColumnKind)
  const names = table.tags.map(({ place }) => `, c${place}`).join('')
  for (const [id, ...values] of await allRows(connection, `SELECT series${names} FROM s${table.id}`)) {
    const tags = table.tags.flatMap(({ name, place }): [string, string][] => {
      const value = values[place]
      return typeof value === 'string' ? [[name, value]] : []
    })
    table.series.set(tagSetKey(tags), Number(id))
  }
}

const text = (value: DuckDBValue | undefined) => value as string
const milliseconds = (value: DuckDBValue | undefined) => (value === null ? undefined : Number(value))
