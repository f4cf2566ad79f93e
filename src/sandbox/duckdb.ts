/** DuckDB, loaded only when a sandbox starts: it is an optional dependency and slow to load. */
import type * as duckdbModule from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { ExitCode, Failure } from '../core/failure.ts'

export type DuckDb = typeof duckdbModule

/** @throws Failure `sandbox/duckdb-missing` */
export async function loadDuckDb(): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api')
  } catch (error) {
    throw new Failure('sandbox/duckdb-missing', 'the sandbox needs DuckDB, which is not installed', {
      remedy: 'npm install @duckdb/node-api',
      exit: ExitCode.failed,
      cause: error,
    })
  }
}

/** Runs `work` in a transaction; rolls back and rethrows when it fails. */
export async function transaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN')
  try {
    const result = await work()
    await connection.run('COMMIT')
    return result
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

export async function allRows(
  connection: DuckDBConnection,
  sql: string,
  values: DuckDBValue[] = [],
): Promise<DuckDBValue[][]> {
  return (await connection.runAndReadAll(sql, values)).getRows()
}
