/** A task's series through the kernel into batches, each gzipped: in the main thread, or in one of many. */
import type { ExitCode } from '../core/failure.ts'
import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { createKernel, type Kernel, type Refusal } from '../kernel/kernel.ts'
import { createRowGzip, type RowGzip } from '../kernel/row-gzip.ts'
import { BatchWriter, type BatchLimits, type BatchSums } from '../lines/batch-writer.ts'
import { FigureBook, type FigurePart } from '../lines/figure-book.ts'
import { escapedFieldKey } from '../lines/stored-names.ts'
import { fieldOf, type SeriesToRead } from '../source/tsm/load-window.ts'
import { SeriesReader, type RowSink, type SeriesCounts } from '../source/tsm/series-reader.ts'
import { seriesOf, type SeriesTask } from '../source/tsm/series-task.ts'
import { refusedValue } from './refused-value.ts'

/** What all tasks of a slice have in common. */
export interface TaskSettings {
  window: TimeWindow
  batch: BatchLimits
  gzipLevel: number
  /** Bytes that the kernel may have. */
  kernelMemory: number
  /** `onCorruption: skip` */
  skipDamage: boolean
  /** Batches being compressed at once. */
  inFlight: number
}

export interface FailureInWords {
  code: string
  message: string
  where: string | undefined
  remedy: string | undefined
  exit: ExitCode
}

/** What a task gives, in this order: every thread says the same of the same task. */
export type TaskItem =
  | { type: 'batch'; member: Uint8Array; sums: BatchSums }
  /** What v3 has no way to write. */
  | { type: 'letter'; reason: string; line: Uint8Array; points: number }
  | { type: 'damage'; failure: FailureInWords; points: number }
  /** Of a series (as stored) with fields of these names, as {@link KernelRows} reads them. */
  | { type: 'rows'; series: Uint8Array; fields: readonly Uint8Array[]; bytes: Uint8Array }
  /** `dropped`: of the points that were read, those that nobody wants. */
  | { type: 'done'; counts: SeriesCounts; refused: number; dropped: number; figures: FigurePart[] }

/** Resolves when there is room for more. */
export type Emit = (item: TaskItem) => Promise<void>

/** What a dead letter holds, and what is transformed at once. */
const ONE_ROW = { rows: 1, bytes: 1 << 18 }
const MANY_ROWS = { rows: 1 << 20, bytes: 1 << 18 }

/** What each thread has one of, for all of its tasks: WebAssembly does not give memory back. */
export interface Engine {
  kernel: Kernel
  gzip: RowGzip
}

export function createEngine(kernelMemory: number): Engine {
  return { kernel: createKernel({ maximumBytes: kernelMemory }), gzip: createRowGzip() }
}

export async function readTask(
  task: SeriesTask,
  settings: TaskSettings,
  engine: Engine,
  signal: AbortSignal,
  emit: Emit,
): Promise<void> {
  await new TaskReader(settings, engine, signal, emit).read(task)
}

class TaskReader {
  readonly #reader: SeriesReader
  readonly #emit: Emit
  readonly #writer: BatchWriter
  readonly #figures = new FigureBook()
  readonly #counts: SeriesCounts = {
    ...{ points: 0, overwritten: 0, deleted: 0, refused: 0, filtered: 0, leftOut: 0, longStrings: 0 },
  }
  /** Points of series and fields that v3 has no way to write. */
  #refused = 0
  #dropped = 0
  /** Letters and damage, which are told between two batches. */
  #told: Promise<void> = Promise.resolve()

  constructor(settings: TaskSettings, { kernel, gzip }: Engine, signal: AbortSignal, emit: Emit) {
    const { window, batch, gzipLevel, kernelMemory, skipDamage, inFlight } = settings
    const onDamage = skipDamage
      ? (failure: Failure, points: number) =>
          this.#tell({ type: 'damage', failure: inWords(failure), points })
      : undefined
    this.#emit = emit
    this.#reader = new SeriesReader({ kernel, memory: kernelMemory, window, signal, onDamage })
    const nothing = () => Promise.resolve()
    const write = async (member: Uint8Array, sums: BatchSums) => emit({ type: 'batch', member, sums })
    const destination = { write, finish: nothing, abandon: nothing }
    const writer = new BatchWriter(destination, { limits: batch, gzipLevel, gzip, signal, inFlight })
    this.#writer = writer
  }

  async read(task: SeriesTask): Promise<void> {
    try {
      for (const { series, use, refused } of seriesOf(task)) {
        if (refused !== undefined) await this.#refuse(series, refused)
        else if (use === 'dropped') await this.#drop(series)
        else {
          const sink = use === 'sent' ? this.#rowsOf(series) : this.#transform(series)
          this.#add(await this.#reader.read(series, sink, this.#onRefusal(series)))
        }
        await this.#told
      }
      await this.#writer.finish()
    } catch (error) {
      await this.#writer.abandon()
      throw error
    }
    const figures = this.#figures.parts()
    const sums = { counts: this.#counts, refused: this.#refused, dropped: this.#dropped }
    await this.#emit({ type: 'done', ...sums, figures })
  }

  #rowsOf({ key, columns }: SeriesToRead): RowSink {
    const writer = this.#writer
    return {
      room: () => writer.room(),
      append: ({ bytes, rows, points }) => writer.appendRows(bytes, rows, points),
      figures: (column, type, bytes) =>
        this.#figures.addOfSeries(key, columns[column]?.key ?? key, type, bytes),
    }
  }

  /** Reads a series (or one field of it) that v3 has no way to write: each row is a dead letter. */
  async #refuse(series: SeriesToRead, reason: string): Promise<void> {
    const sink: RowSink = {
      room: async () => ONE_ROW,
      append: async ({ bytes, points }) =>
        this.#emit({ type: 'letter', reason, line: bytes.slice(0, -1), points }),
    }
    const counts = await this.#reader.read(series, sink, this.#onRefusal(series))
    this.#add({ ...counts, points: 0, longStrings: 0 })
    this.#refused += counts.points
  }

  /** Reads a series whose values become nothing, so that they can be counted. */
  async #drop(series: SeriesToRead): Promise<void> {
    const counts = await this.#reader.read(series, this.#rowsOf(series), this.#onRefusal(series))
    this.#add({ ...counts, refused: 0 })
    this.#dropped += counts.refused
  }

  #transform({ series, columns }: SeriesToRead): RowSink {
    const fields = columns.map(({ fields: [field] }) => field)
    return {
      room: async () => MANY_ROWS,
      append: async ({ bytes }) => this.#emit({ type: 'rows', series, fields, bytes: bytes.slice() }),
    }
  }

  #onRefusal({ series, columns }: SeriesToRead): (refusal: Refusal) => void {
    return (refusal) => {
      const column = columns[refusal.column]
      if (column === undefined) throw new RangeError('the kernel refused a value of no column')
      const cast = column.sources.find(
        ({ type, part = 0 }) => type === refusal.type && part === refusal.part,
      )?.cast
      const { reason, value } = refusedValue(refusal, cast)
      const field = escapedFieldKey(fieldOf(column, refusal.part))
      const parts = [series, ' ', field, '=', value, ` ${refusal.time}`]
      const line = Buffer.concat(parts.map((part) => Buffer.from(part)))
      this.#tell({ type: 'letter', reason, line, points: 1 })
    }
  }

  #tell(item: TaskItem): void {
    this.#told = this.#told.then(() => this.#emit(item))
    this.#told.catch(() => undefined) // awaited after the series
  }

  #add(counts: SeriesCounts): void {
    for (const name of Object.keys(this.#counts) as (keyof SeriesCounts)[]) this.#counts[name] += counts[name]
  }
}

export function inWords({ code, message, where, remedy, exit }: Failure): FailureInWords {
  return { code, message, where, remedy, exit }
}

export function failureOf({ code, message, where, remedy, exit }: FailureInWords): Failure {
  return new Failure(code, message, {
    ...(where !== undefined && { where }),
    ...(remedy !== undefined && { remedy }),
    exit,
  })
}
