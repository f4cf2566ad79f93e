/** Changes a sandbox's store by hand, as no API could: the sandbox keeps it in a folder, and is stopped meanwhile. */
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

export class SandboxStore {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  /** Opens the store of a sandbox that does not run, changes it and closes it. */
  static async change(dir: string, work: (store: SandboxStore) => Promise<void>): Promise<void> {
    const instance = await DuckDBInstance.create(join(dir, 'cluster.duckdb'))
    const store = new SandboxStore(instance, await instance.connect())
    try {
      await work(store)
    } finally {
      store.#connection.closeSync()
      store.#instance.closeSync()
    }
  }

  /** Sets a field of one row, by the row's place in time; `NULL` deletes the point. */
  async set(database: string, measurement: string, field: string, row: number, sql: string): Promise<void> {
    const { table, column } = await this.#find(database, measurement, field)
    await this.#connection.run(
      `UPDATE ${table} SET ${column} = ${sql} WHERE rowid = (SELECT rowid FROM ${table} WHERE ${column} IS NOT NULL ORDER BY "time", series OFFSET ${row} LIMIT 1)`,
    )
  }

  /** Puts another row beside one: the same field twice, the second time a nanosecond later. */
  async repeatLater(database: string, measurement: string, field: string, row: number): Promise<void> {
    const { table, column } = await this.#find(database, measurement, field)
    await this.#connection.run(
      `INSERT INTO ${table} BY NAME SELECT series, "time" + 1 AS "time", ${column} FROM ${table} WHERE ${column} IS NOT NULL ORDER BY "time", series OFFSET ${row} LIMIT 1`,
    )
  }

  /** Gives a field another type. */
  async retype(
    database: string,
    measurement: string,
    field: string,
    kind: string,
    sqlType: string,
  ): Promise<void> {
    const { table, id, column, place } = await this.#find(database, measurement, field)
    await this.#connection.run(`ALTER TABLE ${table} ALTER ${column} TYPE ${sqlType}`)
    await this.#connection.run(
      `UPDATE columns SET kind = '${kind}' WHERE table_id = ${id} AND place = ${place} AND kind <> 'tag'`,
    )
  }

  async #find(database: string, measurement: string, field: string) {
    const found = await this.#connection.runAndReadAll(
      `SELECT t.id, c.place FROM tables t JOIN databases d ON t.database_id = d.id JOIN columns c ON c.table_id = t.id
       WHERE d.name = $1 AND t.name = $2 AND c.name = $3 AND c.kind <> 'tag'`,
      [database, measurement, field],
    )
    const [id, place] = found.getRows()[0] ?? []
    if (id === undefined) throw new Error(`the store has no ${database} ${measurement} ${field}`)
    return { id: Number(id), place: Number(place), table: `r${Number(id)}`, column: `c${Number(place)}` }
  }
}
