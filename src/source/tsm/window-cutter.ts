import type { TimeWindow } from '../../core/time.ts'
import type { BlockTable } from './block-table.ts'
import type { FieldSource } from './series-cursor.ts'

/** What the kernel holds of a block beside its bytes, and of a source beside its blocks: decoded and merged points. */
const BLOCK_COST = 48
const SOURCE_COST = 36_000
/** Strings are decoded a block at a time. How long they get, their block tells; this often they get longer at most. */
const STRINGS = 3
const STRINGS_GROWTH = 8

/** The rows of a source whose blocks may have points in the window. */
export function clipped(
  { first, count }: Pick<FieldSource, 'first' | 'count'>,
  table: BlockTable,
  { start, end }: TimeWindow,
): { from: number; to: number } {
  let from = first
  let to = first + count
  while (from < to && table.maxTime(from) < start) from++
  while (to > from && table.minTime(to - 1) >= end) to--
  return { from, to }
}

/** Cuts the window of a large series into shorter ones, so that the blocks of each fit into memory. */
export class WindowCutter {
  readonly #table: BlockTable
  readonly #window: TimeWindow
  readonly #sources: readonly FieldSource[]
  /** Of all blocks together. */
  readonly #cost: number
  /** By the blocks' first times: rows of the table, and which source each is of. Made when first needed. */
  #rows: { row: number; source: number }[] | undefined

  constructor(sources: readonly FieldSource[], table: BlockTable, window: TimeWindow) {
    this.#table = table
    this.#window = window
    this.#sources = sources
    this.#cost = sources.reduce((sum, source) => {
      let cost = costOf(source, table)
      for (let row = source.first; row < source.first + source.count; row++) cost += this.#costOf(row)
      return sum + cost
    }, 0)
  }

  /** Where the longest window that begins at `start` and takes about `budget` bytes ends. One block of each source is the least. */
  endFrom(start: bigint, budget: number): bigint {
    const { end } = this.#window
    if (this.#cost <= budget) return end
    const table = this.#table
    const seen = new Set<number>()
    let cost = 0
    for (const { row, source } of (this.#rows ??= this.#sorted())) {
      if (table.maxTime(row) < start) continue
      cost += this.#costOf(row)
      if (!seen.has(source)) cost += costOf(this.#sources[source], table)
      seen.add(source)
      if (cost > budget && table.minTime(row) > start) return table.minTime(row)
    }
    return end
  }

  #costOf(row: number): number {
    return (this.#table.sizes[row] ?? 0) + BLOCK_COST
  }

  #sorted(): { row: number; source: number }[] {
    const rows = this.#sources.flatMap(({ first, count }, source) =>
      Array.from({ length: count }, (_, i) => ({ row: first + i, source })),
    )
    const { times } = this.#table
    const minTime = ({ row }: { row: number }) => times[2 * row] ?? 0n
    return rows.sort((a, b) => {
      const [x, y] = [minTime(a), minTime(b)]
      return x < y ? -1 : x > y ? 1 : 0
    })
  }
}

function costOf(source: FieldSource | undefined, table: BlockTable): number {
  if (source === undefined || source.type !== STRINGS) return SOURCE_COST
  let largest = 0
  for (let row = source.first; row < source.first + source.count; row++)
    largest = Math.max(largest, table.sizes[row] ?? 0)
  return SOURCE_COST + STRINGS_GROWTH * largest
}
