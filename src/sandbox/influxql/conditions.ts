import { END_OF_TIME, MIN_TIME, parseRfc3339 } from '../../core/time.ts'
import type { Table } from '../schema.ts'
import { QueryError, type Comparison, type Condition, type Literal } from './ast.ts'

/** Both inclusive; `undefined` where the query does not say. */
export interface TimeRange {
  from: bigint | undefined
  to: bigint | undefined
}

/** Takes the times out of a condition: they may stand only in its conjunction, as in InfluxQL 1.x. */
export function splitTime(where: Condition | undefined): { range: TimeRange; rest: Condition | undefined } {
  const range: TimeRange = { from: undefined, to: undefined }
  const rest = where && take(where, range)
  return { range, rest }
}

function take(condition: Condition, range: TimeRange): Condition | undefined {
  if (condition.kind === 'and') {
    const left = take(condition.left, range)
    const right = take(condition.right, range)
    return left && right ? { kind: 'and', left, right } : (left ?? right)
  }
  if (condition.kind !== 'compare') {
    if (mentionsTime(condition)) throw new QueryError('not supported: a time in an OR')
    return condition
  }
  if (condition.key.toLowerCase() !== 'time') return condition
  const time = timeOf(condition.value)
  const narrow = (from: bigint | undefined, to: bigint | undefined) => {
    if (from !== undefined && (range.from === undefined || from > range.from)) range.from = from
    if (to !== undefined && (range.to === undefined || to < range.to)) range.to = to
  }
  if (condition.operator === '>=') narrow(time, undefined)
  else if (condition.operator === '>') narrow(time + 1n, undefined)
  else if (condition.operator === '<=') narrow(undefined, time)
  else if (condition.operator === '<') narrow(undefined, time - 1n)
  else if (condition.operator === '=') narrow(time, time)
  else throw new QueryError(`invalid time comparison operator: ${condition.operator}`)
  return undefined
}

const mentionsTime = (condition: Condition): boolean =>
  condition.kind === 'compare'
    ? condition.key.toLowerCase() === 'time'
    : mentionsTime(condition.left) || mentionsTime(condition.right)

function timeOf(value: Literal): bigint {
  if (value.kind === 'time') return value.value
  if (value.kind === 'number') return BigInt(value.text.replace(/\..*$/, ''))
  if (value.kind === 'string') {
    const text = /^\d{4}-\d{2}-\d{2}$/.test(value.value) ? `${value.value} 00:00:00` : value.value
    const time = parseRfc3339(/[zZ]$|[+-]\d{2}:\d{2}$/.test(text) ? text : `${text}Z`)
    if (time !== undefined) return time
  }
  throw new QueryError('invalid operation: time and its operand are not compatible')
}

/** `AND time ...` for the rows table; both ends are clamped to int64. */
export function timeSql({ from, to }: TimeRange): string {
  const last = END_OF_TIME - 1n
  const clamp = (time: bigint) => (time < MIN_TIME ? MIN_TIME : time > last ? last : time)
  const parts: string[] = []
  if (from !== undefined) parts.push(from > last ? 'false' : `"time" >= ${clamp(from)}`)
  if (to !== undefined) parts.push(to < MIN_TIME ? 'false' : `"time" <= ${clamp(to)}`)
  return parts.length === 0 ? 'true' : parts.join(' AND ')
}

/** SQL over `m` (the rows) and `s` (their tag sets, with '' for a tag that a series does not have). */
export function conditionSql(condition: Condition, table: Table): string {
  if (condition.kind !== 'compare')
    return `(${conditionSql(condition.left, table)} ${condition.kind.toUpperCase()} ${conditionSql(condition.right, table)})`
  const { key, operator, value } = condition
  const column = table.columns.get(key)
  if (column === undefined || column.kind === 'tag') {
    const tag = column === undefined ? "''" : `s.g${column.place}`
    return tagSql(tag, operator, value)
  }
  const field = `m.c${column.place}`
  const text = column.kind === 'string'
  if (value.kind === 'regex')
    return text ? `coalesce(${matches(field, operator, value.value)}, false)` : 'false'
  if (value.kind === 'string' && !text) return 'false'
  if (value.kind !== 'string' && text) return 'false'
  return `coalesce(${field} ${sqlOperator(operator)} ${literalSql(value)}, false)`
}

/** The names of fields that a condition looks at. */
export function fieldsOf(condition: Condition | undefined, table: Table): number[] {
  if (condition === undefined) return []
  if (condition.kind !== 'compare')
    return [...fieldsOf(condition.left, table), ...fieldsOf(condition.right, table)]
  const column = table.columns.get(condition.key)
  return column === undefined || column.kind === 'tag' ? [] : [column.place]
}

function tagSql(tag: string, operator: Comparison, value: Literal): string {
  if (value.kind === 'regex') return matches(tag, operator, value.value)
  if (value.kind !== 'string' || (operator !== '=' && operator !== '!=')) return 'false'
  return `${tag} ${sqlOperator(operator)} ${quote(value.value)}`
}

function matches(operand: string, operator: Comparison, pattern: RegExp): string {
  if (operator !== '=~' && operator !== '!~') return 'false'
  const call = `regexp_matches(${operand}, ${quote(pattern.source)})`
  return operator === '=~' ? call : `NOT ${call}`
}

function sqlOperator(operator: Comparison): string {
  if (operator === '=~' || operator === '!~')
    throw new QueryError('error parsing query: a regular expression is needed')
  return operator === '!=' ? '<>' : operator
}

function literalSql(value: Literal): string {
  if (value.kind === 'string') return quote(value.value)
  if (value.kind === 'number') return value.text
  return value.kind === 'regex' ? quote(value.value.source) : String(value.value)
}

export const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
