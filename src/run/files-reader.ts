/** A slice's points read from its files again, by the export, with nothing spooled: to compare them with the cluster. */
import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { unpack } from '../cluster/repair-batch.ts'
import type { BatchDestination } from '../lines/batch-writer.ts'
import type { DeadLetterSink } from '../lines/dead-letter.ts'
import { FigureBook } from '../lines/figure-book.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { Slice } from '../plan/plan.ts'
import { fingerprintOf, showSlice } from '../plan/slices.ts'
import { pointsOf } from '../verify/refused-points.ts'
import type { Point, SourceReader } from '../verify/source-reader.ts'
import { stateOf, type RunContext } from './context.ts'
import { ExportJob } from './export.ts'

const nothing = () => Promise.resolve()
const NOWHERE: BatchDestination = { write: nothing, finish: nothing, abandon: nothing }
/** What cannot be expressed is in the dead letter since the export. */
const NO_LETTERS: DeadLetterSink = { add: () => undefined, flush: nothing }

export class FilesReader implements SourceReader {
  readonly #context: RunContext
  readonly #slices: readonly Slice[]
  readonly #asTheyAre: boolean
  #job: Promise<ExportJob> | undefined
  /** An export reads one slice at a time. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param asTheyAre also of slices whose files changed since they were exported. */
  constructor(context: RunContext, slices: readonly Slice[], asTheyAre: boolean) {
    this.#context = { ...context, observe: () => undefined }
    this.#slices = slices
    this.#asTheyAre = asTheyAre
  }

  async figures(slice: Slice, window: TimeWindow): Promise<FieldFigures[]> {
    const figures = new FigureBook()
    await this.#read(slice, window, { destination: NOWHERE, figures })
    return figures.result()
  }

  async points(
    slice: Slice,
    window: TimeWindow,
    measurement: string | undefined,
    take: (point: Point) => void,
  ): Promise<void> {
    const write = async (member: Uint8Array) => {
      for (const { bytes } of await unpack(member))
        for (const point of pointsOf(bytes, window))
          if (measurement === undefined || point.measurement === measurement) take(point)
    }
    await this.#read(slice, window, { destination: { ...NOWHERE, write } })
  }

  async close(): Promise<void> {
    await (await this.#job?.catch(() => undefined))?.close()
  }

  #read(
    slice: Slice,
    window: TimeWindow,
    to: { destination: BatchDestination; figures?: FigureBook },
  ): Promise<unknown> {
    const turn = this.#last.then(async () => {
      this.#expectThere(slice)
      const job = await (this.#job ??= ExportJob.open(
        this.#context,
        this.#slices.filter(({ files }) => files.length > 0),
        'export',
      ))
      await job.makeBatches({ ...slice, window }, to, NO_LETTERS, this.#context.signal)
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #expectThere(slice: Slice): void {
    const state = stateOf(this.#context, slice)
    if (slice.files.length === 0)
      throw new Failure('verify/source-gone', 'the source no longer holds its shard', {
        where: showSlice(slice.id),
      })
    if (this.#asTheyAre || state?.status !== 'written' || state.fingerprint === fingerprintOf(slice)) return
    throw new Failure('verify/source-changed', 'its source files changed since they were exported', {
      where: showSlice(slice.id),
    })
  }
}
