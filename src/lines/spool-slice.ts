import { rm } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import type { TimeWindow } from '../core/time.ts'
import type { ExportCounts } from './accounting.ts'
import type { BatchWriter } from './batch-writer.ts'
import { finishedSpool, type SourceCounts, type SpoolTarget } from './finished-spool.ts'
import { LineParser, type Comments } from './line-parser.ts'
import { readLines } from './line-reader.ts'
import { MergedRows } from './merged-rows.ts'
import { PointStore } from './point-store.ts'
import type { Overwritten, RowCursor } from './rows.ts'
import { RunRows, writeRun } from './run-file.ts'
import { StoredRows } from './stored-rows.ts'

/** Runs merged at once: each has a file open and a buffer. */
const FAN_IN = 64

export type SpoolSliceOptions = SpoolTarget & {
  window: TimeWindow
  /** Bytes for points, dictionaries and sorting. Batches in the making come on top: five times `batch.bytes`. */
  memory: number
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
  const job = new SpoolJob(options)
  return finishedSpool(
    options,
    (open) => job.run(chunks, open),
    () => job.runBytes,
  )
}

class SpoolJob {
  /** Of sorted runs. */
  runBytes = 0
  readonly #options: SpoolSliceOptions
  readonly #store: PointStore
  readonly #parser: LineParser
  readonly #overwritten: Overwritten = { points: 0 }
  /** Oldest first. */
  #runs: string[] = []
  #nextRun = 0

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

  async run(chunks: AsyncIterable<Uint8Array>, open: () => Promise<BatchWriter>): Promise<SourceCounts> {
    const { signal, onProgress } = this.#options
    await readLines(chunks, this.#parser, {
      onFull: () => this.#spill(),
      onProgress: (bytes) => onProgress(bytes, this.#parser.pointsRead),
      signal,
    })
    while (this.#runs.length >= FAN_IN) await this.#mergePass()
    const writer = await open()
    const stored = new StoredRows(this.#store, this.#overwritten)
    await this.#merging(this.#runs, [stored], (rows) => writer.writeAll(rows))
    const { pointsRead, filtered, refusedPoints } = this.#parser
    return {
      ...{ pointsRead, overwritten: this.#overwritten.points, deleted: 0 },
      ...{ filtered, refusedPoints, skipped: 0 },
    }
  }

  async #spill(): Promise<void> {
    await this.#writeRun(new StoredRows(this.#store, this.#overwritten))
    this.#store.clear()
  }

  async #writeRun(rows: RowCursor): Promise<string> {
    const path = join(this.#options.workDir, `run-${this.#nextRun++}`)
    this.#runs.push(path)
    this.runBytes += await writeRun(path, rows, this.#options.signal)
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
}
