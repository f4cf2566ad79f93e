/** What TSM files hold, from their indexes (and tombstones) alone: for `inspect`, in seconds for many gigabytes. */
import { setImmediate as breathe } from 'node:timers/promises'
import { ALL_TIME } from '../../core/time.ts'
import { pointsAt } from './block-points.ts'
import { nameOfType, type BlockStore } from './block-store.ts'
import type { BlockTable } from './block-table.ts'
import { openSeriesCursor, type SeriesCursorOptions } from './series-cursor.ts'
import type { FieldSource } from './field-list.ts'
import { covers, touches } from './time-ranges.ts'

export interface Inventory {
  /** By name. */
  measurements: MeasurementInventory[]
  /** Distinct series of all files. */
  series: number
  files: FileInventory[]
  /** Fields of series with blocks in two or more files that overlap in time: these must be merged. */
  overlaps: number
}

export interface MeasurementInventory {
  /** Without escapes. */
  name: string
  series: number
  fields: FieldInventory[]
  /** Of compressed blocks. */
  blocks: number
  bytes: number
  /** Stored points: overwritten and deleted ones too. An estimate (every 64th block counted) where not `exact`. */
  points: number
  exact: boolean
  /** Nanoseconds; of what is stored. */
  first: bigint
  last: bigint
}

export interface FieldInventory {
  name: string
  /** More than one: it changed, between shards or after a DROP MEASUREMENT. `float`, `integer`, ... */
  types: string[]
}

export interface FileInventory {
  path: string
  /** Keys: fields of series. Those with a part deleted by tombstones, and those deleted as a whole. */
  keys: number
  partlyDeleted: number
  deleted: number
  blocks: number
  bytes: number
  first: bigint
  last: bigint
}

export interface InventoryOptions extends Pick<
  SeriesCursorOptions,
  'memory' | 'temporaryFolder' | 'onDamage'
> {
  signal: AbortSignal
  /** Bytes of all indexes that are done, of how many. */
  onProgress?: (done: number, total: number) => void
}

const SERIES_AT_A_TIME = 1000
/** Blocks of a measurement that are all counted, and how many are passed over for one that is counted after that. */
const COUNTED_BLOCKS = 2000
const SAMPLE = 64

/**
 * Of the files given, of any shards of one retention policy. Without WAL segments among them no value is read at all; with
 * them, the WAL's points count as well. What tombstones delete as a whole is left out, but for `files`.
 */
export async function inventoryOf(paths: readonly string[], options: InventoryOptions): Promise<Inventory> {
  const cursor = await openSeriesCursor(paths, { ...options, window: ALL_TIME })
  const measurements = new Map<string, MeasurementCount>()
  const files = new Map<BlockStore, FileInventory>()
  let series = 0
  let overlaps = 0
  let last: { prefix: Buffer; count: MeasurementCount } | undefined
  try {
    for (const one of cursor.series()) {
      const { blocks, fields } = one
      let counted = false
      for (const { field, sources } of fields) {
        const left = sources.filter((source) => countFile(files, source, blocks))
        if (left.length === 0) continue
        if (last === undefined || !isOf(one.series, last.prefix)) {
          const prefix = measurementOf(one.series)
          const name = prefix.toString('latin1')
          const count = measurements.get(name) ?? new MeasurementCount()
          measurements.set(name, count)
          last = { prefix: Buffer.from(prefix), count }
        }
        for (const source of left) last.count.add(field, source, blocks)
        if (left.length > 1 && overlapping(left, blocks)) overlaps += 1
        if (!counted) last.count.series += 1
        counted = true
      }
      if (counted) series += 1
      if (series % SERIES_AT_A_TIME === 0) {
        options.signal.throwIfAborted()
        options.onProgress?.(cursor.passed, cursor.indexBytes)
        await breathe()
      }
    }
  } finally {
    cursor.close()
  }
  return {
    measurements: [...measurements]
      .map(([name, count]) => count.result(unescaped(Buffer.from(name, 'latin1'))))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    series,
    files: [...files.values()],
    overlaps,
  }
}

class MeasurementCount {
  series = 0
  readonly #fields = new Map<string, number>()
  #blocks = 0
  #bytes = 0
  #counted = 0
  #sampled = { blocks: 0, points: 0 }
  #times: Span = { first: 0n, last: -1n }

  add(field: Buffer, { first, count, type, encoding, store }: FieldSource, table: BlockTable): void {
    const name = field.toString('latin1')
    this.#fields.set(name, (this.#fields.get(name) ?? 0) | (1 << type))
    this.#times = joined(this.#times, spanOf(table, first, count))
    for (let row = first; row < first + count; row++) {
      const size = table.sizes[row] ?? 0
      this.#bytes += size
      this.#blocks += 1
      const all = this.#blocks <= COUNTED_BLOCKS
      if (!all && this.#blocks % SAMPLE !== 0) continue
      const points = pointsAt({ encoding, store }, table, row)
      if (all) this.#counted += points
      else this.#sampled = { blocks: this.#sampled.blocks + 1, points: this.#sampled.points + points }
    }
  }

  result(name: string): MeasurementInventory {
    const rest = Math.max(0, this.#blocks - COUNTED_BLOCKS)
    const { blocks, points } = this.#sampled
    const mean = blocks > 0 ? points / blocks : this.#counted / COUNTED_BLOCKS
    return {
      name,
      series: this.series,
      fields: [...this.#fields]
        .map(([field, types]) => ({
          name: Buffer.from(field, 'latin1').toString(),
          types: ([0, 1, 2, 3, 4] as const).filter((type) => types & (1 << type)).map(nameOfType),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      blocks: this.#blocks,
      bytes: this.#bytes,
      points: this.#counted + Math.round(rest * mean),
      exact: rest === 0,
      ...this.#times,
    }
  }
}

/** Whether anything is left of a source after its tombstones. */
function countFile(files: Map<BlockStore, FileInventory>, source: FieldSource, table: BlockTable): boolean {
  const { store, first, count, deleted } = source
  const span = spanOf(table, first, count)
  const whole = deleted.length > 0 && covers(deleted, span.first, span.last)
  if (source.encoding === 'wal') return !whole
  let file = files.get(store)
  if (file === undefined) {
    file = {
      path: store.path,
      keys: 0,
      partlyDeleted: 0,
      deleted: 0,
      blocks: 0,
      bytes: 0,
      first: 0n,
      last: -1n,
    }
    files.set(store, file)
  }
  Object.assign(file, joined(file, span))
  file.keys += 1
  file.blocks += count
  for (let row = first; row < first + count; row++) file.bytes += table.sizes[row] ?? 0
  if (whole) file.deleted += 1
  else if (deleted.length > 0 && touches(deleted, span.first, span.last)) file.partlyDeleted += 1
  return !whole
}

interface Span {
  first: bigint
  last: bigint
}

function spanOf(table: BlockTable, first: number, count: number): Span {
  const span = { first: table.minTime(first), last: table.maxTime(first) }
  for (let row = first + 1; row < first + count; row++) {
    const last = table.maxTime(row)
    if (last > span.last) span.last = last
  }
  return span
}

function joined(a: Span, b: Span): Span {
  if (a.first > a.last) return b
  return { first: a.first < b.first ? a.first : b.first, last: a.last > b.last ? a.last : b.last }
}

/** Whether blocks of two sources share a part of time. */
function overlapping(sources: readonly FieldSource[], table: BlockTable): boolean {
  const blocks = sources.flatMap(({ first, count }, source) =>
    Array.from({ length: count }, (_, i) => ({
      source,
      first: table.minTime(first + i),
      last: table.maxTime(first + i),
    })),
  )
  blocks.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  // The block that reaches furthest, and the one of another source that does.
  let end: (typeof blocks)[number] | undefined
  let other: (typeof blocks)[number] | undefined
  for (const block of blocks) {
    const before = end?.source === block.source ? other : end
    if (before !== undefined && block.first <= before.last) return true
    if (end === undefined || block.last >= end.last) {
      if (end !== undefined && end.source !== block.source) other = end
      end = block
    } else if (block.source !== end.source && (other === undefined || block.last > other.last)) other = block
  }
  return false
}

/** The series key up to the first comma without a backslash before it: two backslashes escape it as well, in 1.x. */
function measurementOf(series: Buffer): Buffer {
  for (let at = series.indexOf(0x2c); at >= 0; at = series.indexOf(0x2c, at + 1))
    if (series[at - 1] !== 0x5c) return series.subarray(0, at)
  return series
}

function isOf(series: Buffer, prefix: Buffer): boolean {
  if (series.length < prefix.length || series.compare(prefix, 0, prefix.length, 0, prefix.length) !== 0)
    return false
  return series.length === prefix.length || series[prefix.length] === 0x2c
}

/** 1.x's rule for measurements: a backslash escapes a comma and a space, and is itself elsewhere. */
function unescaped(measurement: Buffer): string {
  return measurement.toString().replace(/\\([, ])/g, '$1')
}
