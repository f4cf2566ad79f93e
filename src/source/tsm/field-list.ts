import type { FieldSource, FieldSources } from './series-cursor.ts'
import { unionOf, type TimeRanges } from './time-ranges.ts'

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

/** The fields of one series while they are collected, file by file, each file's in ascending order. */
export class FieldList {
  readonly #entries: Entry[] = []
  /** Made when a second file has the series; until then, fields come in order. */
  #byName: Map<string, Entry> | undefined

  add(field: Buffer, source: FieldSource, order: number, wal: number): void {
    this.#entry(field).sources.push({ source, order, wal })
  }

  deleteFromWal(field: Buffer, runDelete: RunDelete): void {
    this.#entry(field).deletes.push(runDelete)
  }

  /** Fields in order, their sources older first. */
  sorted(): FieldSources[] {
    const entries = this.#entries.filter(({ sources }) => sources.length > 0)
    if (this.#byName !== undefined) entries.sort((a, b) => Buffer.compare(a.field, b.field))
    return entries.map(({ field, sources, deletes }) => {
      if (sources.length > 1) sources.sort((a, b) => a.order - b.order)
      return {
        field,
        sources: sources.map(({ source, order, wal }) => {
          const later = deletes.filter((one) => one.wal === wal && one.order > order)
          if (later.length === 0) return source
          return { ...source, deleted: unionOf(later.flatMap(({ ranges }) => [...ranges])) }
        }),
      }
    })
  }

  #entry(field: Buffer): Entry {
    const last = this.#entries.at(-1)
    if (this.#byName === undefined) {
      const order = last === undefined ? -1 : Buffer.compare(last.field, field)
      if (order === 0 && last !== undefined) return last
      if (order < 0) return this.#new(field)
      this.#byName = new Map(this.#entries.map((entry) => [entry.field.toString('latin1'), entry]))
    }
    const name = field.toString('latin1')
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const entry = this.#new(field)
    this.#byName.set(name, entry)
    return entry
  }

  #new(field: Buffer): Entry {
    const entry: Entry = { field, sources: [], deletes: [] }
    this.#entries.push(entry)
    return entry
  }
}
