/** Series of TSM files and WALs, from their indexes alone: no value is read. */
import { setImmediate as breathe } from 'node:timers/promises'
import type { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { seriesNames } from '../lines/series-key.ts'
import { pointsAt } from '../source/tsm/block-points.ts'
import { nameOfType } from '../source/tsm/block-store.ts'
import type { BlockTable } from '../source/tsm/block-table.ts'
import type { ReplayedWals } from '../source/tsm/replayed-wals.ts'
import { openSeriesCursor, type FieldSource, type FieldSources } from '../source/tsm/series-cursor.ts'
import { covers } from '../source/tsm/time-ranges.ts'
import { seenSeries, type SeenField, type SeenSeries } from './seen-series.ts'

export interface SurveyTsmOptions {
  window: TimeWindow
  /** Bytes for indexes, tombstones and the WAL. */
  memory: number
  temporaryFolder: string
  /** Where replayed WALs are left for the export. */
  replayedWals?: ReplayedWals | undefined
  /** `onCorruption: skip` */
  onDamage: ((damage: Failure) => void) | undefined
  signal: AbortSignal
}

const SERIES_AT_A_TIME = 1000

/**
 * Every series of a slice's files (`.tsm`, `.tombstone`, `.wal`) that has points in the window; what tombstones delete as a
 * whole is left out. Of a series that 1.x would not have taken, nothing can be said: it is passed over.
 *
 * @throws Failure `export/...` of the files
 */
export async function surveyTsm(
  paths: readonly string[],
  { signal, ...options }: SurveyTsmOptions,
  see: (series: SeenSeries) => void,
): Promise<void> {
  const cursor = await openSeriesCursor(paths, { ...options, keepWals: true })
  let seen = 0
  try {
    for (const { series, fields, blocks } of cursor.series()) {
      const names = seriesNames(series)
      const found = fields.flatMap((field) => fieldsOf(field, blocks))
      if (typeof names !== 'string' && found.length > 0) see(seenSeries(names, found))
      seen += 1
      if (seen % SERIES_AT_A_TIME > 0) continue
      signal.throwIfAborted()
      await breathe()
    }
  } finally {
    cursor.close()
  }
}

/** One for each type that the field has. */
function fieldsOf({ field, sources }: FieldSources, blocks: BlockTable): SeenField[] {
  const fields: SeenField[] = []
  for (const source of sources) {
    const rows = rowsLeft(source, blocks)
    const [firstRow, lastRow] = [rows[0], rows.at(-1)]
    if (firstRow === undefined || lastRow === undefined) continue
    const type = nameOfType(source.type)
    const count = () => rows.reduce((sum, row) => sum + pointsAt(source, blocks, row), 0)
    const [first, last] = [blocks.minTime(firstRow), blocks.maxTime(lastRow)]
    const known = fields.find((one) => one.type === type)
    if (known === undefined) {
      fields.push({
        ...{ name: field.toString('latin1'), type, first, last, points: count },
      })
      continue
    }
    const before = known.points
    known.points = () => before() + count()
    if (first < known.first) known.first = first
    if (last > known.last) known.last = last
  }
  return fields
}

/** Rows of the source's blocks of which tombstones leave something. */
function rowsLeft({ first, count, deleted }: FieldSource, blocks: BlockTable): number[] {
  const rows = Array.from({ length: count }, (_, i) => first + i)
  if (deleted.length === 0) return rows
  return rows.filter((row) => !covers(deleted, blocks.minTime(row), blocks.maxTime(row)))
}
