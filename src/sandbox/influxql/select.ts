/** SELECT of one measurement, as SQL over the sandbox's tables. */
import type { Column, Database, Table } from '../schema.ts'
import { accepts, aggregate } from './aggregates.ts'
import { QueryError, type Projection, type Select } from './ast.ts'
import { conditionSql, fieldsOf, splitTime, timeSql, type TimeRange } from './conditions.ts'

export interface Compiled {
  /** Rows: group number, time, then the columns, ordered by group and time. */
  sql: string
  /** Group number and the values of {@link groupTags}. */
  groupsSql: string
  /** One number: the points that are looked at. */
  pointsSql: string
  /** Names of the tags in each group's `tags`, or none. */
  groupTags: string[]
  columns: string[]
  /** For GROUP BY time(): how to fill, and in which windows. */
  windows: Windows | undefined
}

export interface Windows {
  interval: bigint
  from: bigint | undefined
  to: bigint
  fill: Select['fill']
  /** Columns that are counts: they fill with 0 by default. */
  counts: boolean[]
}

interface Output {
  name: string
  sql: string
  /** Not NULL when the row is to be shown because of this column; `undefined` for tags. */
  shown: string | undefined
  time?: string | undefined
  isCount?: boolean
}

/**
 * The statement for one of its measurements: `*` stands for what all of `tables` have, as in 1.x.
 * `undefined` where the measurement has nothing of what is asked for. @throws QueryError
 */
export function compileSelect(
  select: Select,
  database: Database,
  table: Table,
  tables: readonly Table[],
  now: bigint,
): Compiled | undefined {
  const { range, rest } = splitTime(select.where)
  const groupTags = groupTagsOf(select, tables)
  const calls = select.projections.some(({ call }) => call !== undefined)
  if (calls && select.projections.some(({ call }) => call === undefined))
    throw new QueryError('mixing aggregate and non-aggregate queries is not supported')
  const { interval } = select.groupBy
  if (interval !== undefined && !calls)
    throw new QueryError('GROUP BY requires at least one aggregate function')
  const outputs = select.projections.flatMap((projection) =>
    calls
      ? aggregateOutputs(projection, table, tables)
      : plainOutputs(projection, table, tables, new Set(groupTags)),
  )
  numberRepeated(outputs)
  const shown = outputs.flatMap((output) => output.shown ?? [])
  if (shown.length === 0) return undefined
  if (interval !== undefined && range.to === undefined) range.to = now
  const source = sourceSql(table, usedFields(shown, rest, table), visible(range, database, now), rest)
  const tags = `s AS (${tagsSql(table, groupTags)})`
  const direction = select.descending ? 'DESC' : 'ASC'
  const common = {
    groupsSql: `WITH ${tags} SELECT DISTINCT grp${groupTags.map((_, i) => `, t${i}`).join('')} FROM s`,
    groupTags,
    pointsSql: `WITH ${tags}, ${source} SELECT ${[...new Set(shown)].map((sql) => `count(${sql})`).join(' + ')} FROM m`,
    columns: ['time', ...outputs.map(({ name }) => name)],
  }
  if (!calls) {
    const list = outputs.map(({ sql }) => sql).join(', ')
    const any = shown.map((sql) => `${sql} IS NOT NULL`).join(' OR ')
    const bounded = groupTags.length === 0 && select.limit !== undefined
    const limit = bounded ? `LIMIT ${(select.limit ?? 0) + select.offset}` : ''
    const sql = `WITH ${tags}, ${source} SELECT s.grp, m."time", ${list} FROM m JOIN s USING (series)
      WHERE (${any}) ORDER BY s.grp, m."time" ${direction}, s.rank ${direction} ${limit}`
    return { ...common, sql, windows: undefined }
  }
  // Without windows 1.x answers null, not 0, where a field has no value beside others that have.
  const shownValues = outputs.map(({ sql, isCount }) =>
    isCount && interval === undefined ? `nullif(${sql}, 0)` : sql,
  )
  const some = shown.map((sql) => `count(${sql}) > 0`).join(' OR ')
  const time = aggregateTime(outputs, interval, range)
  const sql = `WITH ${tags}, ${source} SELECT s.grp, ${time} AS t, ${shownValues.join(', ')} FROM m JOIN s USING (series)
    GROUP BY s.grp${interval === undefined ? '' : ', t'} HAVING ${some} ORDER BY s.grp, t ${direction}`
  const windows = interval === undefined ? undefined : windowsOf(select, interval, range, now, outputs)
  return { ...common, sql, windows }
}

function groupTagsOf({ groupBy }: Select, tables: readonly Table[]): string[] {
  const all = groupBy.all ? tables.flatMap(({ tags }) => tags.map(({ name }) => name)) : []
  return [...new Set([...groupBy.tags, ...all])].sort(byName)
}

function plainOutputs(
  projection: Projection,
  table: Table,
  tables: readonly Table[],
  grouped: Set<string>,
): Output[] {
  const { name, cast, alias } = projection
  if (projection.distinct) throw new QueryError('not supported: DISTINCT')
  if (name === '*') {
    const wanted = ({ kind, name: column }: Column) =>
      kind === 'tag' ? !grouped.has(column) && cast !== 'field' : cast !== 'tag'
    return namesOf(tables, wanted).map((column) => plainOutput(table.columns.get(column), column))
  }
  if (name === 'time') return []
  const column = table.columns.get(name)
  const own = column?.kind === 'tag' ? 'tag' : 'field'
  const fits = cast === undefined || cast === own || cast === column?.kind
  return [plainOutput(fits ? column : undefined, alias ?? name)]
}

/** Names of the columns that `wanted` picks in any of the measurements, in the order in which `*` shows them. */
function namesOf(tables: readonly Table[], wanted: (column: Column) => boolean): string[] {
  const columns = tables.flatMap((table) => [...table.columns.values()].filter(wanted))
  return [...new Set(columns.map(({ name }) => name))].sort(byName)
}

function plainOutput(column: Column | undefined, name: string): Output {
  if (column === undefined) return { name, sql: 'NULL', shown: undefined }
  const { kind, place } = column
  if (kind === 'tag') return { name, sql: `nullif(s.g${place}, '')`, shown: undefined }
  return { name, sql: `m.c${place}`, shown: `m.c${place}` }
}

function aggregateOutputs(
  { call = '', distinct, name, alias }: Projection,
  table: Table,
  tables: readonly Table[],
): Output[] {
  const output = (field: string, as: string): Output => {
    const column = table.columns.get(field)
    const isCount = call === 'count'
    if (column === undefined || column.kind === 'tag' || (name === '*' && !accepts(call, column)))
      return { name: as, sql: 'NULL', shown: undefined, isCount }
    const { value, time } = aggregate(call, column, distinct)
    return { name: as, sql: value, time, shown: `m.c${column.place}`, isCount }
  }
  if (name !== '*') return [output(name, alias ?? call)]
  const fields = namesOf(tables, (column) => column.kind !== 'tag' && accepts(call, column))
  return fields.map((field) => output(field, `${alias ?? call}_${field}`))
}

/** `count, count_1, count_2`: how 1.x tells columns of one name apart. */
function numberRepeated(outputs: Output[]): void {
  const seen = new Map<string, number>()
  for (const output of outputs) {
    const times = seen.get(output.name) ?? 0
    seen.set(output.name, times + 1)
    if (times > 0) output.name = `${output.name}_${times}`
  }
}

function aggregateTime(outputs: Output[], interval: bigint | undefined, range: TimeRange): string {
  if (interval !== undefined) return `m."time" - ((m."time" % ${interval}) + ${interval}) % ${interval}`
  const [only] = outputs
  if (outputs.length === 1 && only?.time !== undefined) return only.time
  return `CAST(${range.from ?? 0n} AS BIGINT)`
}

function windowsOf(
  { fill }: Select,
  interval: bigint,
  range: TimeRange,
  now: bigint,
  outputs: Output[],
): Windows {
  return {
    interval,
    from: range.from,
    to: range.to ?? now,
    fill,
    counts: outputs.map(({ isCount }) => isCount === true),
  }
}

/** Rows that retention hides are gone at once, whatever the query asks for. */
function visible(range: TimeRange, { retentionPeriod }: Database, now: bigint): TimeRange {
  if (retentionPeriod === 0n) return range
  const oldest = now - retentionPeriod
  return { from: range.from === undefined || range.from < oldest ? oldest : range.from, to: range.to }
}

/** `m`: one row a series and time, each field with its last value. */
function sourceSql(table: Table, places: number[], range: TimeRange, rest: Select['where']): string {
  const where = timeSql(range)
  const merged = table.newest === undefined
  const list = places.map((place) => (merged ? `, arg_max(c${place}, rowid) AS c${place}` : `, c${place}`))
  const rows = `SELECT series, "time"${list.join('')} FROM r${table.id} WHERE ${where}${merged ? ' GROUP BY series, "time"' : ''}`
  if (rest === undefined) return `m AS (${rows})`
  return `all_rows AS (${rows}), m AS (SELECT m.* FROM all_rows m JOIN s USING (series) WHERE ${conditionSql(rest, table)})`
}

/** `s`: tag sets with their group and their rank among all; `g<place>` is '' for a missing tag. */
function tagsSql(table: Table, groupTags: string[]): string {
  const tags = table.tags.map(({ place }) => `, coalesce(c${place}, '') AS g${place}`).join('')
  const group = groupTags.map((name) => {
    const column = table.columns.get(name)
    return column?.kind === 'tag' ? `g${column.place}` : "''"
  })
  const order = [...table.tags].sort((a, b) => byName(a.name, b.name)).map(({ place }) => `g${place}`)
  const grp = group.length === 0 ? '1' : `dense_rank() OVER (ORDER BY ${group.join(', ')})`
  const rank = order.length === 0 ? '1' : `row_number() OVER (ORDER BY ${order.join(', ')})`
  const values = group.map((sql, i) => `, ${sql} AS t${i}`).join('')
  return `SELECT *, ${grp} AS grp, ${rank} AS rank${values} FROM (SELECT series${tags} FROM s${table.id})`
}

function usedFields(shown: string[], rest: Select['where'], table: Table): number[] {
  const places = shown.map((sql) => Number(/c(\d+)$/.exec(sql)?.[1]))
  return [...new Set([...places, ...fieldsOf(rest, table)])].sort((a, b) => a - b)
}

const byName = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
