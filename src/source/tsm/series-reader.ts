/** One series after another through the kernel: points in, rows out, window by window where a series is large. */
import { setImmediate as breathe } from 'node:timers/promises'
import { Failure } from '../../core/failure.ts'
import type { TimeWindow } from '../../core/time.ts'
import type { BlockError, BlockType, Counters, Kernel, Refusal, Rows } from '../../kernel/kernel.ts'
import { KEY_SEPARATOR } from './block-store.ts'
import { damagedTsm, describePlace, type DamagedPlace } from './damage.ts'
import {
  fieldOf,
  loadWindow,
  type DamagedBlock,
  type KernelSource,
  type SeriesToRead,
} from './load-window.ts'
import { WindowCutter } from './window-cutter.ts'

/** Where rows go. */
export interface RowSink {
  /** How many rows and bytes it takes now; at least one row. */
  room(): Promise<{ rows: number; bytes: number }>
  /** Whole rows; the bytes are gone afterwards. One row may have more bytes than there was room for. */
  append(rows: Rows): Promise<void>
  /** Figures of a column's points in the rows of a window, each type once (Kernel.figures). */
  figures?(column: number, type: BlockType, bytes: Uint8Array): void
}

/**
 * The points of a series in the window:
 * all that were read = rows' points + overwritten + deleted + refused + filtered + leftOut.
 */
export interface SeriesCounts {
  points: number
  overwritten: number
  deleted: number
  /** Values that no row can have. */
  refused: number
  /** Of blocks that lie partly outside of the window. */
  filtered: number
  /** Older values of a damaged block's time range. */
  leftOut: number
  /** Of the rows' points (Counters.longStrings). */
  longStrings: number
}

export interface SeriesReaderOptions {
  kernel: Kernel
  /** Bytes that the kernel may have. */
  memory: number
  window: TimeWindow
  signal: AbortSignal
  /**
   * `onCorruption: skip`: told of every damaged block that is left out; and, with their number, of points of older files
   * in its time range, which are left out as well, since nobody can say which of them it replaced.
   */
  onDamage: ((damage: Failure, points: number) => void) | undefined
}

/** What is asked of the kernel at once. */
const CHUNK_BYTES = 1 << 18
/** Of the kernel's memory, for the blocks of one window and what they are decoded into. */
const SHARE = 0.6
/** Milliseconds after which others get a turn. */
const TURN = 50

export class SeriesReader {
  readonly #options: SeriesReaderOptions
  #turn = performance.now()

  constructor(options: SeriesReaderOptions) {
    this.#options = options
  }

  /**
   * Reads a series to its end.
   *
   * @throws Failure `export/tsm-damaged`, `export/series-too-large`, `export/sum`, those of reading
   */
  async read(
    series: SeriesToRead,
    sink: RowSink,
    onRefusal: (refusal: Refusal) => void,
  ): Promise<SeriesCounts> {
    const { window, memory } = this.#options
    const { columns, blocks } = series
    const sources = columns.length === 1 ? (columns[0]?.sources ?? []) : columns.flatMap((one) => one.sources)
    const cutter = new WindowCutter(sources, blocks, window)
    const counts: SeriesCounts = {
      points: 0,
      overwritten: 0,
      deleted: 0,
      refused: 0,
      filtered: 0,
      leftOut: 0,
      longStrings: 0,
    }
    const damaged: DamagedBlock[] = []
    let budget = memory * SHARE
    for (let { start } = window; start < window.end;) {
      const part = { start, end: cutter.endFrom(start, budget) }
      const job = new WindowJob(this.#options, series, part, sink, onRefusal)
      try {
        if (this.#options.onDamage !== undefined) this.#findDamage(job, damaged)
        addCounts(counts, await job.run(damaged), part, window)
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'kernel/out-of-memory') throw error
        // Shorter windows may do, as long as no row of this one is out.
        if (job.rows > 0 || budget < memory / 1000) throw tooLarge(series, part, memory)
        budget /= 4
        continue
      }
      counts.leftOut += job.leftOut
      counts.deleted -= job.leftOut
      start = part.end
      await this.#giveTurn()
    }
    return counts
  }

  /** Runs through the window without keeping a row, again and again while damage is found. */
  #findDamage(job: WindowJob, damaged: DamagedBlock[]): void {
    for (;;) {
      const found = job.rehearse(damaged)
      if (found.length === 0) return
      for (const one of found) this.#options.onDamage?.(one.failure, 0)
      damaged.push(...found.map(({ block }) => block))
    }
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() - this.#turn < TURN) return
    await breathe()
    this.#options.signal.throwIfAborted()
    this.#turn = performance.now()
  }
}

/** One window of a series. */
class WindowJob {
  /** Rows that are out. */
  rows = 0
  leftOut = 0
  readonly #options: SeriesReaderOptions
  readonly #kernel: Kernel
  readonly #series: SeriesToRead
  readonly #window: TimeWindow
  readonly #sink: RowSink
  readonly #onRefusal: (refusal: Refusal) => void
  #sources: KernelSource[][] = []
  #deletedByTombstones = 0

  constructor(
    options: SeriesReaderOptions,
    series: SeriesToRead,
    window: TimeWindow,
    sink: RowSink,
    onRefusal: (refusal: Refusal) => void,
  ) {
    this.#options = options
    this.#kernel = options.kernel
    this.#series = series
    this.#window = window
    this.#sink = sink
    this.#onRefusal = onRefusal
  }

  /** What is damaged beside what is known to be. */
  rehearse(damaged: readonly DamagedBlock[]): { failure: Failure; block: DamagedBlock }[] {
    this.#sources = loadWindow(this.#kernel, this.#series, this.#window, damaged, false)
    const found: { failure: Failure; block: DamagedBlock }[] = []
    for (;;) {
      const { state } = this.#kernel.next({ rows: 2 ** 31, bytes: CHUNK_BYTES, atLeastOne: true })
      if (state === 'full') continue
      for (const error of this.#kernel.takeErrors()) found.push(this.#damage(error))
      this.#kernel.takeRefusals()
      if (state === 'done') break
    }
    this.#deletedByTombstones = this.#kernel.counters().deleted
    return found
  }

  async run(damaged: readonly DamagedBlock[]): Promise<Counters> {
    const kernel = this.#kernel
    this.#sources = loadWindow(kernel, this.#series, this.#window, damaged, true)
    for (;;) {
      const room = await this.#sink.room()
      let rows = kernel.next({ rows: room.rows, bytes: Math.min(CHUNK_BYTES, room.bytes), atLeastOne: false })
      // The next row is larger than that: it comes alone.
      if (rows.rows === 0 && rows.state === 'full')
        rows = kernel.next({ rows: 1, bytes: CHUNK_BYTES, atLeastOne: true })
      const { state } = rows
      this.rows += rows.rows
      if (rows.rows > 0) await this.#sink.append(rows)
      if (state === 'full') continue
      for (const error of kernel.takeErrors()) throw this.#damage(error).failure
      for (const refusal of kernel.takeRefusals()) this.#onRefusal(refusal)
      if (state === 'done') break
    }
    const counters = kernel.counters()
    expectClosed(counters, this.#series)
    this.#giveFigures()
    if (damaged.length > 0) this.#tellLeftOut(counters)
    return counters
  }

  #giveFigures(): void {
    const sink = this.#sink
    if (sink.figures === undefined) return
    for (let column = 0; column < this.#series.columns.length; column++)
      this.#kernel.figures(column, (type, bytes) => sink.figures?.(column, type, bytes))
  }

  #tellLeftOut({ deleted }: Counters): void {
    this.leftOut = deleted - this.#deletedByTombstones
    if (this.leftOut === 0) return
    const where = describePlace({ path: 'older files', key: this.#series.series })
    const message =
      'older values in the time range of damaged blocks: which of them these replaced is not known'
    this.#options.onDamage?.(new Failure('export/tsm-damaged', message, { where }), this.leftOut)
  }

  #damage(error: BlockError): { failure: Failure; block: DamagedBlock } {
    const { columns, blocks, series } = this.#series
    const column = columns[error.column]
    const part = this.#sources[error.column]?.[error.source]
    const source = part && column?.sources[part.source]
    if (column === undefined || part === undefined || source === undefined)
      throw new RangeError(`the kernel tells of a block that it was not given (${error.code})`)
    const row = part.first + error.block
    const place: DamagedPlace = {
      path: source.store.path,
      key: Buffer.concat([series, KEY_SEPARATOR, fieldOf(column, source.part)]),
      block: blocks.numbers[row] ?? 0,
      offset: blocks.offsets[row] ?? 0,
      times: { first: blocks.minTime(row), last: blocks.maxTime(row) },
    }
    const failure = damagedTsm(place, `a damaged block: ${MESSAGES[error.code]}`)
    // A sorted run of a WAL is influx-ferry's own: a bad disk, or a defect.
    if (source.encoding === 'wal') throw failure
    return { failure, block: { column: error.column, source: part.source, row } }
  }
}

const MESSAGES: Record<BlockError['code'], string> = {
  'bad-crc': 'its bytes do not match its checksum (CRC32)',
  truncated: 'a part ends before what it announces',
  'bad-encoding': 'an encoding that does not exist',
  'count-mismatch': 'it does not have as many values as times',
  'time-order': 'its times do not rise',
  'type-mismatch': 'it is of another type than the index says',
  'index-mismatch': 'its first or last time is not what the index says',
  'too-large': 'it claims more values than any block has',
  'bad-time': 'a time that InfluxDB does not take',
}

/** Windows share the blocks at their edges: what is outside of one is outside of all only at the first and the last edge. */
function addCounts(counts: SeriesCounts, counters: Counters, part: TimeWindow, window: TimeWindow): void {
  counts.points += counters.points
  counts.overwritten += counters.overwritten
  counts.deleted += counters.deleted
  counts.refused += counters.refused
  counts.longStrings += counters.longStrings
  if (part.start === window.start) counts.filtered += counters.before
  if (part.end === window.end) counts.filtered += counters.after
}

function expectClosed(counters: Counters, { series }: SeriesToRead): void {
  const { decoded, before, after, deleted, overwritten, refused, points } = counters
  if (decoded === before + after + deleted + overwritten + refused + points) return
  throw new Failure('export/sum', 'the sums of the export do not close', {
    where: `${describePlace({ path: 'series', key: series })}: ${JSON.stringify(counters)}`,
    remedy: 'This is a defect of influx-ferry; nothing was sent. Please report it with these numbers.',
  })
}

function tooLarge({ series }: SeriesToRead, { start, end }: TimeWindow, memory: number): Failure {
  return new Failure(
    'export/series-too-large',
    'one block of each field of a series does not fit into memory',
    {
      where: describePlace({ path: 'data', key: series, times: { first: start, last: end - 1n } }),
      remedy: `The kernel may have ${Math.round(memory / 1e6)} MB, five eighths of "spool: { memory: ... }": give more, and run again.`,
    },
  )
}
