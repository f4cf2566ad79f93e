/** What of a slice should be in the cluster: its figures, and its points, without those that the cluster refused. */
import type { TimeWindow } from '../core/time.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { Slice } from '../plan/plan.ts'
import { expectedOf, takeOff, type Expected } from './compare-figures.ts'
import type { SliceSource } from './compare-slice.ts'
import { PointFigures } from './point-figures.ts'
import { figuresOfRefused, keyOf, refusedPoints } from './refused-points.ts'
import { isSourceGone, type Point, type SourceReader } from './source-reader.ts'

/** Refused points of a slice that are remembered, where it is read again without them. */
const REFUSED_KEPT = 500_000

export interface SliceSourceOptions {
  slice: Slice
  reader: SourceReader
  /** Dead letters of the slice, those that count. */
  letters: () => AsyncIterable<DeadLetter>
}

/** Read from the source, refused points taken off. */
export function sliceSource({ slice, reader, letters }: SliceSourceOptions): SliceSource {
  return {
    figures: async (window) =>
      withoutRefused(await reader.figures(slice, window), await figuresOfRefused(letters(), window)),
    points: async (window, measurement) => {
      const points = new Map<string, Point>()
      await reader.points(slice, window, measurement, (point) => points.set(keyOf(point), point))
      for await (const point of refusedPoints(letters(), window)) {
        const key = keyOf(point)
        // A refused point of another type does not stand for one that was taken.
        if (points.get(key)?.type === point.type) points.delete(key)
      }
      return points
    },
  }
}

/**
 * Of the whole slice, by measurement. Where a refused point was the first, the last or an extreme one, these are found by
 * reading the slice again; if that cannot be done, they stay unknown. `full`: every value is compared, and they need not be known.
 */
export async function expectedFigures(
  given: readonly FieldFigures[],
  window: TimeWindow,
  { slice, reader, letters }: SliceSourceOptions,
  level: 'basic' | 'full',
): Promise<Map<string, Expected[]>> {
  const expected = withoutRefused(given, await figuresOfRefused(letters(), window))
  const unknown = [...expected].filter(([, fields]) => fields.some(({ extremesKnown }) => !extremesKnown))
  if (unknown.length === 0 || level === 'full') return expected
  const refused = new Set<string>()
  for await (const point of refusedPoints(letters(), window)) {
    refused.add(`${point.type} ${keyOf(point)}`)
    if (refused.size > REFUSED_KEPT) return expected
  }
  try {
    for (const [measurement] of unknown) {
      const figures = new PointFigures()
      await reader.points(slice, window, measurement, (point) => {
        if (!refused.has(`${point.type} ${keyOf(point)}`)) figures.add(point)
      })
      expected.set(measurement, figures.result().map(expectedOf))
    }
  } catch (error) {
    if (!isSourceGone(error)) throw error
  }
  return expected
}

function withoutRefused(
  figures: readonly FieldFigures[],
  refused: readonly FieldFigures[],
): Map<string, Expected[]> {
  const off = new Map(refused.map((one) => [nameOf(one), one]))
  const expected = new Map<string, Expected[]>()
  for (const one of figures) {
    const part = off.get(nameOf(one))
    const left = part === undefined ? expectedOf(one) : takeOff(expectedOf(one), part)
    if (left.count === 0) continue
    const own = expected.get(one.measurement)
    if (own === undefined) expected.set(one.measurement, [left])
    else own.push(left)
  }
  return expected
}

function nameOf({ measurement, field, type }: FieldFigures): string {
  return `${measurement}\0${field}\0${type}`
}
