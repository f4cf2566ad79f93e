import type { TimeWindow } from '../core/time.ts'
import type { ExportCounts } from './accounting.ts'
import type { BatchWriter } from './batch-writer.ts'
import { finishedSpool, type SourceCounts, type SpoolTarget } from './finished-spool.ts'
import { refusedLine } from './dead-letter.ts'
import { LineParser, type Comments, type Refusal } from './line-parser.ts'
import { readLines } from './line-reader.ts'
import { SortedRows } from './sorted-rows.ts'

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
  readonly #options: SpoolSliceOptions
  readonly #sorted: SortedRows
  readonly #parser: LineParser

  constructor(options: SpoolSliceOptions) {
    const { memory, workDir, signal, window, comments = 'any' } = options
    this.#options = options
    this.#sorted = new SortedRows({ memory, folder: workDir, name: 'run', signal })
    this.#parser = new LineParser(this.#sorted.store, window, comments, (refusal) => this.#refuse(refusal))
  }

  /** Of sorted runs. */
  get runBytes(): number {
    return this.#sorted.runBytes
  }

  async run(chunks: AsyncIterable<Uint8Array>, open: () => Promise<BatchWriter>): Promise<SourceCounts> {
    const { signal, onProgress } = this.#options
    await readLines(chunks, this.#parser, {
      onFull: () => this.#sorted.spill(),
      onProgress: (bytes) => onProgress(bytes, this.#parser.pointsRead),
      signal,
    })
    const { pointsRead, filtered, refusedPoints } = this.#parser
    await this.#sorted.merged(async (rows) => (await open()).writeAll(rows))
    return {
      ...{ pointsRead, overwritten: this.#sorted.overwritten.points, deleted: 0 },
      ...{ filtered, refusedPoints, skipped: 0 },
    }
  }

  #refuse({ reason, line, points }: Refusal): void {
    const { slice, deadLetters } = this.#options
    deadLetters.add(refusedLine(slice, reason, line, points))
  }
}
