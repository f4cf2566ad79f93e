import { isInteger, isSafeNumber, parse, stringify } from 'lossless-json'

/**
 * JSON in which an integer that a double cannot hold (nanosecond times and retention periods, int64 fields) is a
 * `bigint`; every other number is a `number`.
 *
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return parse(text, null, (digits) =>
    isInteger(digits) && !isSafeNumber(digits) ? BigInt(digits) : Number(digits),
  )
}

/** Writes a `bigint` as a plain number. */
export function formatExactJson(value: unknown): string {
  return stringify(value) ?? 'null'
}

/** A property of a value whose shape is not known. */
export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** A whole number as `bigint`; `undefined` for everything else. */
export function bigintOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A limit as the cluster tells it; unset ones come as `0`, `null`, `""` or not at all. */
export function limitOf(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}
