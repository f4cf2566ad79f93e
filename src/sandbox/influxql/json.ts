/** Query answers as JSON text: 64-bit integers in full, floats as Go writes them. */
import type { DuckDBValue } from '@duckdb/node-api'
import { formatRfc3339 } from '../../core/time.ts'

const UNITS: Record<string, bigint> = {
  ns: 1n,
  n: 1n,
  u: 1_000n,
  µ: 1_000n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

/** How times are written: RFC 3339, or whole units since the epoch. `undefined` for a unit that does not exist. */
export function timeFormat(epoch: string | null): ((time: bigint) => string) | undefined {
  // Go's RFC3339Nano keeps no zero at the end of the decimals.
  if (epoch === null || epoch === '' || epoch === 'rfc3339')
    return (time) => `"${formatRfc3339(time).replace(/(\.\d*?)0+Z$/, '$1Z')}"`
  const unit = UNITS[epoch]
  return unit === undefined ? undefined : (time) => String(time / unit)
}

/** @throws Error with Go's message for infinities, which JSON can't hold */
export function valueJson(value: DuckDBValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'number') return String(value)
  if (Number.isNaN(value)) return 'null'
  if (!Number.isFinite(value)) throw new UnsupportedValue(value)
  return Object.is(value, -0) ? '-0' : String(value)
}

export class UnsupportedValue extends Error {
  constructor(value: number) {
    super(`json: unsupported value: ${value > 0 ? '+' : '-'}Inf`)
  }
}
