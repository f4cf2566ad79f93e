/**
 * The WAL of one shard, replayed as influxd does when it starts (CacheLoader.Load: segments in name order, entries in
 * order, Cache.WriteMulti, Cache.DeleteRange, Cache.Delete) into sorted runs.
 *
 * A delete in the WAL removes points that came before it in the WAL, and nothing else: Engine.deleteSeriesRange writes the
 * tombstones of the TSM files first, itself, and lists in the WAL only keys that are in the cache at that moment. Points
 * that were in the cache's snapshot at that moment are in a TSM file now, or still in the WAL before the delete.
 */
import { Failure } from '../../core/failure.ts'
import type { TimeWindow } from '../../core/time.ts'
import { createWalMemory, type WalMemory } from '../../kernel/wal-memory.ts'
import type { BlockType } from './block-store.ts'
import { unionOf, MAX_TIME, NO_RANGES } from './time-ranges.ts'
import { MIN_TIME } from '../../core/time.ts'
import { WalPoints, type WalCounts } from './wal-points.ts'
import { RunWriter, type WalRun } from './wal-run.ts'
import { EntryType, WalSegment, type WalNote } from './wal-segment.ts'

/** A key's cost beside its text: map entry, string header, chain ends. */
const KEY_COST = 120
const EXTENT_COST = 17
const DELETE = 0xff
/** Deciding points and sorting them takes up to thrice the memory of the entries they came in. */
const SHARE = 4
const TYPE_OF_WAL: readonly (BlockType | undefined)[] = [undefined, 0, 1, 2, 3, 4]

export interface WalOptions {
  /** Points outside of it are left out (and counted). */
  window: TimeWindow
  /** Bytes to use, about. One entry (a write request) is always held as a whole. */
  memory: number
  /** For sorted runs that do not fit into memory. */
  temporaryFolder: string
  onNote: (this: void, note: WalNote) => void
  /**
   * `onCorruption: skip`: called with a damaged entry; what follows it in its segment is left out, as influxd does when it
   * starts. Without it, that is thrown.
   */
  onDamage?: ((this: void, damage: Failure) => void) | undefined
}

export interface Wal {
  /** Older first: a later run's points win, and its deletes are those of earlier runs' points. */
  runs: WalRun[]
  counts: WalCounts
  /** Whether there was something to note, or damage. */
  noted: boolean
}

/** Replays a shard's segments (paths, in any order). @throws Failure `export/wal-damaged`, `export/source-changed` */
export function readWal(segments: readonly string[], options: WalOptions): Wal {
  const log = new WalLog(options)
  const paths = [...segments].sort()
  try {
    paths.forEach((path, i) => log.replay(path, i === paths.length - 1))
    return log.finish()
  } catch (error) {
    log.abandon()
    throw error
  }
}

export function closeWal({ runs }: Pick<Wal, 'runs'>): void {
  for (const run of runs) run.close()
}

class WalLog {
  readonly #options: WalOptions
  readonly #memory: WalMemory = createWalMemory()
  readonly #points: WalPoints
  readonly #runs: WalRun[] = []
  readonly #counts: WalCounts = { points: 0, overwritten: 0, deleted: 0, outside: 0 }
  #noted = false
  #label = ''
  /** Keys as latin1 text: one character a byte, so that the order of strings is that of the bytes. */
  #keys = new Map<string, number>()
  #keyBytes = 0
  #heads: number[] = []
  #tails: number[] = []
  /** Chains of what happened to each key: points (at an address of the memory) or, with type DELETE, a range. */
  #extents = 0
  #position = new Uint32Array(1024)
  #count = new Uint32Array(1024)
  #next = new Uint32Array(1024)
  #type = new Uint8Array(1024)
  #deletes: bigint[] = []

  constructor(options: WalOptions) {
    this.#options = options
    this.#points = new WalPoints(this.#memory, options.window, this.#counts)
  }

  replay(path: string, last: boolean): void {
    this.#label = path
    const segment = new WalSegment(path, {
      last,
      memory: this.#memory,
      onNote: (note) => {
        this.#noted = true
        this.#options.onNote(note)
      },
    })
    try {
      while (segment.next()) {
        if (segment.type === EntryType.write) this.#write(segment)
        else if (segment.type === EntryType.delete) this.#delete(segment)
        else this.#deleteRange(segment)
        if (this.#used() > this.#options.memory / SHARE) this.#spill(this.#options.temporaryFolder)
      }
    } catch (error) {
      const { onDamage } = this.#options
      if (!(error instanceof Failure) || error.code !== 'export/wal-damaged' || onDamage === undefined)
        throw error
      this.#noted = true
      onDamage(error)
    } finally {
      segment.close()
    }
  }

  finish(): Wal {
    if (this.#keys.size > 0) this.#spill(this.#runs.length > 0 ? this.#options.temporaryFolder : undefined)
    return { runs: this.#runs, counts: this.#counts, noted: this.#noted }
  }

  abandon(): void {
    closeWal({ runs: this.#runs })
  }

  #used(): number {
    return (
      this.#memory.keptBytes +
      this.#keyBytes +
      this.#keys.size * KEY_COST +
      this.#extents * EXTENT_COST +
      this.#deletes.length * 24
    )
  }

  /** Again and again: type u8, keyLen u16, key, count u32, then count x {time i64, value}. */
  #write(segment: WalSegment): void {
    const { data, address } = segment
    // Nothing of an entry counts before all of it is found sound.
    const found: [key: number, type: BlockType, position: number, count: number][] = []
    let at = 0
    while (at < data.length) {
      const type = TYPE_OF_WAL[data[at] ?? 0]
      if (type === undefined)
        throw segment.damaged(`a write entry with value type ${data[at]}, which is none`)
      if (at + 3 > data.length) throw segment.damaged('a write entry ends inside a key')
      const keyEnd = at + 3 + data.readUInt16BE(at + 1)
      if (keyEnd + 4 > data.length) throw segment.damaged('a write entry ends inside a key')
      const count = data.readUInt32BE(keyEnd)
      const start = keyEnd + 4
      const end = start + valuesLength(segment, type, count, start)
      found.push([this.#keyOf(segment, at + 3, keyEnd), type, address + start, count])
      at = end
    }
    for (const [key, type, position, count] of found) {
      this.#append(key, type, position, count)
      this.#counts.points += count
    }
    this.#memory.keep(data.length)
  }

  /** Keys, one a line: all of their points. */
  #delete(segment: WalSegment): void {
    const { data } = segment
    if (data.length === 0) return
    const range = this.#rangeOf(MIN_TIME, MAX_TIME)
    for (let at = 0; at <= data.length;) {
      const newline = data.indexOf(10, at)
      const end = newline < 0 ? data.length : newline
      this.#deleteKey(segment, at, end, range)
      at = end + 1
    }
  }

  /** min i64, max i64 (inclusive), then keyLen u32, key, again and again. */
  #deleteRange(segment: WalSegment): void {
    const { data } = segment
    if (data.length < 16) throw segment.damaged('a delete entry without a range')
    const range = this.#rangeOf(data.readBigInt64BE(0), data.readBigInt64BE(8))
    for (let at = 16; at < data.length;) {
      if (at + 4 > data.length) throw segment.damaged('a delete entry ends inside a key')
      const end = at + 4 + data.readUInt32BE(at)
      if (end > data.length) throw segment.damaged('a delete entry ends inside a key')
      this.#deleteKey(segment, at + 4, end, range)
      at = end
    }
  }

  #rangeOf(min: bigint, max: bigint): number {
    this.#deletes.push(min, max)
    return this.#deletes.length - 2
  }

  #deleteKey(segment: WalSegment, start: number, end: number, range: number): void {
    // Nothing of the key is there to delete.
    if (this.#runs.length === 0 && !this.#keys.has(segment.data.toString('latin1', start, end))) return
    this.#append(this.#keyOf(segment, start, end), DELETE, range, 0)
  }

  #keyOf(segment: WalSegment, start: number, end: number): number {
    const key = segment.data.toString('latin1', start, end)
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const separator = key.indexOf('#!~#')
    if (separator <= 0 || key.length > 0xffff)
      throw segment.damaged('an entry with a key that does not name a series and a field')
    const number = this.#keys.size
    this.#keys.set(key, number)
    this.#keyBytes += key.length
    this.#heads[number] = 0
    this.#tails[number] = 0
    return number
  }

  /** Extents are numbered from 1; 0 ends a chain. */
  #append(key: number, type: number, position: number, count: number): void {
    const extent = (this.#extents += 1)
    if (extent === this.#type.length) this.#grow()
    this.#position[extent] = position
    this.#count[extent] = count
    this.#type[extent] = type
    this.#next[extent] = 0
    const tail = this.#tails[key] ?? 0
    if (tail === 0) this.#heads[key] = extent
    else this.#next[tail] = extent
    this.#tails[key] = extent
  }

  #grow(): void {
    const grown = (column: Uint32Array) => {
      const larger = new Uint32Array(column.length * 2)
      larger.set(column)
      return larger
    }
    this.#position = grown(this.#position)
    this.#count = grown(this.#count)
    this.#next = grown(this.#next)
    const types = new Uint8Array(this.#type.length * 2)
    types.set(this.#type)
    this.#type = types
  }

  /** Turns what is in memory into a run, and starts anew. */
  #spill(folder: string | undefined): void {
    const writer = new RunWriter(`the WAL up to ${this.#label}`, folder)
    try {
      const keys = [...this.#keys.keys()].sort()
      for (const text of keys) this.#writeKey(writer, text)
    } catch (error) {
      writer.abandon()
      throw error
    }
    this.#runs.push(writer.finish())
    this.#memory.clear()
    this.#keys = new Map()
    this.#keyBytes = 0
    this.#heads = []
    this.#tails = []
    this.#extents = 0
    this.#deletes = []
  }

  #writeKey(writer: RunWriter, text: string): void {
    const points = this.#points
    const key = Buffer.from(text, 'latin1')
    points.start(key, this.#label)
    const bounds: bigint[] = []
    for (let extent = this.#heads[this.#keys.get(text) ?? 0] ?? 0; extent !== 0;) {
      const position = this.#position[extent] ?? 0
      if (this.#type[extent] === DELETE) {
        const min = this.#deletes[position] ?? 0n
        const max = this.#deletes[position + 1] ?? 0n
        points.remove(min, max)
        if (this.#runs.length > 0) bounds.push(min, max)
      } else {
        points.add(this.#type[extent] as BlockType, position, this.#count[extent] ?? 0)
      }
      extent = this.#next[extent] ?? 0
    }
    const deletes = bounds.length === 0 ? NO_RANGES : unionOf(bounds)
    const blocks = points.blocks()
    if (blocks.length > 0 || deletes.length > 0) writer.add(key, points.type, deletes, blocks)
  }
}

/** Bytes of `count` points from `start` on. */
function valuesLength(segment: WalSegment, type: BlockType, count: number, start: number): number {
  const { data } = segment
  const broken = () => segment.damaged('a write entry ends inside its points')
  if (count === 0) throw segment.damaged('a write entry with a key without points')
  if (type !== 3) {
    const length = count * (type === 2 ? 9 : 16)
    if (start + length > data.length) throw broken()
    return length
  }
  let at = start
  for (let i = 0; i < count; i++) {
    if (at + 12 > data.length) throw broken()
    at += 12 + data.readUInt32BE(at + 8)
    if (at > data.length) throw broken()
  }
  return at - start
}
