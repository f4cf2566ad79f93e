/**
 * All series of one slice, over all TSM files and WALs of its shards: for each field its sources, older first, so that
 * a later source's value of a time wins. Nothing is decoded here; what a source holds is a list of blocks.
 *
 * Order of sources: shard by shard (one slice may have several: Enterprise, or overlapping shard groups), ascending by
 * the shard's id; within a shard its TSM files by name (generation, then sequence, see slice-shards.ts), then its WAL.
 *
 * Series come in the order of `<series key>#!~#`, compared byte by byte: the order of the index of a TSM file. That is
 * not quite the order of the series keys, as `cpu!` comes before `cpu`.
 */
import { existsSync } from 'node:fs'
import { Failure } from '../../core/failure.ts'
import type { TimeWindow } from '../../core/time.ts'
import { KEY_SEPARATOR } from './block-store.ts'
import { BlockTable } from './block-table.ts'
import { wordsOf, type WordRange } from './int64-words.ts'
import { FieldList, type FieldSources } from './field-list.ts'
import { KeyHeap } from './key-heap.ts'
import { NO_RANGES } from './time-ranges.ts'
import { readTombstones, tombstonePathOf, Tombstones } from './tombstones.ts'
import { shardsOf } from './slice-shards.ts'
import { TsmFile } from './tsm-file.ts'
import { INDEX_CHUNK, type TsmIndex } from './tsm-index.ts'
import type { ReplayedWals } from './replayed-wals.ts'
import { closeWal, readWal, type Wal } from './wal.ts'
import type { WalCounts } from './wal-points.ts'
import type { WalRun } from './wal-run.ts'
import type { WalNote } from './wal-segment.ts'

export type { FieldSource, FieldSources } from './field-list.ts'

export interface SeriesCursorOptions {
  window: TimeWindow
  /** Bytes for indexes, tombstones and the WAL together: `spool.memory`. */
  memory: number
  /** Bytes for replaying the WALs, of which a quarter at most is kept. Default: half of `memory`. */
  walMemory?: number
  /** For sorted runs of a WAL larger than that. */
  temporaryFolder: string
  /** WALs that were replayed before are taken from it, and, with `keepWals`, left there. */
  replayedWals?: ReplayedWals | undefined
  keepWals?: boolean
  /** Series whose `<series key>#!~#` is not in [from, until) are passed over: for workers that share a slice. */
  range?: { from?: Uint8Array; until?: Uint8Array }
  onNote?: ((this: void, note: WalNote) => void) | undefined
  /**
   * `onCorruption: skip`: called with what is damaged, which is then left out: a TSM file that cannot be opened, or the
   * rest of its index, or the rest of a WAL segment. Without it, that is thrown. (Damaged blocks are for who decodes them.)
   */
  onDamage?: ((damage: Failure) => void) | undefined
}

/** Valid until the next series is asked for. */
export interface SeriesSources {
  /** Line protocol: measurement and sorted tags, escaped. */
  series: Buffer
  /** In the order of their bytes. */
  fields: FieldSources[]
  blocks: BlockTable
}

/** One TSM file or one run, with its place in the order of sources. */
type Member =
  | { encoding: 'tsm'; keys: TsmIndex; file: TsmFile; tombstones: Tombstones; order: number }
  | { encoding: 'wal'; keys: WalRun; wal: number; order: number }

const NO_TOMBSTONES = new Tombstones([], [])

/**
 * Opens the files of a slice (`.tsm`, `.tombstone`, `.wal` of any of its shards; the last folder's name is the shard's id),
 * reads tombstones and WALs. `close()` it.
 *
 * @throws Failure `export/tsm-damaged`, `export/tombstone-damaged`, `export/wal-damaged`, `export/source-changed`, ...
 */
export async function openSeriesCursor(
  paths: readonly string[],
  options: SeriesCursorOptions,
): Promise<SeriesCursor> {
  const opened: Member[] = []
  const closers: (() => void)[] = []
  const counts: WalCounts = { points: 0, overwritten: 0, deleted: 0, outside: 0 }
  const shards = shardsOf(paths)
  const tsmFiles = shards.reduce((sum, { tsm }) => sum + tsm.length, 0)
  const half = Math.floor(options.memory / 2)
  const walMemory = options.walMemory ?? half
  const budget = { left: half, total: half }
  const chunk = Math.max(1 << 14, Math.min(INDEX_CHUNK, Math.floor(half / 2 / Math.max(1, tsmFiles))))
  const walShards = shards.filter(({ wal }) => wal.length > 0).length
  try {
    for (const [number, shard] of shards.entries()) {
      for (const path of shard.tsm) {
        const member = await openMember(path, shard.tombstones, chunk, budget, options)
        if (member === undefined) continue
        closers.push(() => member.file.close())
        opened.push({ ...member, order: opened.length })
      }
      if (shard.wal.length === 0) continue
      const wal = walOf(shard.wal, options, Math.floor(walMemory / walShards))
      closers.push(() => letGo(shard.wal, wal, options))
      for (const keys of wal.runs) opened.push({ encoding: 'wal', keys, wal: number, order: opened.length })
      for (const name of ['points', 'overwritten', 'deleted', 'outside'] as const)
        counts[name] += wal.counts[name]
    }
    return new SeriesCursor(opened, options, counts, () => closers.forEach((close) => close()))
  } catch (error) {
    for (const close of closers) close()
    throw error
  }
}

export class SeriesCursor {
  /** What happened to the WAL's points before the merge. */
  readonly walCounts: WalCounts
  readonly close: () => void
  /** Bytes of the TSM indexes in all: for progress, beside {@link passed}. */
  readonly indexBytes: number
  readonly #members: readonly Member[]
  readonly #options: SeriesCursorOptions
  readonly #window: WordRange
  readonly #blocks = new BlockTable()

  constructor(
    members: readonly Member[],
    options: SeriesCursorOptions,
    walCounts: WalCounts,
    close: () => void,
  ) {
    this.close = close
    this.#members = members
    this.#options = options
    this.walCounts = walCounts
    this.#window = { first: wordsOf(options.window.start), last: wordsOf(options.window.end - 1n) }
    this.indexBytes = members.reduce(
      (sum, member) => sum + (member.encoding === 'tsm' ? member.file.indexEnd - member.file.indexStart : 0),
      0,
    )
  }

  get passed(): number {
    return this.#members.reduce(
      (sum, member) => sum + (member.encoding === 'tsm' ? member.keys.passed : 0),
      0,
    )
  }

  /** Every series that has blocks in the window, once. To be run through once. @throws Failure `export/tsm-damaged` */
  *series(): Generator<SeriesSources, void> {
    const heap = new KeyHeap<Member>()
    for (const member of this.#members) if (this.#advance(member)) heap.push(member)
    const { from, until } = this.#options.range ?? {}
    for (let top = heap.top; top !== undefined; top = heap.top) {
      const prefix = top.keys.key.subarray(0, top.keys.seriesLength + KEY_SEPARATOR.length)
      if (until !== undefined && Buffer.compare(prefix, until) >= 0) return
      const wanted = from === undefined || Buffer.compare(prefix, from) >= 0
      this.#blocks.clear()
      const fields = new FieldList()
      while (top !== undefined && startsWith(top.keys.key, prefix)) {
        let more = true
        do {
          if (wanted) this.#collect(top, fields)
          more = this.#advance(top)
        } while (more && top.keys.sameSeries)
        if (more) heap.siftTop()
        else heap.pop()
        top = heap.top
      }
      const sorted = fields.sorted()
      if (sorted.length > 0)
        yield { series: prefix.subarray(0, -KEY_SEPARATOR.length), fields: sorted, blocks: this.#blocks }
    }
  }

  #advance(member: Member): boolean {
    try {
      return member.keys.next()
    } catch (error) {
      if (!(error instanceof Failure) || this.#options.onDamage === undefined || member.encoding === 'wal')
        throw error
      this.#options.onDamage(error)
      return false
    }
  }

  #collect(member: Member, fields: FieldList): void {
    const first = this.#blocks.length
    const { field } = member.keys
    if (member.encoding === 'wal') {
      const { type, deletes, store } = member.keys
      if (deletes.length > 0)
        fields.deleteFromWal(field, { wal: member.wal, order: member.order, ranges: deletes })
      const count = member.keys.appendBlocks(this.#blocks)
      if (count === 0) return
      const source = { encoding: 'wal', store, type, first, count, deleted: NO_RANGES } as const
      fields.add(field, source, member.order, member.wal)
    } else {
      const count = member.keys.appendBlocks(this.#blocks, this.#window)
      if (count === 0) return
      const { file, tombstones } = member
      const deleted = tombstones.size === 0 ? NO_RANGES : tombstones.rangesOf(member.keys.key)
      fields.add(
        field,
        { encoding: 'tsm', store: file, type: member.keys.type, first, count, deleted },
        member.order,
        -1,
      )
    }
  }
}

/** `undefined` when the file is damaged and `onDamage` took note. */
async function openMember(
  path: string,
  listed: ReadonlySet<string>,
  chunk: number,
  budget: { left: number; total: number },
  { window, onDamage }: SeriesCursorOptions,
): Promise<Omit<Extract<Member, { encoding: 'tsm' }>, 'order'> | undefined> {
  let file: TsmFile
  try {
    file = TsmFile.open(path)
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'export/tsm-damaged' || onDamage === undefined)
      throw error
    onDamage(error)
    return undefined
  }
  try {
    const tombstonePath = tombstonePathOf(path)
    if (!listed.has(tombstonePath) && existsSync(tombstonePath))
      throw new Failure('export/source-changed', 'points were deleted since the source was listed', {
        where: tombstonePath,
        remedy: 'Stop influxd while data is read, or read from a copy ("snapshot: hardlink").',
      })
    const tombstones = listed.has(tombstonePath)
      ? await readTombstones(tombstonePath, { window, budget })
      : NO_TOMBSTONES
    return { encoding: 'tsm', keys: file.index({ chunk }), file, tombstones }
  } catch (error) {
    file.close()
    throw error
  }
}

function walOf(segments: readonly string[], options: SeriesCursorOptions, memory: number): Wal {
  const { window, temporaryFolder, onNote = () => {}, onDamage, replayedWals } = options
  const replayed = replayedWals?.take(segments, window)
  return replayed ?? readWal(segments, { window, memory, temporaryFolder, onNote, onDamage })
}

function letGo(segments: readonly string[], wal: Wal, options: SeriesCursorOptions): void {
  const { window, replayedWals, keepWals = false } = options
  if (keepWals && replayedWals !== undefined) replayedWals.keep(segments, window, wal)
  else closeWal(wal)
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length > prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
