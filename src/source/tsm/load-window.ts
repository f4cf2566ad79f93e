/** Puts the blocks of a series and window into the kernel: one read a file where they lie together, as influxd writes them. */
import type { TimeWindow } from '../../core/time.ts'
import type { Kernel, Region } from '../../kernel/kernel.ts'
import type { BlockStore } from './block-store.ts'
import type { BlockTable } from './block-table.ts'
import type { FieldSource } from './series-cursor.ts'
import { unionOf, type TimeRanges } from './time-ranges.ts'
import { clipped } from './window-cutter.ts'

/** Bytes between two blocks that are read along with them. */
const GAP = 4096

/** A field as the rows are to have it. */
export interface SeriesColumn {
  /** Its name in the rows, escaped. */
  key: Uint8Array
  /** Its name as it is. */
  field: Buffer
  /** Older first. */
  sources: readonly FieldSource[]
}

export interface SeriesToRead {
  /** As the rows begin: measurement and tags, escaped. */
  key: Uint8Array
  /** As the source has it. */
  series: Buffer
  columns: readonly SeriesColumn[]
  blocks: BlockTable
}

/** A block that cannot be read: it is left out, and what sources older than its own hold of its time range. */
export interface DamagedBlock {
  field: Buffer
  /** Which of its field's sources it is of. */
  source: number
  row: number
}

/** Which blocks a source of the kernel's is made of: `first` is the row of its block 0. */
export interface KernelSource {
  source: number
  first: number
}

interface Stretch {
  start: number
  end: number
  region: Region | undefined
}

/**
 * `damaged` blocks are left out; `blank`: and what they may have replaced.
 *
 * @returns for each column the sources as the kernel numbers them
 * @throws Failure of reading, `kernel/out-of-memory`
 */
export function loadWindow(
  kernel: Kernel,
  { key, columns, blocks }: SeriesToRead,
  window: TimeWindow,
  damaged: readonly DamagedBlock[],
  blank: boolean,
): KernelSource[][] {
  kernel.beginSeries(key, window)
  const stretches = new Stretches(blocks)
  // All stretches are known before the first is read. Loops, as there may be a million series of a few points.
  const groups: Group[][] = []
  for (const { field, sources } of columns) {
    const found: Group[] = []
    for (let number = 0; number < sources.length; number++) {
      const isDamaged =
        damaged.length === 0
          ? undefined
          : (row: number) =>
              damaged.some((one) => one.source === number && one.row === row && one.field.equals(field))
      addGroups(found, number, sources[number] as FieldSource, blocks, window, stretches, isDamaged)
    }
    groups.push(found)
  }
  for (let i = 0; i < columns.length; i++) {
    const { key, field, sources } = columns[i] as SeriesColumn
    const column = kernel.addColumn(key)
    for (const { source: number, first, count, stretch } of groups[i] as Group[]) {
      const source = sources[number] as FieldSource
      const region = (stretch.region ??= read(kernel, source.store, stretch))
      const deleted =
        blank && damaged.length > 0
          ? withBlanks(source.deleted, damagedAfter(damaged, field, number), blocks)
          : source.deleted
      const { encoding, type } = source
      const regionOffset = stretch.start
      kernel.addBlocks(column, { encoding, type, blocks, first, count, region, regionOffset, deleted })
    }
  }
  return groups
}

interface Group extends KernelSource {
  count: number
  stretch: Stretch
}

function read(kernel: Kernel, store: BlockStore, { start, end }: Stretch): Region {
  const region = kernel.reserve(end - start)
  store.read(region.bytes, start)
  return region
}

/** Adds a source's blocks of the window, parted where they do not lie together, or overlap: there the later ones win. */
function addGroups(
  groups: Group[],
  number: number,
  source: FieldSource,
  table: BlockTable,
  window: TimeWindow,
  stretches: Stretches,
  isDamaged: ((row: number) => boolean) | undefined,
): void {
  const { from, to } = clipped(source, table, window)
  let last: Group | undefined
  for (let row = from; row < to; row++) {
    if (isDamaged?.(row) === true) {
      last = undefined
      continue
    }
    const stretch = stretches.with(source.store, row)
    if (last?.stretch === stretch && table.isAfterPrevious(row)) last.count += 1
    else groups.push((last = { source: number, first: row, count: 1, stretch }))
  }
}

/** Stretches of the stores that are read at once. Blocks come mostly in the order in which they lie there. */
class Stretches {
  readonly #table: BlockTable
  readonly #last = new Map<BlockStore, Stretch>()

  constructor(table: BlockTable) {
    this.#table = table
  }

  /** The stretch that a block is in, or is put into. */
  with(store: BlockStore, row: number): Stretch {
    const start = this.#table.offsets[row] ?? 0
    const end = start + (this.#table.sizes[row] ?? 0)
    const last = this.#last.get(store)
    if (last !== undefined && start >= last.start && start <= last.end + GAP) {
      if (end > last.end) last.end = end
      return last
    }
    const stretch = { start, end, region: undefined }
    this.#last.set(store, stretch)
    return stretch
  }
}

function damagedAfter(damaged: readonly DamagedBlock[], field: Buffer, source: number): DamagedBlock[] {
  return damaged.filter((one) => one.source >= source && one.field.equals(field))
}

function withBlanks(deleted: TimeRanges, damaged: readonly DamagedBlock[], table: BlockTable): TimeRanges {
  if (damaged.length === 0) return deleted
  return unionOf([...deleted, ...damaged.flatMap(({ row }) => [table.minTime(row), table.maxTime(row)])])
}
