/** Runs parsed statements and yields their answers piece by piece, so that a large one is never held as a whole. */
import type { DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { QueryError, type Select, type Statement } from './ast.ts'
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
  const sources = tablesOf(statement.sources, context)
  const tables = sources.map(({ table }) => table)
  for (const { database, table } of sources) {
    const started = await context.exclusively(async () => {
      const compiled = compileSelect(statement, database, table, tables, context.now)
      if (compiled === undefined) return undefined
      await expectWithinLimit(compiled, context)
      const groups = await groupsOf(compiled, context.connection)
      return { compiled, groups, rows: await context.connection.stream(compiled.sql) }
    })
    if (started !== undefined) yield* selected(statement, table.name, started, context)
  }
}

/** As a 1.x server with `max-select-point` refuses; a cluster has limits of its own (partitions, files). */
async function expectWithinLimit(
  { pointsSql }: Compiled,
  { connection, pointLimit }: QueryContext,
): Promise<void> {
  if (pointLimit === undefined) return
  const points = Number((await connection.runAndReadAll(pointsSql)).getRows()[0]?.[0] ?? 0)
  if (points > pointLimit) throw new QueryError(`max-select-point limit exceeed: (${points}/${pointLimit})`)
}

interface Started {
  compiled: Compiled
  groups: Map<number, Record<string, string> | undefined>
  rows: DuckDBResult
}

async function* selected(
  select: Select,
  name: string,
  { compiled: { columns, windows }, groups, rows: result }: Started,
  context: QueryContext,
): AsyncGenerator<Piece> {
  const page = new Page(select, context.formatTime)
  let group: number | undefined
  let rows: WindowRow[] = []
  const endGroup = (): Piece[] => {
    if (windows !== undefined)
      for (const { time, cells } of fillWindows(rows, windows, select.descending)) page.add(time, cells)
    rows = []
    return page.take()
  }
  for await (const chunk of chunksOf(result)) {
    for (const [grp, time, ...cells] of chunk) {
      // Group numbers come as bigint from a window function, as number from a literal.
      if (Number(grp) !== group) {
        yield* endGroup()
        group = Number(grp)
        page.restart()
        yield { kind: 'series', name, tags: groups.get(group), columns }
      }
      const texts = cells.map(valueJson)
      if (windows === undefined) page.add(time as bigint, texts)
      else rows.push({ time: time as bigint, cells: texts })
    }
    yield* page.take()
  }
  yield* endGroup()
}

/** LIMIT and OFFSET of one series, and its rows not handed on yet. */
class Page {
  private rows: string[] = []
  private skipped = 0
  private shown = 0
  private readonly select: Select
  private readonly formatTime: QueryContext['formatTime']

  constructor(select: Select, formatTime: QueryContext['formatTime']) {
    this.select = select
    this.formatTime = formatTime
  }

  restart(): void {
    this.skipped = 0
    this.shown = 0
  }

  add(time: bigint, cells: string[]): void {
    if (this.skipped < this.select.offset) this.skipped += 1
    else if (this.select.limit === undefined || this.shown < this.select.limit) {
      this.shown += 1
      this.rows.push(`[${this.formatTime(time)},${cells.join(',')}]`)
    }
  }

  take(): Piece[] {
    if (this.rows.length === 0) return []
    const json = this.rows
    this.rows = []
    return [{ kind: 'rows', json }]
  }
}

async function groupsOf(
  { groupsSql, groupTags }: Compiled,
  connection: DuckDBConnection,
): Promise<Map<number, Record<string, string> | undefined>> {
  const groups = new Map<number, Record<string, string> | undefined>()
  for await (const chunk of chunksOf(await connection.stream(groupsSql))) {
    for (const [grp, ...values] of chunk) {
      const tags = groupTags.map((tag, i) => [tag, values[i] as string] as const)
      groups.set(Number(grp), groupTags.length === 0 ? undefined : Object.fromEntries(tags))
    }
  }
  return groups
}

async function* chunksOf(result: DuckDBResult): AsyncGenerator<DuckDBValue[][]> {
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    yield chunk.getRows()
  }
}
