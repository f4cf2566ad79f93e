/**
 * Rows of the source in, points of the target out, into a store that sorts them: the way for all rules, those too that
 * change which rows there are. The values of a row are added in the order of their names, and rows come in the order of
 * series keys and times: of the values of one target field at one time the store keeps the one that came last.
 */
import { NO_SERIES, type RowCursor, type Series } from '../rows.ts'
import { seriesNames } from '../series-key.ts'
import type { SortedRows } from '../sorted-rows.ts'
import { escapedFieldKey } from '../stored-names.ts'
import { writeInstant, type Instant } from '../timestamp.ts'
import { bytesOf } from './byte-string.ts'
import { castValue, typeOfValue } from './cast-value.ts'
import { cutInstant } from './cut-time.ts'
import { refusedMark } from './refused-rows.ts'
import { SeriesPlan, type SeriesTransform, type SourceField } from './series-plan.ts'
import { TargetRows, type SourceValue, type TargetField, type TargetKey } from './target-rows.ts'

export interface RowTransformOptions {
  transform: SeriesTransform
  target: SortedRows
  /** A line of the source that cannot be sent, or a part of its fields. */
  refuse: (reason: string, line: Buffer, points: number) => void
  /** Bytes at the end of a cursor's series keys that are not part of them. */
  suffix: number
}

/** A value of the row under way, as a target field gets it. */
interface Part {
  field: TargetField
  value: SourceValue
  /** Its name in the source. */
  source: string
}

/** A point for the store. */
interface Staged extends Instant {
  key: TargetKey
  field: TargetField
  bytes: Buffer
}

const NO_BYTES = Buffer.alloc(0)
const OUT_OF_RANGE = 'the time, cut to its precision, is out of range'

export class RowTransform {
  /** Points that rules took out: dropped, or made a tag. */
  dropped = 0
  /** Points that rules made of tags; a field that was a tag of several targets is a point of each. */
  added = 0
  refusedPoints = 0
  readonly #options: RowTransformOptions
  #series: Series = NO_SERIES
  #key: Buffer = NO_BYTES
  #plan: SeriesPlan | undefined
  #targets: TargetRows[] = []
  /** The row's values, by place in the plan. */
  #values: (SourceValue | undefined)[] = []
  /** By place, of how many targets it is a field. */
  #sent: number[] = []
  #staged: Staged[] = []
  #stagedBytes = 0
  /** Changes when ids of the store are void. */
  #generation = 0

  constructor(options: RowTransformOptions) {
    this.#options = options
  }

  /** Takes all rows of a cursor: `series.key` is a key of 1.x, fields are names without escapes, values as 1.x has them. */
  async writeAll(rows: RowCursor): Promise<void> {
    while (rows.next()) {
      this.#read(rows)
      this.#staged.length = 0
      this.#stagedBytes = 0
      for (const target of this.#targets) this.#stage(target, rows)
      this.#count()
      if (!this.#hasRoom()) await this.#spill()
      for (const point of this.#staged) this.#store(point)
    }
  }

  #read(rows: RowCursor): void {
    const plan = rows.series === this.#series && this.#plan !== undefined ? this.#plan : this.#open(rows)
    const unseen: SourceField[] = []
    const values: (SourceValue & { field: number })[] = []
    for (let i = 0; i < rows.count; i++) {
      const bytes = (rows.bytes[i] as Buffer).subarray(rows.start[i], rows.end[i])
      const type = typeOfValue(bytes, 0, bytes.length)
      const field = rows.field[i] as number
      if (plan.placeOf(field, type) < 0) unseen.push({ field, type })
      values.push({ field, type, bytes })
    }
    if (unseen.length > 0) {
      plan.add(unseen)
      this.#targets = plan.targets.map((target) => new TargetRows(target))
    }
    this.#values = new Array<undefined>(plan.fields.length).fill(undefined)
    this.#sent = new Array<number>(plan.fields.length).fill(0)
    for (const value of values) this.#values[plan.placeOf(value.field, value.type)] = value
  }

  #count(): void {
    this.#values.forEach((value, place) => {
      if (value === undefined) return
      const times = this.#sent[place] as number
      if (times === 0) this.dropped += 1
      else this.added += times - 1
    })
  }

  #open({ series }: RowCursor): SeriesPlan {
    this.#series = series
    this.#key = series.key.subarray(0, series.key.length - this.#options.suffix)
    const names = seriesNames(this.#key)
    if (typeof names === 'string') throw new RangeError(`a series key that cannot be read: ${names}`)
    this.#targets = []
    return (this.#plan = new SeriesPlan(this.#options.transform, names, series.fields))
  }

  #stage(target: TargetRows, rows: RowCursor): void {
    const values = this.#values
    const has = (place: number) => values[place] !== undefined
    const constants = target.constants.filter(({ isIn }) => isIn(has))
    const fields = target.fields.filter(({ from, isIn }) => has(from) && (isIn?.(has) ?? true))
    if (constants.length + fields.length === 0) return
    this.added += constants.length
    for (const { from } of fields) this.#sent[from] = (this.#sent[from] as number) + 1
    const parts: Part[] = [
      ...constants.map((field) => ({ field, value: field.value, source: field.name })),
      ...fields.map((field) => ({
        field,
        value: values[field.from] as SourceValue,
        source: this.#plan?.nameOf(field.from) ?? '',
      })),
    ]
    const refuse = (reason: string, some: readonly Part[]) => this.#refuse(reason, some, rows)
    const key = target.keyOf((place) => values[place])
    if (key.refused !== undefined) return refuse(key.refused, parts)
    const time = cutInstant(rows.seconds, rows.nanos, target.precision)
    if (time === undefined) return refuse(OUT_OF_RANGE, parts)
    for (const part of parts) {
      const { field, value } = part
      if (field.refused !== undefined) {
        refuse(field.refused, [part])
        continue
      }
      const cast = castValue(value.bytes, value.type, field.type)
      const bytes = typeof cast === 'string' ? refusedMark(cast, this.#lineOf([part], rows)) : cast
      this.#staged.push({ key, field, bytes, seconds: time.seconds, nanos: time.nanos })
      this.#stagedBytes += bytes.length
    }
  }

  #hasRoom(): boolean {
    const { store } = this.#options.target
    return store.fits(this.#staged.length, this.#stagedBytes) && !store.isFull()
  }

  async #spill(): Promise<void> {
    await this.#options.target.spill()
    this.#generation += 1
    this.#options.target.store.fits(this.#staged.length, this.#stagedBytes) // makes room for a row larger than all
  }

  #store({ key, field, seconds, nanos, bytes }: Staged): void {
    const { store } = this.#options.target
    const pair = key.pairOf(field, store, this.#generation)
    store.add(pair, seconds, nanos, bytes, 0, bytes.length)
  }

  #refuse(reason: string, parts: readonly Part[], rows: RowCursor): void {
    this.refusedPoints += parts.length
    this.#options.refuse(reason, this.#lineOf(parts, rows), parts.length)
  }

  /** Fields of the row in 1.x line protocol. */
  #lineOf(parts: readonly Part[], rows: RowCursor): Buffer {
    const time = Buffer.allocUnsafe(20)
    const fields = parts.flatMap(({ source, value }, i) => [
      Buffer.from(i === 0 ? ' ' : ','),
      escapedFieldKey(bytesOf(source)),
      Buffer.from('='),
      value.bytes,
    ])
    const timeEnd = writeInstant(time, 0, rows.seconds, rows.nanos)
    return Buffer.concat([this.#key, ...fields, Buffer.from(' '), time.subarray(0, timeEnd)])
  }
}
