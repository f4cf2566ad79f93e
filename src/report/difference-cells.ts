import type { Difference } from './report.generated.ts'
import { showWindow } from './windows.ts'

const KINDS: Record<Difference['kind'], string> = {
  missing: 'missing in the cluster',
  extra: 'only in the cluster',
  value: 'another value',
  type: 'another type',
  figures: 'other figures',
}

/** Where it is, from the database to the very point. */
export function placeOfDifference({ target, measurement, series, field }: Difference): string {
  return [target, series ?? measurement, field].filter((part) => part !== undefined).join(' ')
}

/** A point's time, or a window. */
export function timeOfDifference({ start, end, series }: Difference): string {
  return series === undefined ? showWindow({ start, end }) : start
}

export function kindOfDifference({ kind }: Difference): string {
  return KINDS[kind]
}
