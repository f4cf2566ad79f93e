/** A slice's spool straight from its TSM files and WAL: where the files (source/tsm), the kernel and the spool (lines) meet. */
import { isUtf8 } from 'node:buffer'
import type { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import type { Kernel, Refusal } from '../kernel/kernel.ts'
import type { ExportCounts } from '../lines/accounting.ts'
import type { BatchWriter } from '../lines/batch-writer.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import { finishedSpool, type SourceCounts, type SpoolTarget } from '../lines/finished-spool.ts'
import { escapedFieldKey, storedFieldKey, storedSeriesKey } from '../lines/stored-names.ts'
import type { SeriesColumn, SeriesToRead } from '../source/tsm/load-window.ts'
import { openSeriesCursor, type SeriesCursor, type SeriesSources } from '../source/tsm/series-cursor.ts'
import { SeriesReader, type RowSink, type SeriesCounts } from '../source/tsm/series-reader.ts'
import type { WalNote } from '../source/tsm/wal-segment.ts'
import { refusedValue } from './refused-value.ts'
import { SeriesIdentities } from './series-identities.ts'

export interface ExportTsmOptions extends SpoolTarget {
  /** `.tsm`, `.tombstone` and `.wal` files of the slice's shards. */
  paths: readonly string[]
  window: TimeWindow
  /** Bytes for indexes, deletes, the WAL and the kernel. Batches in the making come on top: five times `batch.bytes`. */
  memory: number
  /** Made with {@link kernelMemory}. */
  kernel: Kernel
  /** `onCorruption: skip`: what is damaged is left out, and listed in the dead letters. */
  skipDamage: boolean
  onNote: (note: WalNote) => void
  /** Which part of the source's indexes is done, 0 to 1. */
  onProgress: (done: number) => void
}

/** What of `spool.memory` the kernel may have; the rest is for indexes, deletes and the WAL. */
export function kernelMemory(memory: number): number {
  return Math.floor((memory * 5) / 8)
}

/**
 * Unique rows, last value wins, deletes honoured, by series then time. The bytes depend on the files, the window, the batch
 * limits and the gzip level alone.
 *
 * @throws Failure `export/...` of the files, of a series that is too large, of series that are one to v3; `spool/disk-full`
 */
export function exportTsm(options: ExportTsmOptions): Promise<ExportCounts> {
  return finishedSpool(options, async (open) => new TsmExport(options, await open()).run())
}

/** What a dead letter holds. */
const ONE_ROW = { rows: 1, bytes: 1 << 18 }

class TsmExport {
  readonly #options: ExportTsmOptions
  readonly #reader: SeriesReader
  readonly #rows: RowSink
  readonly #identities = new SeriesIdentities()
  /** What became of each field key: as it is to be sent, or why it cannot be. */
  #fields = new Map<string, Buffer | string>()
  readonly #counts: SourceCounts = {
    ...{ pointsRead: 0, overwritten: 0, deleted: 0, filtered: 0, refusedPoints: 0, skipped: 0 },
  }
  /** Damage that was told of: it may be met again. */
  readonly #damage = new Set<string>()

  constructor(options: ExportTsmOptions, writer: BatchWriter) {
    const { kernel, memory, window, signal, skipDamage } = options
    this.#options = options
    const onDamage = skipDamage ? this.#skip.bind(this) : undefined
    this.#reader = new SeriesReader({ kernel, memory: kernelMemory(memory), window, signal, onDamage })
    this.#rows = {
      room: () => writer.room(),
      append: ({ bytes, rows, points }) => writer.appendRows(bytes, rows, points),
    }
  }

  async run(): Promise<SourceCounts> {
    const cursor = await this.#open()
    try {
      const { points, overwritten, deleted, outside } = cursor.walCounts
      // The WAL's points that are left are counted as they are read.
      this.#counts.pointsRead += overwritten + deleted + outside
      this.#counts.overwritten += overwritten
      this.#counts.deleted += deleted
      this.#counts.filtered += outside
      this.#options.signal.throwIfAborted()
      let series = 0
      for (const one of cursor.series()) {
        await this.#read(one)
        if (++series % TELL_EVERY === 0) this.#options.onProgress(cursor.passed / (cursor.indexBytes || 1))
      }
      if (points > this.#counts.pointsRead) throw new RangeError('points of the WAL are missing in the sums')
    } finally {
      cursor.close()
    }
    await this.#expectDistinct()
    return this.#counts
  }

  #open(): Promise<SeriesCursor> {
    const { paths, window, memory, workDir, skipDamage, onNote } = this.#options
    return openSeriesCursor(paths, {
      window,
      memory: memory - kernelMemory(memory),
      temporaryFolder: workDir,
      onNote,
      onDamage: skipDamage ? (failure) => this.#skip(failure, 0) : undefined,
    })
  }

  async #read({ series, fields, blocks }: SeriesSources): Promise<void> {
    const key = storedSeriesKey(series)
    if (key.kind !== 'key') {
      const columns = fields.map(({ field, sources }) => ({ key: escapedFieldKey(field), field, sources }))
      return this.#refuse({ key: series, series, columns, blocks }, key.reason)
    }
    this.#identities.see(series, key.bytes)
    const columns: SeriesColumn[] = []
    for (const { field, sources } of fields) {
      const encoded = this.#fieldKey(field)
      if (typeof encoded !== 'string') columns.push({ key: encoded, field, sources })
      else {
        const column = { key: escapedFieldKey(field), field, sources }
        await this.#refuse({ key: series, series, columns: [column], blocks }, encoded)
      }
    }
    if (columns.length === 0) return
    const counts = await this.#reader.read(
      { key: key.bytes, series, columns, blocks },
      this.#rows,
      (refusal) => this.#refuseValue(series, columns[refusal.column], refusal),
    )
    this.#add(counts)
    this.#counts.pointsRead += counts.points
  }

  /** Reads a series (or one field of it) that v3 has no way to write: each row is a dead letter. */
  async #refuse(series: SeriesToRead, reason: string): Promise<void> {
    const sink: RowSink = {
      room: async () => ONE_ROW,
      append: async ({ bytes, points }) => this.#letter(reason, bytes.subarray(0, -1), points),
    }
    const onRefusal = (refusal: Refusal) =>
      this.#refuseValue(series.series, series.columns[refusal.column], refusal)
    const counts = await this.#reader.read(series, sink, onRefusal)
    this.#add(counts)
    this.#counts.pointsRead += counts.points
    this.#counts.refusedPoints += counts.points
  }

  #refuseValue(series: Buffer, column: SeriesColumn | undefined, refusal: Refusal): void {
    const { reason, value } = refusedValue(refusal)
    const parts = [series, ' ', escapedFieldKey(column?.field ?? series), '=', value, ` ${refusal.time}`]
    this.#letter(reason, Buffer.concat(parts.map((part) => Buffer.from(part))), 1)
  }

  #add({ overwritten, deleted, refused, filtered, leftOut }: SeriesCounts): void {
    const counts = this.#counts
    counts.pointsRead += overwritten + deleted + refused + filtered + leftOut
    counts.overwritten += overwritten
    counts.deleted += deleted
    counts.filtered += filtered
    counts.refusedPoints += refused + leftOut
  }

  #fieldKey(field: Buffer): Buffer | string {
    const name = field.toString('latin1')
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const key = storedFieldKey(field)
    const result = key.kind === 'key' ? Buffer.from(key.bytes) : key.reason
    if (this.#fields.size >= FIELDS_KEPT) this.#fields = new Map()
    this.#fields.set(name, result)
    return result
  }

  #letter(reason: string, line: Uint8Array, points: number): void {
    const { deadLetters, slice } = this.#options
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.length)
    const text: Pick<DeadLetter, 'line' | 'encoding'> = isUtf8(bytes)
      ? { line: bytes.toString('utf8') }
      : { line: bytes.toString('base64'), encoding: 'base64' }
    deadLetters.add({ slice, by: 'influx-ferry', reason, points, ...text })
  }

  #skip({ message, where = '' }: Failure, points: number): void {
    if (points === 0) {
      if (this.#damage.has(where)) return
      this.#damage.add(where)
      this.#counts.skipped += 1
    }
    const { deadLetters, slice } = this.#options
    deadLetters.add({ slice, by: 'influx-ferry', reason: message, where, line: '', points })
  }

  /** Two series that are one to v3 would be sent as rows with the same key and time. */
  async #expectDistinct(): Promise<void> {
    if (!this.#identities.hasUnusual) return
    const { onNote: _, ...options } = this.#options
    const cursor = await openSeriesCursor(options.paths, {
      window: options.window,
      memory: options.memory - kernelMemory(options.memory),
      temporaryFolder: options.workDir,
      // What is damaged was told of.
      onDamage: options.skipDamage ? () => {} : undefined,
    })
    try {
      for (const { series } of cursor.series()) this.#identities.expectDistinct(series)
    } finally {
      cursor.close()
    }
  }
}

const FIELDS_KEPT = 10_000
/** Series after which progress is told. */
const TELL_EVERY = 16
