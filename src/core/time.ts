/**
 * Times are `bigint` nanoseconds since the Unix epoch, as InfluxDB keeps them (int64). A window is half-open,
 * `[start, end)`; an open side is the end of int64, so that `end` may be 2^63, one past the last time.
 */
export interface TimeWindow {
  start: bigint
  end: bigint
}

export const MIN_TIME = -(2n ** 63n)
/** One past the largest int64: the exclusive end of all time. */
export const END_OF_TIME = 2n ** 63n
export const ALL_TIME: TimeWindow = { start: MIN_TIME, end: END_OF_TIME }

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/** Nanoseconds of an RFC 3339 time with up to nine decimals; `undefined` when the text is not one. */
export function parseRfc3339(text: string): bigint | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [, date, clock, fraction = '', zone] = match
  const milliseconds = Date.parse(`${date}T${clock}${zone?.toUpperCase()}`)
  // Date.parse rolls 2021-02-30 over to March; a date that does not exist is a mistake here.
  if (Number.isNaN(milliseconds) || Number.isNaN(Date.parse(`${date}T00:00:00Z`))) return undefined
  if (new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** RFC 3339 in UTC with as many decimals as needed (0, 3, 6 or 9): `2021-01-01T00:00:00Z`. */
export function formatRfc3339(time: bigint): string {
  const second = 1_000_000_000n
  const nanos = ((time % second) + second) % second
  const whole = new Date(Number((time - nanos) / 1_000_000n)).toISOString().slice(0, 19)
  const decimals = String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,3}$/, '')
  return decimals === '' ? `${whole}Z` : `${whole}.${decimals}Z`
}

/** The part that two windows share; `undefined` when they do not meet. */
export function intersect(a: TimeWindow, b: TimeWindow): TimeWindow | undefined {
  const start = a.start > b.start ? a.start : b.start
  const end = a.end < b.end ? a.end : b.end
  return start < end ? { start, end } : undefined
}

/** `2021-01-01T00:00:00Z .. 2021-01-08T00:00:00Z`; an open side reads as `beginning` or `end of time`, two as `all of time`. */
export function formatWindow({ start, end }: TimeWindow): string {
  if (start <= MIN_TIME && end >= END_OF_TIME) return 'all of time'
  return `${start <= MIN_TIME ? 'beginning' : formatRfc3339(start)} .. ${end >= END_OF_TIME ? 'end of time' : formatRfc3339(end)}`
}
