/** Points that the cluster refused: they were exported, and should not be there. */
import type { TimeWindow } from '../core/time.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import type { FieldFigures } from '../lines/figures.ts'
import { decodeEncoded, measurementPart } from '../lines/names.ts'
import { parseRowLine } from '../lines/row-line.ts'
import { PointFigures } from './point-figures.ts'
import type { Point } from './source-reader.ts'

/** Those of letters of the cluster: a line of ours never was in the figures. @throws Failure `lines/not-ours` */
export async function* refusedPoints(
  letters: AsyncIterable<DeadLetter>,
  window: TimeWindow,
): AsyncGenerator<Point> {
  for await (const { batch, line, encoding } of letters) {
    if (batch === undefined) continue
    yield* pointsOf(Buffer.from(line, encoding ?? 'utf8'), window)
  }
}

/** The points of a line as we write it, where it is in the window. */
export function* pointsOf(line: Uint8Array, window: TimeWindow): Generator<Point> {
  const { series, fields, time } = parseRowLine(line)
  if (time < window.start || time >= window.end) return
  const measurement = decodeEncoded(measurementPart(series))
  const key = series.toString()
  for (const { key: field, type, value } of fields)
    yield { series: key, measurement, field: decodeEncoded(field), type, value, time }
}

export async function figuresOfRefused(
  letters: AsyncIterable<DeadLetter>,
  window: TimeWindow,
): Promise<FieldFigures[]> {
  let figures: PointFigures | undefined
  for await (const point of refusedPoints(letters, window)) (figures ??= new PointFigures()).add(point)
  return figures?.result() ?? []
}

/** Tells points apart. */
export function keyOf({ series, field, time }: Pick<Point, 'series' | 'field' | 'time'>): string {
  return `${series}\0${field}\0${time}`
}
