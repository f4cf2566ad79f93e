/** A few rows of each measurement of a slice, and what transforms make of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKernel } from '../kernel/kernel.ts'
import { LineParser } from '../lines/line-parser.ts'
import { readLines } from '../lines/line-reader.ts'
import type { RowCursor, Series } from '../lines/rows.ts'
import { seriesNames } from '../lines/series-key.ts'
import { SortedRows } from '../lines/sorted-rows.ts'
import { SERIES_KEY_END } from '../lines/stored-names.ts'
import { RefusedRows } from '../lines/transform/refused-rows.ts'
import { RowTransform } from '../lines/transform/row-transform.ts'
import type { SeriesTransform } from '../lines/transform/series-plan.ts'
import { compileTransforms } from '../lines/transform/series-transform.ts'
import type { Source } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import { readLineProtocolFiles } from '../source/line-protocol-files.ts'
import { openSeriesCursor, type SeriesSources } from '../source/tsm/series-cursor.ts'
import { SeriesReader } from '../source/tsm/series-reader.ts'
import { KernelRows } from './kernel-rows.ts'
import { rowsOf } from './tsm-transform.ts'

export interface ShownRow {
  /** Line protocol: measurement and tags; fields with their values. */
  series: string
  fields: { name: string; value: string }[]
  time: bigint
}

export interface SampledRow {
  measurement: string
  before: ShownRow
  after: ShownRow[]
  /** Values that no target has as a field. */
  dropped: number
  /** Why values would go to the dead letter. */
  refused: string[]
}

export interface SampleOptions {
  /** Rows of each measurement. */
  rows: number
  /** Only this measurement. */
  measurement: string | undefined
  signal: AbortSignal
}

/** Bytes for indexes and rows; of files of line protocol, the first so many are read. */
const MEMORY = 64e6
const ENOUGH_LINES = 32e6

/** @throws Failure of reading */
export async function sampleRows(
  slice: Slice,
  source: Source,
  options: SampleOptions,
): Promise<SampledRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-sample-'))
  try {
    const sampler = new Sampler(
      compileTransforms(slice.mapping.transforms ?? []) ?? unchanged,
      folder,
      options,
    )
    if (source.kind === 'data-dir') await sampler.readFiles(slice, folder)
    else await sampler.readLines(slice, source)
    return sampler.sampled
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const unchanged: SeriesTransform = ({ fields, ...series }) => [
  {
    ...series,
    fields: fields.map((field, from) => ({ ...field, from })),
    rowTags: [],
    constants: [],
    precision: undefined,
  },
]

class Sampler {
  readonly sampled: SampledRow[] = []
  readonly #transform: SeriesTransform
  readonly #folder: string
  readonly #options: SampleOptions
  readonly #counts = new Map<string, number>()

  constructor(transform: SeriesTransform, folder: string, options: SampleOptions) {
    this.#transform = transform
    this.#folder = folder
    this.#options = options
  }

  async readFiles({ files, window }: Slice, temporaryFolder: string): Promise<void> {
    const paths = files.map(({ path }) => path)
    const cursor = await openSeriesCursor(paths, { window, memory: MEMORY, temporaryFolder })
    const kernel = createKernel({ maximumBytes: MEMORY })
    const { signal } = this.#options
    const reader = new SeriesReader({ kernel, memory: MEMORY, window, signal, onDamage: undefined })
    try {
      for (const sources of cursor.series()) {
        signal.throwIfAborted()
        const left = this.#left(sources.series)
        if (left > 0) await this.#take(await firstRows(reader, sources, left), 0)
      }
    } finally {
      cursor.close()
    }
  }

  async readLines(slice: Slice, source: Extract<Source, { kind: 'line-protocol' }>): Promise<void> {
    const { signal } = this.#options
    const { database, retentionPolicy } = slice.mapping
    const sorted = new SortedRows({ memory: MEMORY, folder: this.#folder, name: 'lines', signal })
    const parser = new LineParser(sorted.store, slice.window, 'any', () => undefined, 'stored')
    const chunks = firstBytes(
      readLineProtocolFiles(source, { database, retentionPolicy }, signal),
      ENOUGH_LINES,
    )
    await readLines(chunks, parser, { onFull: () => sorted.spill(), onProgress: () => undefined, signal })
    await sorted.merged(async (rows) => {
      while (rows.next()) {
        if (this.#left(rows.series.key) > 0) await this.#take(new OneRow(rows), SERIES_KEY_END.length)
      }
    })
  }

  /** How many rows of the series' measurement are wanted yet. */
  #left(key: Buffer): number {
    const name = measurementOf(key)
    const { measurement, rows } = this.#options
    return measurement !== undefined && measurement !== name ? 0 : rows - (this.#counts.get(name) ?? 0)
  }

  async #take(rows: RowCursor, suffix: number): Promise<void> {
    while (rows.next()) {
      const measurement = measurementOf(rows.series.key)
      this.#counts.set(measurement, (this.#counts.get(measurement) ?? 0) + 1)
      const key = rows.series.key.subarray(0, rows.series.key.length - suffix)
      const before = shown(rows, key)
      const { signal } = this.#options
      const target = new SortedRows({ memory: 1 << 16, folder: this.#folder, name: 'row', signal })
      const refused: string[] = []
      const refuse = (reason: string) => refused.push(reason)
      const row = new RowTransform({ transform: this.#transform, target, refuse, suffix })
      await row.writeAll(new OneRow(rows))
      const after: ShownRow[] = []
      await target.merged(async (made) => {
        const rows = new RefusedRows(made, refuse)
        while (rows.next()) after.push(shown(rows, rows.series.key))
      })
      this.sampled.push({
        ...{ measurement, before, dropped: row.dropped, refused },
        after: after.filter(({ fields }) => fields.length > 0),
      })
    }
  }
}

function measurementOf(key: Buffer): string {
  const names = seriesNames(key)
  const name = typeof names === 'string' ? '' : names.measurement.toString()
  return name.endsWith(SERIES_KEY_END) ? name.slice(0, -SERIES_KEY_END.length) : name
}

function shown(rows: RowCursor, key: Buffer): ShownRow {
  const fields = Array.from({ length: rows.count }, (_, i) => ({
    name: rows.series.fields[rows.field[i] ?? 0]?.toString() ?? '',
    value: rows.bytes[i]?.toString('utf8', rows.start[i], rows.end[i]) ?? '',
  }))
  const time = BigInt(rows.seconds) * 1_000_000_000n + BigInt(rows.nanos)
  return { series: key.toString(), fields: fields.filter(({ value }) => value !== ''), time }
}

/** Thrown to stop the reading of a series: there is no other way out of it. */
class Enough extends Error {}

async function firstRows(reader: SeriesReader, sources: SeriesSources, count: number): Promise<RowCursor> {
  const { series } = rowsOf(sources)
  const parts: Buffer[] = []
  let left = count
  const sink = {
    room: async () => ({ rows: left, bytes: 1 << 20 }),
    append: async ({ bytes, rows }: { bytes: Uint8Array; rows: number }) => {
      parts.push(Buffer.from(bytes))
      left -= rows
      if (left <= 0) throw new Enough()
    },
  }
  await reader
    .read(series, sink, () => undefined)
    .catch((error: unknown) => {
      if (!(error instanceof Enough)) throw error
    })
  const fields = series.columns.map(({ fields: [field] }) => Buffer.from(field))
  return new KernelRows({ key: Buffer.from(series.series), fields }, Buffer.concat(parts))
}

/** The row that a cursor shows, as a cursor of its own. */
class OneRow implements RowCursor {
  readonly series: Series
  readonly seconds: number
  readonly nanos: number
  readonly count: number
  readonly field: readonly number[]
  readonly bytes: readonly Buffer[]
  readonly start: readonly number[]
  readonly end: readonly number[]
  #isLeft = true

  constructor({ series, seconds, nanos, count, field, bytes, start, end }: RowCursor) {
    this.series = series
    this.seconds = seconds
    this.nanos = nanos
    this.count = count
    this.field = field
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  next(): boolean {
    const isLeft = this.#isLeft
    this.#isLeft = false
    return isLeft
  }
}

async function* firstBytes(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    if (bytes >= most) return
  }
}
