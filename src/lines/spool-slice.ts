import type { TimeWindow } from '../core/time.ts'
import type { ExportCounts } from './accounting.ts'
import type { BatchWriter } from './batch-writer.ts'
import { finishedSpool, type SourceCounts, type SpoolTarget } from './finished-spool.ts'
import { refusedLine } from './dead-letter.ts'
import { LineParser, type Comments, type Refusal } from './line-parser.ts'
import { readLines } from './line-reader.ts'
import { SortedRows } from './sorted-rows.ts'
import { SERIES_KEY_END } from './stored-names.ts'
import type { SeriesTransform } from './transform/series-plan.ts'
import { TransformedRows } from './transform/transformed-rows.ts'

export type SpoolSliceOptions = SpoolTarget & {
  window: TimeWindow
  /** Bytes for points, dictionaries and sorting. Batches in the making come on top: five times `batch.bytes`. */
  memory: number
  /** What is made of the rows before they are sent. */
  transform?: SeriesTransform | undefined
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
  readonly #transformed: TransformedRows | undefined

  constructor(options: SpoolSliceOptions) {
    const { workDir, signal, window, comments = 'any', transform } = options
    // With transforms rows are sorted twice: those of the source, and what becomes of them.
    const memory = transform === undefined ? options.memory : Math.floor(options.memory / 2)
    const sorted = (name: string) => new SortedRows({ memory, folder: workDir, name, signal })
    this.#options = options
    this.#sorted = sorted('run')
    const refuse = (refusal: Refusal) => this.#refuse(refusal)
    const reading = transform === undefined ? 'v3' : 'stored'
    this.#parser = new LineParser(this.#sorted.store, window, comments, refuse, reading)
    if (transform !== undefined)
      this.#transformed = new TransformedRows(transform, sorted('target'), refuse, SERIES_KEY_END.length)
  }

  /** Of sorted runs. */
  get runBytes(): number {
    return this.#sorted.runBytes + (this.#transformed?.runBytes ?? 0)
  }

  async run(chunks: AsyncIterable<Uint8Array>, open: () => Promise<BatchWriter>): Promise<SourceCounts> {
    const { signal, onProgress } = this.#options
    await readLines(chunks, this.#parser, {
      onFull: () => this.#sorted.spill(),
      onProgress: (bytes) => onProgress(bytes, this.#parser.pointsRead),
      signal,
    })
    const { pointsRead, filtered, refusedPoints } = this.#parser
    const transformed = this.#transformed
    if (transformed === undefined) await this.#sorted.merged(async (rows) => (await open()).writeAll(rows))
    else {
      await this.#sorted.merged((rows) => transformed.add(rows))
      await transformed.writeTo(await open())
    }
    const counts = {
      ...{ pointsRead, overwritten: this.#sorted.overwritten.points, deleted: 0 },
      ...{ filtered, refusedPoints, skipped: 0 },
    }
    return transformed === undefined ? counts : transformed.addTo(counts)
  }

  #refuse({ reason, line, points }: Refusal): void {
    const { slice, deadLetters } = this.#options
    deadLetters.add(refusedLine(slice, reason, line, points))
  }
}
