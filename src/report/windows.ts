import { END_OF_TIME, formatRfc3339, MIN_TIME, type TimeWindow } from '../core/time.ts'
import type { Window } from './report.generated.ts'

export function windowAsText({ start, end }: TimeWindow): Window {
  return {
    ...(start > MIN_TIME && { start: formatRfc3339(start) }),
    ...(end < END_OF_TIME && { end: formatRfc3339(end) }),
  }
}

/** `2024-03-04 – 2024-03-11`: a day where it is midnight. The end is exclusive. */
export function showWindow({ start, end }: Window): string {
  if (start === undefined && end === undefined) return 'all of time'
  return `${start === undefined ? 'beginning' : short(start)} – ${end === undefined ? 'end of time' : short(end)}`
}

function short(time: string): string {
  return time.replace(/T00:00:00Z$/, '').replace(/^(.*)T(\d\d:\d\d):00Z$/, '$1 $2')
}
