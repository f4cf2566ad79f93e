import type { BlockStore, BlockType } from './block-store.ts'
import { unionOf, type TimeRanges } from './time-ranges.ts'

/** Blocks of one field from one TSM file or one sorted run of a WAL. */
export interface FieldSource {
  /** How its blocks are encoded: TSM's, or a sorted run's columns (wal-run.ts). */
  encoding: 'tsm' | 'wal'
  store: BlockStore
  type: BlockType
  /** Rows of the series' block table. Each block meets the window, most are not wholly in it. */
  first: number
  count: number
  /** Times deleted from this source (not from later ones), both ends inclusive. */
  deleted: TimeRanges
}

export interface FieldSources {
  /** The field's name as it is, without escapes. */
  field: Buffer
  /** Older first, at least one. Types may differ: the measurement was dropped in between. */
  sources: FieldSource[]
}

/** What a sorted run deletes of the runs before it of the same WAL. */
export interface RunDelete {
  wal: number
  order: number
  ranges: TimeRanges
}

interface Entry {
  field: Buffer
  /** `wal` is -1 for a TSM file. */
  sources: { source: FieldSource; order: number; wal: number }[]
  deletes: RunDelete[]
}

/**
 * The fields of one series while they are collected, file by file, each file's in ascending order. Mostly the files have
 * the same fields, so each file is walked along the list made so far, and only a new field in the middle disturbs it.
 */
export class FieldList {
  #entries: Entry[] = []
  /** Where the file being collected is in the list; entries from `#sorted` on are new ones, out of order. */
  #at = 0
  #sorted = 0
  #order = -1

  add(field: Buffer, source: FieldSource, order: number, wal: number): void {
    this.#entry(field, order).sources.push({ source, order, wal })
  }

  deleteFromWal(field: Buffer, runDelete: RunDelete): void {
    this.#entry(field, runDelete.order).deletes.push(runDelete)
  }

  /** Fields in order, their sources older first. */
  sorted(): FieldSources[] {
    this.#settle()
    const fields: FieldSources[] = []
    for (const { field, sources, deletes } of this.#entries) {
      if (sources.length === 0) continue
      if (sources.length > 1) sources.sort((a, b) => a.order - b.order)
      fields.push({ field, sources: sources.map((one) => withDeletes(one, deletes)) })
    }
    return fields
  }

  #entry(field: Buffer, order: number): Entry {
    if (order !== this.#order) {
      this.#settle()
      this.#order = order
      this.#at = 0
    }
    for (; this.#at < this.#sorted; this.#at++) {
      const entry = this.#entries[this.#at]
      const comparison = entry === undefined ? 1 : Buffer.compare(entry.field, field)
      if (comparison === 0 && entry !== undefined) return entry
      if (comparison > 0) break
    }
    const last = this.#entries.length > this.#sorted ? this.#entries.at(-1) : undefined
    if (last !== undefined && last.field.equals(field)) return last
    const entry: Entry = { field, sources: [], deletes: [] }
    this.#entries.push(entry)
    return entry
  }

  /** New fields into their places. */
  #settle(): void {
    if (this.#sorted > 0 && this.#sorted < this.#entries.length)
      this.#entries.sort((a, b) => Buffer.compare(a.field, b.field))
    this.#sorted = this.#entries.length
  }
}

function withDeletes({ source, order, wal }: Entry['sources'][number], deletes: RunDelete[]): FieldSource {
  if (deletes.length === 0) return source
  const later = deletes.filter((one) => one.wal === wal && one.order > order)
  if (later.length === 0) return source
  return { ...source, deleted: unionOf(later.flatMap(({ ranges }) => [...ranges])) }
}
