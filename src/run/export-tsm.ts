/** A slice's spool straight from its TSM files and WAL: where the files (source/tsm), the kernel and the spool (lines) meet. */
import type { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import type { ExportCounts } from '../lines/accounting.ts'
import type { BatchWriter } from '../lines/batch-writer.ts'
import { refusedLine } from '../lines/dead-letter.ts'
import { finishedSpool, type SourceCounts, type SpoolTarget } from '../lines/finished-spool.ts'
import type { Refusal } from '../lines/line-parser.ts'
import { NO_SERIES, type RowCursor, type Series } from '../lines/rows.ts'
import { SortedRows } from '../lines/sorted-rows.ts'
import { escapedFieldKey, storedFieldKey, storedSeriesKey } from '../lines/stored-names.ts'
import { mayJoinSeries } from '../lines/transform/compile-rule.ts'
import { compileTransforms } from '../lines/transform/series-transform.ts'
import { TransformedRows } from '../lines/transform/transformed-rows.ts'
import type { Transform } from '../manifest/migration.ts'
import type { SeriesColumn, SeriesToRead } from '../source/tsm/load-window.ts'
import { TaskPacker, type TaskSeries } from '../source/tsm/series-task.ts'
import type { ReplayedWals } from '../source/tsm/replayed-wals.ts'
import {
  openSeriesCursor,
  type SeriesCursor,
  type SeriesCursorOptions,
  type SeriesSources,
} from '../source/tsm/series-cursor.ts'
import type { WalNote } from '../source/tsm/wal-segment.ts'
import type { TaskRunner } from './export-threads.ts'
import { failureOf, type TaskItem, type TaskSettings } from './read-task.ts'
import { KernelRows } from './kernel-rows.ts'
import { SeriesIdentities } from './series-identities.ts'
import { SharedTargets } from './shared-targets.ts'
import { TsmTransform } from './tsm-transform.ts'

export type ExportTsmOptions = SpoolTarget & {
  /** `.tsm`, `.tombstone` and `.wal` files of the slice's shards. */
  paths: readonly string[]
  /** WALs that were replayed already. */
  replayedWals?: ReplayedWals
  window: TimeWindow
  /** Bytes for indexes, deletes, the WAL and the kernel. Batches in the making come on top: five times `batch.bytes`, or three times for each of several workers. */
  memory: number
  /** What reads the series, with {@link kernelMemory} for each of its workers. */
  tasks: TaskRunner
  /** What is made of the rows before they are sent. */
  transforms?: readonly Transform[]
  /** `onCorruption: skip`: what is damaged is left out, and listed in the dead letters. */
  skipDamage: boolean
  onNote: (note: WalNote) => void
  /** Which part of the source's indexes is done, 0 to 1. */
  onProgress: (done: number) => void
}

/** What of `spool.memory` each kernel may have; the rest is for indexes, deletes and the WAL. */
export function kernelMemory(memory: number, workers = 1): number {
  return Math.floor((memory * 5) / 8 / workers)
}

/**
 * Unique rows, last value wins, deletes honoured, by series then time. The bytes depend on the files, the window, the batch
 * limits, the gzip level and, where a WAL does not fit into it, on the memory: not on the number of workers.
 *
 * @throws Failure `export/...` of the files, of a series that is too large, of series that are one to v3; `spool/disk-full`
 */
export function exportTsm(options: ExportTsmOptions): Promise<ExportCounts> {
  return finishedSpool(options, async (open) => new TsmExport(options, await open()).run())
}

/** A task has about as many batches: the last one is mostly not full. */
const BATCHES_A_TASK = 4
/** Bytes of a packed task, for many small series. */
const TASK_BYTES = 1 << 20
/** Which part of the memory finds series that become one. */
const SHARED_PART = 32
/** Bytes of a value in a block: mostly fewer, so that a task is rather too large than too small. */
const VALUE_BYTES = 8

class TsmExport {
  readonly #options: ExportTsmOptions
  readonly #settings: TaskSettings
  readonly #writer: BatchWriter
  readonly #identities = new SeriesIdentities()
  readonly #packer = new TaskPacker()
  /** What became of each field key: as it is to be sent, or why it cannot be. */
  #fields = new Map<string, Buffer | string>()
  readonly #counts: SourceCounts = {
    ...{ pointsRead: 0, overwritten: 0, deleted: 0, filtered: 0, refusedPoints: 0, skipped: 0 },
  }
  /** Damage that was told of: it may be met again. */
  readonly #damage = new Set<string>()
  readonly #transform: TsmTransform | undefined
  readonly #transformed: TransformedRows | undefined
  readonly #mayJoinSeries: boolean
  /** Whose rows were transformed last. */
  #series: Series = NO_SERIES
  /** About how many rows the task has. */
  #rows = 0
  /** What was given to threads, all of it taken. */
  #taken = Promise.resolve()
  #failed = false

  constructor(options: ExportTsmOptions, writer: BatchWriter) {
    const { memory, window, batch, gzipLevel, skipDamage, tasks, workDir, signal } = options
    this.#options = options
    this.#writer = writer
    this.#mayJoinSeries = mayJoinSeries(options.transforms ?? [])
    const transform = compileTransforms(options.transforms ?? [])
    if (transform !== undefined) {
      this.#transform = new TsmTransform(transform, new SharedTargets(memory / SHARED_PART))
      const sorted = new SortedRows({ memory: this.#indexMemory, folder: workDir, name: 'target', signal })
      const refuse = ({ reason, line, points }: Refusal) => this.#letter(reason, line, points)
      this.#transformed = new TransformedRows(transform, sorted, refuse, 0)
    }
    this.#settings = {
      ...{ window, batch, gzipLevel, skipDamage },
      kernelMemory: kernelMemory(memory, tasks.workers),
      inFlight: tasks.workers === 1 ? 3 : 1,
    }
  }

  async run(): Promise<SourceCounts> {
    if (this.#transform !== undefined && this.#mayJoinSeries) await this.#lookAhead(this.#transform)
    const cursor = await this.#open()
    try {
      const { points, overwritten, deleted, outside } = cursor.walCounts
      // The WAL's points that are left are counted as they are read.
      this.#counts.pointsRead += overwritten + deleted + outside
      this.#counts.overwritten += overwritten
      this.#counts.deleted += deleted
      this.#counts.filtered += outside
      this.#options.signal.throwIfAborted()
      for (const one of cursor.series()) {
        this.#pack(one)
        if (this.#isFull()) await this.#give(cursor.passed / (cursor.indexBytes || 1))
      }
      if (this.#packer.size > 0) await this.#give(1)
      await this.#taken
      if (points > this.#counts.pointsRead) throw new RangeError('points of the WAL are missing in the sums')
    } catch (error) {
      // Threads read the cursor's files.
      await this.#options.tasks.stop()
      throw error
    } finally {
      cursor.close()
    }
    await this.#expectDistinct()
    if (this.#transformed === undefined) return this.#counts
    await this.#transformed.writeTo(this.#writer)
    return this.#transformed.addTo(this.#counts)
  }

  #open(): Promise<SeriesCursor> {
    const { paths, window, workDir, replayedWals, skipDamage, onNote, memory } = this.#options
    return openSeriesCursor(paths, {
      ...{ window, replayedWals },
      memory: this.#indexMemory,
      // No kernel reads meanwhile.
      walMemory: memory / 2,
      temporaryFolder: workDir,
      onNote,
      onDamage: skipDamage ? (failure) => this.#skip(failure, 0) : undefined,
    })
  }

  /** What is left beside the kernel, which rows that are transformed share with the indexes. */
  get #indexMemory(): number {
    const { memory } = this.#options
    const left = memory - kernelMemory(memory)
    return this.#transform === undefined ? left : Math.floor(left / 2)
  }

  /** Runs through the series once, before the first is read. */
  async #lookAhead(transform: TsmTransform): Promise<void> {
    const { replayedWals } = this.#options
    const again = this.#seriesAgain({ replayedWals, keepWals: true })
    for await (const series of again) transform.see(series)
  }

  #pack(sources: SeriesSources): void {
    const { series, fields, blocks } = sources
    const key = storedSeriesKey(series)
    if (this.#transform !== undefined) {
      // Where series may become one they are looked for by what they become.
      if (key.kind === 'key' && !this.#mayJoinSeries) this.#identities.see(series, key.bytes)
      for (const one of this.#transform.pack(sources)) this.#add(one)
      return
    }
    const plain = (field: Buffer) => escapedFieldKey(field)
    if (key.kind !== 'key') {
      const columns = fields.map(({ field, sources }) => columnOf(plain(field), field, sources))
      const refused = { key: series, series, columns, blocks }
      return this.#add({ series: refused, use: 'sent', refused: key.reason })
    }
    this.#identities.see(series, key.bytes)
    const columns: SeriesColumn[] = []
    for (const { field, sources } of fields) {
      const encoded = this.#fieldKey(field)
      if (typeof encoded !== 'string') columns.push(columnOf(encoded, field, sources))
      else {
        const refused = { key: series, series, columns: [columnOf(plain(field), field, sources)], blocks }
        this.#add({ series: refused, use: 'sent', refused: encoded })
      }
    }
    if (columns.length > 0)
      this.#add({ series: { key: key.bytes, series, columns, blocks }, use: 'sent', refused: undefined })
  }

  #add(one: TaskSeries): void {
    this.#packer.add(one)
    this.#rows += rowsOf(one.series)
  }

  #isFull(): boolean {
    return this.#rows >= BATCHES_A_TASK * this.#options.batch.lines || this.#packer.size >= TASK_BYTES
  }

  /** @param done which part of the indexes is packed by now. */
  async #give(done: number): Promise<void> {
    const { tasks, signal, onProgress } = this.#options
    const task = this.#packer.take()
    this.#rows = 0
    await tasks.ready()
    signal.throwIfAborted()
    if (this.#failed) return this.#taken
    this.#taken = tasks.run(task, this.#settings, this.#taken, (item) =>
      this.#take(item, () => onProgress(done)),
    )
    this.#taken.catch(() => (this.#failed = true)) // thrown by the next one, or at the end
  }

  async #take(item: TaskItem, onDone: () => void): Promise<void> {
    this.#options.signal.throwIfAborted()
    switch (item.type) {
      case 'batch':
        return this.#writer.appendBatch(item.member, item.sums)
      case 'letter':
        return this.#letter(item.reason, item.line, item.points)
      case 'damage':
        return this.#skip(failureOf(item.failure), item.points)
      case 'rows':
        return this.#transformed?.add(this.#rowsOf(item))
      case 'done':
        this.#count(item)
        this.#options.figures?.merge(item.figures)
        return onDone()
    }
  }

  #rowsOf({ series, fields, bytes }: Extract<TaskItem, { type: 'rows' }>): RowCursor {
    const { key, fields: known } = this.#series
    const isSame =
      key.equals(series) &&
      known.length === fields.length &&
      known.every((name, i) => name.equals(fields[i] as Buffer))
    if (!isSame) this.#series = { key: Buffer.from(series), fields: fields.map((name) => Buffer.from(name)) }
    return new KernelRows(this.#series, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }

  #count({ counts: read, refused, dropped }: Extract<TaskItem, { type: 'done' }>): void {
    const counts = this.#counts
    const { points, overwritten, deleted, filtered, leftOut, longStrings } = read
    counts.pointsRead +=
      points + overwritten + deleted + read.refused + filtered + leftOut + refused + dropped
    counts.overwritten += overwritten
    counts.deleted += deleted
    counts.filtered += filtered
    counts.refusedPoints += read.refused + leftOut + refused
    if (longStrings > 0) counts.longStrings = (counts.longStrings ?? 0) + longStrings
    if (this.#transform !== undefined) counts.dropped = (counts.dropped ?? 0) + dropped
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
    deadLetters.add(refusedLine(slice, reason, line, points))
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
    for await (const { series } of this.#seriesAgain()) this.#identities.expectDistinct(series)
  }

  async *#seriesAgain(
    wals: Pick<SeriesCursorOptions, 'replayedWals' | 'keepWals'> = {},
  ): AsyncGenerator<SeriesSources> {
    const { paths, window, workDir, skipDamage } = this.#options
    const cursor = await openSeriesCursor(paths, {
      ...{ window, ...wals },
      memory: this.#indexMemory,
      temporaryFolder: workDir,
      // What is damaged is told of elsewhere.
      onDamage: skipDamage ? () => {} : undefined,
    })
    try {
      yield* cursor.series()
    } finally {
      cursor.close()
    }
  }
}

const FIELDS_KEPT = 10_000

function columnOf(key: Uint8Array, field: Buffer, sources: SeriesColumn['sources']): SeriesColumn {
  return { key, fields: [field], sources }
}

/** Not more rows than the series has, as a rule. */
function rowsOf({ columns, blocks }: SeriesToRead): number {
  let most = 0
  for (const { sources } of columns) {
    let bytes = 0
    for (const { first, count } of sources)
      for (let row = first; row < first + count; row++) bytes += blocks.sizes[row] ?? 0
    if (bytes > most) most = bytes
  }
  return most / VALUE_BYTES
}
