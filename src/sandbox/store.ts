/** The sandbox's data and catalog in DuckDB: in memory, or in one file that outlives the process. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api'
import { Failure, messageOf } from '../core/failure.ts'
import { appendRows, appendSeries, sqlType } from './append.ts'
import type { TableBatch } from './batch.ts'
import { allRows, loadDuckDb, transaction, type DuckDb } from './duckdb.ts'
import { loadCatalog } from './load-catalog.ts'
import { trackNewest } from './newest.ts'
import type { Database, Table, Token } from './schema.ts'

const CATALOG = `
CREATE TABLE IF NOT EXISTS databases(id INTEGER, name VARCHAR, retention_period BIGINT, max_tables INTEGER,
  max_columns INTEGER, partition_template VARCHAR, deleted_at BIGINT);
CREATE TABLE IF NOT EXISTS tables(id INTEGER, database_id INTEGER, name VARCHAR, max_columns INTEGER, deleted_at BIGINT);
CREATE TABLE IF NOT EXISTS columns(table_id INTEGER, place INTEGER, name VARCHAR, kind VARCHAR);
CREATE TABLE IF NOT EXISTS tokens(id VARCHAR, description VARCHAR, permissions VARCHAR, hash VARCHAR,
  created_at BIGINT, expires_at BIGINT, revoked_at BIGINT);
CREATE TABLE IF NOT EXISTS settings(name VARCHAR, value VARCHAR);`

/**
 * One DuckDB table a measurement for its rows (`r<id>`: series, time, a column a field) and one for its tag sets
 * (`s<id>`). Rows are only ever appended, in the order in which bodies were accepted; queries take, for each series
 * and time, each field's last value by row id. Changes are made one after another, by {@link exclusively}.
 */
export class Store {
  readonly databases: Database[] = []
  readonly tokens: Token[] = []
  private lastId = 0
  private queue: Promise<unknown> = Promise.resolve()
  private readonly duckdb: DuckDb
  private readonly instance: DuckDBInstance
  private readonly writer: DuckDBConnection

  private constructor(duckdb: DuckDb, instance: DuckDBInstance, writer: DuckDBConnection) {
    this.duckdb = duckdb
    this.instance = instance
    this.writer = writer
  }

  /** Opens `dir` (made when missing), or memory. @throws Failure `sandbox/duckdb-missing`, `sandbox/cannot-open` */
  static async open(dir: string | undefined): Promise<Store> {
    const duckdb = await loadDuckDb()
    try {
      if (dir !== undefined) await mkdir(dir, { recursive: true, mode: 0o700 })
      const path = dir === undefined ? ':memory:' : join(dir, 'cluster.duckdb')
      const instance = await duckdb.DuckDBInstance.create(path, { threads: '2' })
      const store = new Store(duckdb, instance, await instance.connect())
      await store.writer.run("SET checkpoint_threshold = '256MB'")
      await store.writer.run(CATALOG)
      store.lastId = await loadCatalog(store.writer, store.databases, store.tokens)
      return store
    } catch (error) {
      throw new Failure('sandbox/cannot-open', `cannot open the sandbox's data: ${messageOf(error)}`, {
        ...(dir !== undefined && { where: dir }),
        remedy: 'Stop the sandbox that uses this folder, or give another one with --dir.',
        cause: error,
      })
    }
  }

  close(): void {
    this.writer.closeSync()
    this.instance.closeSync()
  }

  connect(): Promise<DuckDBConnection> {
    return this.instance.connect()
  }

  nextId(): number {
    return ++this.lastId
  }

  /** Runs `work` when everything asked for before has ended. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work)
    this.queue = turn.catch(() => undefined)
    return turn
  }

  /** Databases that are not deleted. */
  find(name: string): Database | undefined {
    return this.databases.find((database) => database.deletedAt === undefined && database.name === name)
  }

  /** Writes what a body held: when this resolves, it outlives a kill. */
  async write(database: Database, batches: TableBatch[]): Promise<void> {
    // Before the commit: a query in between would otherwise not merge what repeats.
    for (const batch of batches) trackNewest(batch.table, batch)
    await transaction(this.writer, async () => {
      for (const batch of batches) {
        await this.alter(database, batch)
        await appendSeries(this.duckdb, this.writer, batch)
        await appendRows(this.duckdb, this.writer, batch)
      }
    })
  }

  async saveDatabase(database: Database): Promise<void> {
    const row = [
      database.id,
      database.name,
      database.retentionPeriod,
      database.maxTables,
      database.maxColumns,
      database.partitionTemplate === undefined ? null : JSON.stringify(database.partitionTemplate),
      big(database.deletedAt),
    ]
    await transaction(this.writer, () => this.replace('databases', String(database.id), row))
    if (!this.databases.includes(database)) this.databases.push(database)
  }

  /** Keeps a table that was made, renamed or deleted without a write. */
  saveTable(database: Database, table: Table): Promise<void> {
    return transaction(this.writer, () => this.createTable(database, table))
  }

  private async createTable(database: Database, table: Table): Promise<void> {
    await this.writer.run(
      `CREATE TABLE IF NOT EXISTS r${table.id}(series INTEGER, "time" BIGINT);
       CREATE TABLE IF NOT EXISTS s${table.id}(series INTEGER)`,
    )
    const row = [table.id, database.id, table.name, table.maxColumns, big(table.deletedAt)]
    await this.replace('tables', String(table.id), row)
  }

  async saveToken(token: Token): Promise<void> {
    const { id, description, permissions, hash, createdAt, expiresAt, revokedAt } = token
    const row = [
      id,
      description,
      JSON.stringify(permissions),
      hash,
      BigInt(createdAt),
      big(expiresAt),
      big(revokedAt),
    ]
    await transaction(this.writer, () => this.replace('tokens', id, row))
    if (!this.tokens.includes(token)) this.tokens.push(token)
  }

  /** A value kept under `name`; `make` gives it the first time. */
  async setting(name: string, make: () => string): Promise<string> {
    const rows = await allRows(this.writer, 'SELECT value FROM settings WHERE name = $1', [name])
    const known = rows[0]?.[0]
    if (typeof known === 'string') return known
    const value = make()
    await this.writer.run('INSERT INTO settings VALUES ($1, $2)', [name, value])
    return value
  }

  private async alter(database: Database, { table, before }: TableBatch): Promise<void> {
    if (before.created) await this.createTable(database, table)
    const added = [...table.tags.slice(before.tags), ...table.fields.slice(before.fields)]
    for (const { kind, place, name } of added) {
      const target = kind === 'tag' ? 's' : 'r'
      await this.writer.run(`ALTER TABLE ${target}${table.id} ADD COLUMN c${place} ${sqlType(kind)}`)
      await this.writer.run('INSERT INTO columns VALUES ($1, $2, $3, $4)', [table.id, place, name, kind])
    }
  }

  private async replace(table: string, id: string, row: DuckDBValue[]): Promise<void> {
    await this.writer.run(`DELETE FROM ${table} WHERE CAST(id AS VARCHAR) = $1`, [id])
    await this.writer.run(`INSERT INTO ${table} VALUES (${row.map((_, i) => `$${i + 1}`).join(', ')})`, row)
  }
}

const big = (milliseconds: number | undefined) => (milliseconds === undefined ? null : BigInt(milliseconds))
