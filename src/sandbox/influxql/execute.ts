/** Runs parsed statements and yields their answers piece by piece, so that a large one is never held as a whole. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import type { Select, Statement } from './ast.ts'
import { tablesOf, type Piece, type QueryContext } from './context.ts'
import { fillWindows, type WindowRow } from './fill.ts'
import { valueJson } from './json.ts'
import { compileSelect, type Compiled } from './select.ts'
import { showAnswers } from './show.ts'

/** @throws QueryError */
export async function* answer(statement: Statement, context: QueryContext): AsyncGenerator<Piece> {
  if (statement.kind === 'show') {
    yield* showAnswers(statement, context)
    return
  }
  for (const { database, table } of tablesOf(statement.sources, context)) {
    const compiled = compileSelect(statement, database, table, context.now)
    if (compiled !== undefined) yield* selected(statement, table.name, compiled, context)
  }
}

async function* selected(
  select: Select,
  name: string,
  compiled: Compiled,
  context: QueryContext,
): AsyncGenerator<Piece> {
  const groups = await groupsOf(compiled, context.connection)
  const { columns, windows } = compiled
  let group: number | undefined
  let rows: WindowRow[] = []
  let skipped = 0
  let shown = 0
  const start = (next: number): Piece => {
    group = next
    skipped = 0
    shown = 0
    return { kind: 'series', name, tags: groups.get(next), columns }
  }
  const row = (time: bigint, cells: string[]): Piece[] => {
    if (skipped < select.offset) {
      skipped += 1
      return []
    }
    if (select.limit !== undefined && shown >= select.limit) return []
    shown += 1
    return [{ kind: 'row', json: `[${context.formatTime(time)},${cells.join(',')}]` }]
  }
  const windowsDone = () => {
    const filled = windows === undefined ? rows : fillWindows(rows, windows, select.descending)
    rows = []
    return filled.flatMap(({ time, cells }) => row(time, cells))
  }
  for await (const [grp, time, ...cells] of rowsOf(context.connection, compiled.sql)) {
    if (grp !== group) {
      yield* windowsDone()
      yield start(grp as number)
    }
    const texts = cells.map(valueJson)
    if (windows === undefined) yield* row(time as bigint, texts)
    else rows.push({ time: time as bigint, cells: texts })
  }
  yield* windowsDone()
}

async function groupsOf(
  { groupsSql, groupTags }: Compiled,
  connection: DuckDBConnection,
): Promise<Map<number, Record<string, string> | undefined>> {
  const groups = new Map<number, Record<string, string> | undefined>()
  for await (const [grp, ...values] of rowsOf(connection, groupsSql)) {
    const tags = groupTags.map((tag, i) => [tag, values[i] as string] as const)
    groups.set(Number(grp), groupTags.length === 0 ? undefined : Object.fromEntries(tags))
  }
  return groups
}

async function* rowsOf(connection: DuckDBConnection, sql: string): AsyncGenerator<DuckDBValue[]> {
  const result = await connection.stream(sql)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const [first, ...rest] = chunk.getRows()
    if (first) yield normal(first)
    for (const row of rest) yield normal(row)
  }
}

/** Group numbers come as bigint from a window function and as number from a literal. */
function normal(row: DuckDBValue[]): DuckDBValue[] {
  row[0] = Number(row[0])
  return row
}
