import type { Table } from '../schema.ts'
import { QueryError, type Show } from './ast.ts'
import { conditionSql, splitTime, timeSql } from './conditions.ts'
import { tablesOf, type Piece, type QueryContext } from './context.ts'

const DAY = 86_400_000_000_000n

/** @throws QueryError */
export async function* showAnswers(show: Show, context: QueryContext): AsyncGenerator<Piece> {
  const scope = { ...context, database: show.database ?? context.database }
  if (show.what === 'retention policies') {
    scope.find(scope.database)
    const columns = ['name', 'duration', 'shardGroupDuration', 'replicaN', 'default']
    yield { kind: 'series', name: undefined, tags: undefined, columns }
    yield { kind: 'rows', json: ['["autogen","0s","168h0m0s",1,true]'] }
    return
  }
  if (show.where !== undefined && show.what !== 'tag values')
    throw new QueryError(`not supported: SHOW ${show.what.toUpperCase()} with WHERE`)
  const everything = [{ database: undefined, retentionPolicy: undefined, measurement: /^/u }]
  const tables = tablesOf(show.sources.length === 0 ? everything : show.sources, scope).map(
    ({ table }) => table,
  )
  if (show.what === 'measurements') {
    const names = tables.map(({ name }) => name).filter((name) => wanted(show.keys, name))
    yield* block(
      'measurements',
      ['name'],
      page(
        show,
        names.map((name) => [name]),
      ),
    )
    return
  }
  for (const table of tables) {
    if (show.what === 'field keys') {
      const fields = table.fields.map(({ name, kind }) => [name, kind])
      yield* block(table.name, ['fieldKey', 'fieldType'], page(show, sorted(fields)))
    } else if (show.what === 'tag keys') {
      yield* block(table.name, ['tagKey'], page(show, sorted(table.tags.map(({ name }) => [name]))))
    } else
      yield* block(
        table.name,
        ['key', 'value'],
        page(show, await context.exclusively(() => tagValues(show, table, context))),
      )
  }
}

/** As documented, without a time only the last day is looked at. */
async function tagValues(show: Show, table: Table, { connection, now }: QueryContext): Promise<string[][]> {
  const { range, rest } = splitTime(show.where)
  const bounds =
    range.from === undefined && range.to === undefined ? { from: now - DAY, to: undefined } : range
  const tags = table.tags.map(({ place }) => `, coalesce(c${place}, '') AS g${place}`).join('')
  const sets = `(SELECT series${tags} FROM s${table.id}) s`
  const rows: string[][] = []
  for (const { name, place } of table.tags.filter((tag) => wanted(show.keys, tag.name))) {
    const condition = rest === undefined ? 'true' : conditionSql(rest, table)
    const sql = `SELECT DISTINCT g${place} FROM ${sets} WHERE g${place} <> '' AND ${condition}
      AND series IN (SELECT series FROM r${table.id} WHERE ${timeSql(bounds)})`
    const found = await connection.runAndReadAll(sql)
    rows.push(...found.getRows().map(([value]) => [name, value as string]))
  }
  return sorted(rows)
}

function wanted(keys: readonly (string | RegExp)[], name: string): boolean {
  return keys.length === 0 || keys.some((key) => (typeof key === 'string' ? key === name : key.test(name)))
}

function* block(name: string, columns: string[], rows: string[][]): Generator<Piece> {
  if (rows.length === 0) return
  yield { kind: 'series', name, tags: undefined, columns }
  yield { kind: 'rows', json: rows.map((row) => JSON.stringify(row)) }
}

const page = ({ limit, offset }: Show, rows: string[][]) =>
  rows.slice(offset, limit === undefined ? undefined : offset + limit)

function sorted(rows: string[][]): string[][] {
  const text = (row: string[]) => Buffer.from(row.join('\0'))
  return rows.sort((a, b) => Buffer.compare(text(a), text(b)))
}
