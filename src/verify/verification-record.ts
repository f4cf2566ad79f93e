import type { SliceResult } from './verify-slices.ts'
import type { Difference, Verification } from './verification.generated.ts'

/** Differences kept in the record. */
const DIFFERENCES_KEPT = 1000

/** A record with one more slice in it, or with what was found of that slice now in place of what was found before. */
export function withSlice(record: Verification, id: string, result: SliceResult): Verification {
  const others = withoutSlices(record, (slice) => slice === id)
  const differences = [...others.differences, ...result.differences]
  const leftOut =
    (others.differencesLeftOut ?? 0) + result.leftOut + Math.max(0, differences.length - DIFFERENCES_KEPT)
  const { differencesLeftOut: _, ...rest } = others
  return {
    ...rest,
    slices: { ...others.slices, [id]: result.verification },
    differences: differences.slice(0, DIFFERENCES_KEPT),
    ...(leftOut > 0 && { differencesLeftOut: leftOut }),
  }
}

/** The record without what it has of some slices: they are compared again, or are not there any more. */
export function withoutSlices(record: Verification, gone: (slice: string) => boolean): Verification {
  return {
    ...record,
    slices: Object.fromEntries(Object.entries(record.slices).filter(([id]) => !gone(id))),
    differences: record.differences.filter(({ slice }) => !gone(slice)),
  }
}

/** `plant.machine count (series) at 2021-..: 5 in the source, 6 in the cluster`. */
export function differenceInWords(difference: Difference): string {
  const { target, measurement, field, series, kind, start, end, source, cluster } = difference
  const what = [`"${target}"`, measurement && `measurement "${measurement}"`, field && `field "${field}"`]
    .filter(Boolean)
    .join(', ')
  const where = series === undefined ? `${what}, ${start} .. ${end}` : `${what}, ${series} at ${start}`
  switch (kind) {
    case 'missing':
      return `missing: ${where}: ${source}`
    case 'extra':
      return `only in the cluster: ${where}: ${cluster}`
    case 'value':
      return `another value: ${where}: ${source} at the source, ${cluster} in the cluster`
    case 'type':
      return `another type: ${where}: ${source} at the source, ${cluster} in the cluster`
    case 'figures':
      return `different: ${where}: ${source} at the source, ${cluster} in the cluster`
  }
}
