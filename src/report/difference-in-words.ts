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

/** `plant/autogen machine,line=L1 temperature at 2024-03-04T10:00:00Z: another value, source 71.5, cluster 71` */
export function differenceInWords(difference: Difference): string {
  const { source, cluster } = difference
  const values = [
    source !== undefined && `source ${source}`,
    cluster !== undefined && `cluster ${cluster}`,
  ].filter((value) => value !== false)
  const place = placeOfDifference(difference)
  return `${place} at ${timeOfDifference(difference)}: ${[kindOfDifference(difference), ...values].join(', ')}`
}
