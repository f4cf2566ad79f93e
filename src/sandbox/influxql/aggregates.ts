import type { Column } from '../schema.ts'
import { QueryError } from './ast.ts'

/** One aggregate in SQL. */
export interface Aggregate {
  value: string
  /** Time of the point that a selector picks. */
  time: string | undefined
}

const NUMERIC = new Set(['float', 'integer', 'unsigned'])
const ANY_TYPE = new Set(['count', 'first', 'last', 'distinct'])
const NUMBERS_ONLY = new Set(['sum', 'mean', 'min', 'max', 'spread', 'median', 'stddev'])

/** Whether `call(*)` takes this field in. */
export function accepts(call: string, column: Column): boolean {
  const boolean = column.kind === 'boolean' && (call === 'min' || call === 'max')
  return ANY_TYPE.has(call) || NUMERIC.has(column.kind) || boolean
}

/** @throws QueryError for functions that the sandbox does not have, and for types that a function does not take */
export function aggregate(call: string, column: Column, distinct: boolean): Aggregate {
  if (!ANY_TYPE.has(call) && !NUMBERS_ONLY.has(call)) throw new QueryError(`not supported: ${call}()`)
  if (!accepts(call, column)) throw new QueryError(`unsupported ${call} iterator type: ${column.kind}`)
  const c = `m.c${column.place}`
  const plain = (value: string): Aggregate => ({ value, time: undefined })
  switch (call) {
    case 'count':
      return plain(`count(${distinct ? 'DISTINCT ' : ''}${c})`)
    case 'mean':
      return plain(`avg(${c})`)
    case 'spread':
      return plain(`max(${c}) - min(${c})`)
    case 'median':
      return plain(`quantile_cont(CAST(${c} AS DOUBLE), 0.5)`)
    case 'stddev':
      return plain(`stddev_samp(${c})`)
    case 'first':
      return { value: `arg_min(${c}, m."time")`, time: `min(m."time") FILTER (${c} IS NOT NULL)` }
    case 'last':
      return { value: `arg_max(${c}, m."time")`, time: `max(m."time") FILTER (${c} IS NOT NULL)` }
    case 'min':
    case 'max': {
      // Of several points with the extreme value the earliest is picked.
      const sign = call === 'min' ? '' : '-'
      const pair = `{'v': ${c}, 't': ${sign}CAST(m."time" AS HUGEINT)}`
      return { value: `${call}(${c})`, time: `${sign}(${call}(${pair}) FILTER (${c} IS NOT NULL)).t` }
    }
    case 'sum':
      return plain(`sum(${c})`)
    default:
      throw new QueryError(`not supported: ${call}() with other fields`)
  }
}
