/** Rows on their way through the rules and a second sorting, as a spool needs it. */
import type { BatchWriter } from '../batch-writer.ts'
import type { SourceCounts } from '../finished-spool.ts'
import type { Refusal } from '../line-parser.ts'
import type { RowCursor } from '../rows.ts'
import type { SortedRows } from '../sorted-rows.ts'
import { RefusedRows } from './refused-rows.ts'
import { RowTransform } from './row-transform.ts'
import type { SeriesTransform } from './series-plan.ts'

export class TransformedRows {
  readonly #target: SortedRows
  readonly #rows: RowTransform
  readonly #refuse: (refusal: Refusal) => void
  #refusedPoints = 0

  /**
   * `target`: for itself alone. `suffix`: bytes at the end of the rows' series keys that are not part of them.
   */
  constructor(
    transform: SeriesTransform,
    target: SortedRows,
    refuse: (refusal: Refusal) => void,
    suffix: number,
  ) {
    this.#target = target
    this.#refuse = refuse
    this.#rows = new RowTransform({
      transform,
      target,
      refuse: (reason, line, points) => refuse({ reason, line, points }),
      suffix,
    })
  }

  /** Of sorted runs. */
  get runBytes(): number {
    return this.#target.runBytes
  }

  /** Unique rows of the source, series in the order in which a TSM index has them. */
  async add(rows: RowCursor): Promise<void> {
    await this.#rows.writeAll(rows)
  }

  async writeTo(writer: BatchWriter): Promise<void> {
    const refuse = (reason: string, line: Buffer) => {
      this.#refusedPoints += 1
      this.#refuse({ reason, line, points: 1 })
    }
    await this.#target.merged((rows) => writer.writeAll(new RefusedRows(rows, refuse)))
  }

  /** The sums of the source with what became of its points here. */
  addTo(counts: SourceCounts): SourceCounts {
    const { dropped, added, refusedPoints } = this.#rows
    return {
      ...counts,
      overwritten: counts.overwritten + this.#target.overwritten.points,
      refusedPoints: counts.refusedPoints + refusedPoints + this.#refusedPoints,
      dropped: (counts.dropped ?? 0) + dropped,
      added: (counts.added ?? 0) + added,
    }
  }
}
