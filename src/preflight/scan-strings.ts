/**
 * Strings that v3 has no way to write, or that most clusters refuse: exactly those, after overwrites and deletes, by
 * decoding the blocks of string fields and no others. (influxd takes no float that is not finite: models.NewPoint.)
 */
import { createKernel } from '../kernel/kernel.ts'
import type { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { seriesNames } from '../lines/series-key.ts'
import { MAX_STRING_BYTES } from '../lines/field-value.ts'
import { BlockType } from '../source/tsm/block-store.ts'
import type { ReplayedWals } from '../source/tsm/replayed-wals.ts'
import type { SeriesColumn } from '../source/tsm/load-window.ts'
import { openSeriesCursor, type FieldSources, type SeriesSources } from '../source/tsm/series-cursor.ts'
import { SeriesReader, type RowSink } from '../source/tsm/series-reader.ts'
import { LONG_STRING, longStringReason } from '../lines/long-strings.ts'
import { seenSeries, shownText } from './seen-series.ts'
import { pointOf, type TransformSeries } from './survey-builder.ts'
import { addRefused, newSurvey, type Survey } from './survey.ts'

export interface ScanOptions {
  paths: readonly string[]
  window: TimeWindow
  /** Bytes for indexes, WAL and kernel together. */
  memory: number
  temporaryFolder: string
  /** Where replayed WALs are left for the export. */
  replayedWals?: ReplayedWals | undefined
  transform: TransformSeries
  /** `onCorruption: skip` */
  onDamage: ((damage: Failure) => void) | undefined
  signal: AbortSignal
}

/** Of the memory, for the kernel. */
const KERNEL_SHARE = 5 / 8
const EQUALS = 61

/** A row that is longer than a string may be comes alone. */
const ROOM = { rows: 2 ** 31, bytes: LONG_STRING }

/** @returns what is refused, and no tables. @throws Failure `export/...` of the files */
export async function scanStrings(options: ScanOptions): Promise<Survey> {
  const { paths, window, signal, onDamage } = options
  const memory = Math.floor(options.memory * KERNEL_SHARE)
  const cursor = await openSeriesCursor(paths, {
    ...options,
    keepWals: true,
    memory: options.memory - memory,
  })
  try {
    const kernel = createKernel({ maximumBytes: memory })
    const reader = new SeriesReader({
      kernel,
      memory,
      window,
      signal,
      onDamage: onDamage && ((one) => onDamage(one)),
    })
    const scan = new StringScan(reader, options.transform)
    for (const one of cursor.series()) {
      signal.throwIfAborted()
      await scan.series(one)
    }
    return scan.survey
  } finally {
    cursor.close()
  }
}

class StringScan {
  readonly survey: Survey = newSurvey()
  readonly #reader: SeriesReader
  readonly #transform: TransformSeries

  constructor(reader: SeriesReader, transform: TransformSeries) {
    this.#reader = reader
    this.#transform = transform
  }

  async series({ series, fields, blocks }: SeriesSources): Promise<void> {
    const strings = fields.filter(({ sources }) => sources.some(({ type }) => type === BlockType.string))
    if (strings.length === 0) return
    const names = seriesNames(series)
    if (typeof names === 'string') return
    const seen = seenSeries(names, [])
    const kept = this.#kept(seen, strings)
    for (const { field, sources } of strings) {
      const name = field.toString('latin1')
      const measurement = kept.get(name)
      if (measurement === undefined) continue
      const refuse = (reason: string, time: bigint) =>
        addRefused(this.survey, { measurement, reason, points: 1, examples: [pointOf(seen, name, time)] })
      const columns: SeriesColumn[] = [{ key: Buffer.from('s'), fields: [field], sources }]
      const sink: RowSink = {
        room: () => Promise.resolve(ROOM),
        append: ({ bytes, rows }) => {
          if (rows === 1 && bytes.length > LONG_STRING) lookAt(bytes, refuse)
          return Promise.resolve()
        },
      }
      await this.#reader.read({ key: Buffer.from('m'), series, columns, blocks }, sink, ({ reason, time }) =>
        refuse(
          reason === 'too-long'
            ? `the string is longer than ${MAX_STRING_BYTES} bytes`
            : 'the string is not valid UTF-8',
          time,
        ),
      )
    }
  }

  /** Which of these fields are strings in the target as well, and the measurement that they get to. */
  #kept(series: ReturnType<typeof seenSeries>, strings: readonly FieldSources[]): Map<string, string> {
    const names = strings.map(({ field }) => field.toString('latin1'))
    if (this.#transform === undefined)
      return new Map(names.map((name) => [name, shownText(series.measurement)]))
    const fields = names.map((name) => ({ name, type: 'string' as const }))
    const targets = this.#transform({ ...series, fields })
    return new Map(
      targets.flatMap(({ measurement, fields }) =>
        fields
          .filter(({ type }) => type === 'string')
          .map(({ from }) => [names[from] ?? '', shownText(measurement)]),
      ),
    )
  }
}

/** A row of one field, `m s="..." time`, that may hold a long string. */
function lookAt(row: Uint8Array, refuse: (reason: string, time: bigint) => void): void {
  const start = row.indexOf(EQUALS) + 1
  const end = row.lastIndexOf(0x22) + 1
  const reason = longStringReason(row.subarray(start, end))
  if (reason === undefined) return
  const time = Buffer.from(row.buffer, row.byteOffset + end, row.length - end).toString('latin1')
  refuse(reason, BigInt(time.trim()))
}
