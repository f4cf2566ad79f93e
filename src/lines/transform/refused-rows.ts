/** Values that cannot be sent, on their way with the others: only one that no later value replaces goes to the dead letter. */
import { NO_SERIES, type RowCursor } from '../rows.ts'

/** No value of line protocol begins with it. */
const MARK = 0

/** What stands in a store in place of a value that cannot be sent: why, and its line. */
export function refusedMark(reason: string, line: Buffer): Buffer {
  return Buffer.concat([Buffer.from([MARK]), Buffer.from(reason), Buffer.from([MARK]), line])
}

/** The rows of a cursor, with holes where values cannot be sent, each of which is told. */
export class RefusedRows implements RowCursor {
  series = NO_SERIES
  seconds = 0
  nanos = 0
  count = 0
  field: readonly number[] = []
  bytes: readonly Buffer[] = []
  start: readonly number[] = []
  end: readonly number[] = []
  readonly #rows: RowCursor
  readonly #refuse: (reason: string, line: Buffer) => void

  constructor(rows: RowCursor, refuse: (reason: string, line: Buffer) => void) {
    this.#rows = rows
    this.#refuse = refuse
  }

  next(): boolean {
    const rows = this.#rows
    if (!rows.next()) return false
    const { count, bytes, start, end } = rows
    this.series = rows.series
    this.seconds = rows.seconds
    this.nanos = rows.nanos
    this.count = count
    this.field = rows.field
    this.bytes = bytes
    this.start = start
    this.end = end
    for (let i = 0; i < count; i++) {
      const [from, to] = [start[i] as number, end[i] as number]
      if (from === to || bytes[i]?.[from] !== MARK) continue
      this.#tell((bytes[i] as Buffer).subarray(from + 1, to))
      this.end = this.end.with(i, from)
    }
    return true
  }

  #tell(text: Buffer): void {
    const end = text.indexOf(MARK)
    this.#refuse(text.toString('utf8', 0, end), Buffer.from(text.subarray(end + 1)))
  }
}
