import { mkdir, rename, rm } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import { dirname, join } from 'node:path'
import { Failure, systemCodeOf } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { formatBytes } from '../core/units.ts'
import type { ExportCounts } from './accounting.ts'
import { BatchWriter } from './batch-writer.ts'
import type { BatchLimits } from './batch-writer.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import { LineParser, type Comments } from './line-parser.ts'
import { readLines } from './line-reader.ts'
import { MergedRows } from './merged-rows.ts'
import { PointStore } from './point-store.ts'
import type { Overwritten, RowCursor } from './rows.ts'
import { RunRows, writeRun } from './run-file.ts'
import { writeSpoolIndex } from './spool-file.ts'
import { StoredRows } from './stored-rows.ts'

/** Runs merged at once: each has a file open and a buffer. */
const FAN_IN = 64

export interface SpoolSliceOptions {
  /** Slice id. */
  slice: string
  window: TimeWindow
  /** Bytes for points, dictionaries and sorting. Batches in the making come on top: five times `batch.bytes`. */
  memory: number
  batch: BatchLimits
  gzipLevel: number
  /** Final spool file; its index is `${path}.index.json`. */
  path: string
  /** Sorted runs go here; emptied first, removed at the end and on failure. */
  workDir: string
  deadLetters: DeadLetterSink
  signal: AbortSignal
  /** Default: any. */
  comments?: Comments
  onProgress: (bytesRead: number, pointsRead: number) => void
}

/**
 * Turns 1.x line protocol, in any order, into a slice's spool of ready v3 batches: unique rows, last value wins,
 * by series then time. The bytes depend on the input, the window, the batch limits and the gzip level alone.
 *
 * @throws Failure `export/skipped-missing-file`, `export/line-too-long`, `export/sum`, `spool/disk-full`
 */
export async function spoolSlice(
  chunks: AsyncIterable<Uint8Array>,
  options: SpoolSliceOptions,
): Promise<ExportCounts> {
  const { path, workDir } = options
  const partial = `${path}.partial`
  const job = new SpoolJob(options)
  try {
    await mkdir(dirname(path), { recursive: true })
    // A run that was killed leaves its sorted runs.
    await rm(workDir, { recursive: true, force: true })
    await mkdir(workDir, { recursive: true })
    // An index of an earlier export must not stand beside a new spool.
    await rm(`${path}.index.json`, { force: true })
    const counts = await job.run(chunks, partial)
    await rename(partial, path)
    await options.deadLetters.flush()
    await writeSpoolIndex(path, { version: 1, slice: options.slice, batches: job.batches, counts })
    return counts
  } catch (error) {
    await rm(partial, { force: true })
    throw isDiskFull(error) ? diskFull(path, workDir, job.bytesOnDisk, error) : error
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

class SpoolJob {
  batches: BatchWriter['batches'] = []
  readonly #options: SpoolSliceOptions
  readonly #store: PointStore
  readonly #parser: LineParser
  readonly #overwritten: Overwritten = { points: 0 }
  /** Oldest first. */
  #runs: string[] = []
  #runBytes = 0
  #nextRun = 0
  #writer: BatchWriter | undefined

  constructor(options: SpoolSliceOptions) {
    this.#options = options
    this.#store = new PointStore(options.memory)
    const { slice, deadLetters, window, comments = 'any' } = options
    this.#parser = new LineParser(this.#store, window, comments, ({ reason, line, points }) => {
      const text = isUtf8(line)
        ? { line: line.toString('utf8') }
        : { line: line.toString('base64'), encoding: 'base64' as const }
      deadLetters.add({ slice, by: 'influx-ferry', reason, points, ...text })
    })
  }

  get bytesOnDisk(): number {
    return this.#runBytes + (this.#writer?.gzipBytes ?? 0)
  }

  async run(chunks: AsyncIterable<Uint8Array>, partial: string): Promise<ExportCounts> {
    const { batch, gzipLevel, signal, onProgress } = this.#options
    await readLines(chunks, this.#parser, {
      onFull: () => this.#spill(),
      onProgress: (bytes) => onProgress(bytes, this.#parser.pointsRead),
      signal,
    })
    while (this.#runs.length >= FAN_IN) await this.#mergePass()
    const writer = await BatchWriter.create(partial, batch, gzipLevel, signal)
    this.#writer = writer
    try {
      const stored = new StoredRows(this.#store, this.#overwritten)
      await this.#merging(this.#runs, [stored], (rows) => writer.writeAll(rows))
      await writer.finish()
    } catch (error) {
      await writer.abandon()
      throw error
    }
    this.batches = writer.batches
    return this.#counts(writer)
  }

  async #spill(): Promise<void> {
    await this.#writeRun(new StoredRows(this.#store, this.#overwritten))
    this.#store.clear()
  }

  async #writeRun(rows: RowCursor): Promise<string> {
    const path = join(this.#options.workDir, `run-${this.#nextRun++}`)
    this.#runs.push(path)
    this.#runBytes += await writeRun(path, rows, this.#options.signal)
    return path
  }

  /** Merges neighbours, so that the order of the runs stays the order in which they were read. */
  async #mergePass(): Promise<void> {
    const before = this.#runs
    this.#runs = []
    for (let first = 0; first < before.length; first += FAN_IN) {
      const group = before.slice(first, first + FAN_IN)
      await this.#merging(group, [], (rows) => this.#writeRun(rows))
      for (const path of group) await rm(path)
    }
  }

  async #merging(
    runs: string[],
    newest: RowCursor[],
    use: (rows: RowCursor) => Promise<unknown>,
  ): Promise<void> {
    const bufferBytes = Math.max(4096, Math.min(1 << 20, Math.floor(this.#options.memory / 4 / FAN_IN)))
    const opened: RunRows[] = []
    try {
      for (const path of runs) opened.push(new RunRows(path, bufferBytes))
      const only = opened.length === 0 ? newest[0] : undefined
      await use(only ?? new MergedRows([...opened, ...newest], this.#overwritten))
    } finally {
      for (const run of opened) run.close()
    }
  }

  #counts(writer: BatchWriter): ExportCounts {
    const { pointsRead, filtered, refusedPoints } = this.#parser
    const { points, rows, rawBytes, gzipBytes, batches } = writer
    const overwritten = this.#overwritten.points
    if (pointsRead !== points + overwritten + filtered + refusedPoints) {
      throw new Failure('export/sum', 'the sums of the export do not close', {
        where: `${this.#options.slice}: ${pointsRead} points read, but ${points} in rows + ${overwritten} overwritten + ${filtered} filtered + ${refusedPoints} refused`,
        remedy: 'This is a defect of influx-ferry; nothing was sent. Please report it with these numbers.',
      })
    }
    return {
      ...{ pointsRead, points, overwritten, filtered, refusedPoints },
      ...{ rows, batches: batches.length, rawBytes, gzipBytes },
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return !(error instanceof Failure) && ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(error) ?? '')
}

function diskFull(path: string, workDir: string, bytes: number, cause: unknown): Failure {
  return new Failure(
    'spool/disk-full',
    `the disk is full after ${formatBytes(bytes)} of spool and sorted runs`,
    {
      where: `${path} (sorted runs in ${workDir})`,
      remedy:
        'Make room, or put the spool on a larger disk, and run again: this slice is exported anew. What was half-written has been removed.',
      cause,
    },
  )
}
