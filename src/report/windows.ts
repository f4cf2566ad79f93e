import { END_OF_TIME, formatRfc3339, MIN_TIME, type TimeWindow } from '../core/time.ts'
import type { Window } from './report.generated.ts'

export function windowAsText({ start, end }: TimeWindow): Window {
  return {
    ...(start > MIN_TIME && { start: formatRfc3339(start) }),
    ...(end < END_OF_TIME && { end: formatRfc3339(end) }),
  }
}

/** `2024-03-04 – 2024-03-11`. The end is exclusive. */
export function showWindow(window: Window): string {
  const { start, end } = shortWindow(window)
  if (start === undefined && end === undefined) return 'all of time'
  return `${start ?? 'beginning'} – ${end ?? 'end of time'}`
}

/** A day, where it is midnight; without the seconds, where there are none. */
export function shortWindow({ start, end }: Window): Window {
  return {
    ...(start !== undefined && { start: short(start) }),
    ...(end !== undefined && { end: short(end) }),
  }
}

function short(time: string): string {
  return time.replace(/T00:00:00Z$/, '').replace(/^(.*)T(\d\d:\d\d):00Z$/, '$1 $2')
}
