/**
 * Series as a message to a thread: some thousand rows' worth of them in one piece of memory that is handed over, so that a
 * million small series cost no objects on the way. Which series go together depends on the data alone.
 *
 * A series: its key in rows, its key as stored, its use u8, a reason (empty: it is to be read), blocks u32 and their table (block-table.ts),
 * columns u32 with {key, fields u32 x field, sources u32} each, and a source: store u32, encoding u8,
 * type u8, cast u8, part u32, first u32, count u32, deleted u32 x i64. Byte strings have their length (u32) before them. Little-endian.
 */
import type { BlockStore, BlockType, SharedStore } from './block-store.ts'
import { BlockTable, ROW_BYTES } from './block-table.ts'
import type { ColumnSource, SeriesColumn, SeriesToRead } from './load-window.ts'
import { openShared } from './shared-store.ts'
import { NO_RANGES } from './time-ranges.ts'

/** What becomes of a series' rows: batches are made of them, they are only counted, or who transforms rows gets them. */
export const USES = ['sent', 'dropped', 'transformed'] as const

/** A series, and why v3 has no way to write it, if so. */
export interface TaskSeries {
  series: SeriesToRead
  use: (typeof USES)[number]
  refused: string | undefined
}

export interface SeriesTask {
  bytes: ArrayBuffer
  size: number
  stores: SharedStore[]
}

const encodings = ['tsm', 'wal'] as const
const CASTS = [undefined, 'float', 'integer', 'unsigned', 'string', 'boolean', 'nothing', 'as-it-is'] as const

export class TaskPacker {
  #bytes = Buffer.allocUnsafeSlow(1 << 16)
  #at = 0
  #stores = new Map<BlockStore, number>()

  /** Bytes packed so far. */
  get size(): number {
    return this.#at
  }

  add({ series, use, refused = '' }: TaskSeries): void {
    const { key, columns, blocks } = series
    this.#string(key)
    this.#string(series.series)
    this.#room(1)
    this.#at = this.#bytes.writeUInt8(USES.indexOf(use), this.#at)
    this.#string(Buffer.from(refused))
    this.#room(4 + blocks.length * ROW_BYTES)
    this.#u32(blocks.length)
    for (const column of blocks.bytes()) {
      this.#bytes.set(column, this.#at)
      this.#at += column.length
    }
    this.#room(4)
    this.#u32(columns.length)
    for (const column of columns) this.#column(column)
  }

  /** What was added since the last time. */
  take(): SeriesTask {
    const { buffer } = this.#bytes
    const stores = [...this.#stores.keys()].map((store) => store.share())
    const task = { bytes: buffer, size: this.#at, stores }
    // The next one is about as large.
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length)
    this.#at = 0
    this.#stores = new Map()
    return task
  }

  #column({ key, fields, sources }: SeriesColumn): void {
    this.#string(key)
    this.#room(4)
    this.#u32(fields.length)
    for (const field of fields) this.#string(field)
    this.#room(4)
    this.#u32(sources.length)
    for (const { store, encoding, type, cast, part = 0, first, count, deleted } of sources) {
      this.#room(23 + deleted.byteLength)
      this.#u32(this.#storeNumber(store))
      this.#at = this.#bytes.writeUInt8(encodings.indexOf(encoding), this.#at)
      this.#at = this.#bytes.writeUInt8(type, this.#at)
      this.#at = this.#bytes.writeUInt8(cast === undefined ? 0 : CASTS.indexOf(cast), this.#at)
      this.#u32(part)
      this.#u32(first)
      this.#u32(count)
      this.#u32(deleted.length)
      for (const time of deleted) this.#at = this.#bytes.writeBigInt64LE(time, this.#at)
    }
  }

  #storeNumber(store: BlockStore): number {
    const known = this.#stores.get(store)
    if (known !== undefined) return known
    this.#stores.set(store, this.#stores.size)
    return this.#stores.size - 1
  }

  #string(bytes: Uint8Array): void {
    this.#room(4 + bytes.length)
    this.#u32(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #u32(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at)
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** The series of a task, each valid until the next one. */
export function* seriesOf(task: SeriesTask): Generator<TaskSeries, void> {
  const bytes = Buffer.from(task.bytes, 0, task.size)
  const stores = task.stores.map(openShared)
  const blocks = new BlockTable()
  let at = 0
  const view = new DataView(task.bytes)
  const u32 = () => view.getUint32((at += 4) - 4, true)
  const string = () => {
    const start = at + 4
    return bytes.subarray(start, (at = start + view.getUint32(at, true)))
  }
  const source = (): ColumnSource => {
    const store = stores[u32()] as BlockStore
    const encoding = encodings[bytes[at++] as number] ?? 'tsm'
    const type = bytes[at++] as BlockType
    const cast = CASTS[bytes[at++] as number]
    const part = u32()
    const first = u32()
    const count = u32()
    const length = u32()
    const deleted = length === 0 ? NO_RANGES : new BigInt64Array(length)
    for (let i = 0; i < length; i++, at += 8) deleted[i] = view.getBigInt64(at, true)
    return { store, encoding, type, cast, part, first, count, deleted }
  }
  const column = (): SeriesColumn => {
    const key = string()
    const fields: Buffer[] = []
    for (let left = u32(); left > 0; left--) fields.push(string())
    const sources: ColumnSource[] = []
    for (let left = u32(); left > 0; left--) sources.push(source())
    return { key, fields: fields as [Buffer, ...Buffer[]], sources }
  }
  while (at < bytes.length) {
    const key = string()
    const series = string()
    const use = USES[bytes[at++] as number] ?? 'sent'
    const reason = string()
    blocks.clear()
    const rows = u32()
    blocks.pushBytes(bytes.subarray(at, (at += rows * ROW_BYTES)), rows)
    const columns: SeriesColumn[] = []
    for (let left = u32(); left > 0; left--) columns.push(column())
    yield {
      series: { key, series, columns, blocks },
      use,
      refused: reason.length === 0 ? undefined : reason.toString(),
    }
  }
}
