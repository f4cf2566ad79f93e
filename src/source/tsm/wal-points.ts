/** The points of one key as a WAL gives them: in any order, repeated, deleted in between. Sorted, each time once, at the end. */
import { Failure } from '../../core/failure.ts'
import { nameOfType, type BlockType } from './block-store.ts'
import { describePlace } from './damage.ts'
import { compareWords, wordsOf, type WordRange } from './int64-words.ts'
import { BLOCK_HEADER, type RunBlock } from './wal-run.ts'

/** As influxd's TSM blocks; less when values are long. */
const BLOCK_POINTS = 1000
const BLOCK_BYTES = 256 * 1024

export interface WalCounts {
  /** Points written to the WAL; of these, replaced by a later value in the same run, deleted, and outside of the window. */
  points: number
  overwritten: number
  deleted: number
  outside: number
}

export class WalPoints {
  /** Of the points that are left; 0 when there are none. */
  type: BlockType = 0
  readonly #window: WordRange
  readonly #counts: WalCounts
  #key: Buffer = Buffer.alloc(0)
  #segment = ''
  #length = 0
  #high = new Int32Array(1024)
  #low = new Uint32Array(1024)
  /** Where the value is: which of `pages`, and at which byte. */
  #page = new Uint32Array(1024)
  #position = new Uint32Array(1024)
  readonly #pages: Buffer[] = []

  constructor(window: WordRange, counts: WalCounts) {
    this.#window = window
    this.#counts = counts
  }

  start(key: Buffer, segment: string): void {
    this.#key = key
    this.#segment = segment
    this.#length = 0
    this.#pages.length = 0
    this.type = 0
  }

  /** `count` points that lie at `position` of a page, in the WAL's encoding. */
  add(type: BlockType, page: Buffer, position: number, count: number): void {
    // influxd cannot load such a WAL (entry.add gives ErrFieldTypeConflict, and the shard does not open).
    if (this.#length > 0 && this.type !== type)
      throw new Failure(
        'export/wal-type-conflict',
        `the WAL holds ${nameOfType(this.type)} and ${nameOfType(type)} values of one field`,
        {
          where: describePlace({ path: this.#segment, key: this.#key }),
          remedy: 'influxd does not open this shard either. Restore the segments from a backup.',
        },
      )
    this.type = type
    while (this.#length + count > this.#high.length) this.#grow()
    if (this.#pages.at(-1) !== page) this.#pages.push(page)
    const number = this.#pages.length - 1
    let at = position
    for (let i = this.#length; i < this.#length + count; i++) {
      this.#high[i] = page.readInt32BE(at)
      this.#low[i] = page.readUInt32BE(at + 4)
      this.#page[i] = number
      this.#position[i] = at + 8
      at += type === 3 ? 12 + page.readUInt32BE(at + 8) : type === 2 ? 9 : 16
    }
    this.#length += count
  }

  /** Removes what has come so far within `[min, max]`. */
  remove(min: bigint, max: bigint): void {
    this.#counts.deleted += this.#keep(
      { first: wordsOf(min), last: wordsOf(max) },
      min <= max ? 'outside' : 'all',
    )
  }

  /** What is left, in time order, the last of each time, within the window. */
  blocks(): RunBlock[] {
    this.#counts.outside += this.#keep(this.#window, 'inside')
    const order = this.#order()
    const blocks: RunBlock[] = []
    for (let from = 0; from < order.length;) {
      let to = from
      let bytes = 0
      for (; to < order.length && to - from < BLOCK_POINTS; to++) {
        bytes += this.#valueBytes(order[to] ?? 0)
        if (bytes > BLOCK_BYTES && to > from) break
      }
      blocks.push(this.#block(order.subarray(from, to)))
      from = to
    }
    return blocks
  }

  #keep({ first, last }: WordRange, which: 'inside' | 'outside' | 'all'): number {
    let kept = 0
    for (let i = 0; i < this.#length; i++) {
      const high = this.#high[i] ?? 0
      const low = this.#low[i] ?? 0
      const inside =
        compareWords(high, low, first.high, first.low) >= 0 &&
        compareWords(high, low, last.high, last.low) <= 0
      if (which !== 'all' && inside !== (which === 'inside')) continue
      if (kept !== i) {
        this.#high[kept] = high
        this.#low[kept] = low
        this.#page[kept] = this.#page[i] ?? 0
        this.#position[kept] = this.#position[i] ?? 0
      }
      kept += 1
    }
    const gone = this.#length - kept
    this.#length = kept
    return gone
  }

  /** Points by time, the last one of each time (Values.Deduplicate: a stable sort, later ones win). */
  #order(): Uint32Array {
    const order = new Uint32Array(this.#length)
    let ascending = true
    for (let i = 0; i < order.length; i++) {
      order[i] = i
      if (i > 0 && this.#compare(i - 1, i) >= 0) ascending = false
    }
    if (ascending) return order
    order.sort((a, b) => this.#compare(a, b) || a - b)
    let kept = 0
    for (let i = 0; i < order.length; i++) {
      const point = order[i] ?? 0
      if (i + 1 < order.length && this.#compare(point, order[i + 1] ?? 0) === 0) continue
      order[kept++] = point
    }
    this.#counts.overwritten += order.length - kept
    return order.subarray(0, kept)
  }

  #compare(a: number, b: number): number {
    return compareWords(this.#high[a] ?? 0, this.#low[a] ?? 0, this.#high[b] ?? 0, this.#low[b] ?? 0)
  }

  #pageOf(point: number): Buffer {
    return this.#pages[this.#page[point] ?? 0] ?? this.#key
  }

  #valueBytes(point: number): number {
    if (this.type !== 3) return this.type === 2 ? 1 : 8
    return 4 + this.#pageOf(point).readUInt32BE(this.#position[point])
  }

  #block(points: Uint32Array): RunBlock {
    const count = points.length
    let length = BLOCK_HEADER + count * 8
    for (const point of points) length += this.#valueBytes(point)
    const bytes = Buffer.allocUnsafe(length)
    bytes.writeUInt32LE(count, 0)
    bytes.writeUInt32LE(0, 4)
    let values = BLOCK_HEADER + count * 8
    let texts = values + count * 4
    for (let i = 0; i < count; i++) {
      const point = points[i] ?? 0
      bytes.writeUInt32LE(this.#low[point] ?? 0, BLOCK_HEADER + i * 8)
      bytes.writeInt32LE(this.#high[point] ?? 0, BLOCK_HEADER + i * 8 + 4)
      const page = this.#pageOf(point)
      const at = this.#position[point] ?? 0
      if (this.type === 3) {
        const size = page.readUInt32BE(at)
        values = bytes.writeUInt32LE(size, values)
        texts += page.copy(bytes, texts, at + 4, at + 4 + size)
      } else if (this.type === 2) {
        // Only 1 is true for influxd.
        values = bytes.writeUInt8(page[at] === 1 ? 1 : 0, values)
      } else {
        bytes.writeUInt32LE(page.readUInt32BE(at + 4), values)
        bytes.writeUInt32LE(page.readUInt32BE(at), values + 4)
        values += 8
      }
    }
    return {
      minTime: bytes.readBigInt64LE(BLOCK_HEADER),
      maxTime: bytes.readBigInt64LE(BLOCK_HEADER + (count - 1) * 8),
      bytes,
    }
  }

  #grow(): void {
    const size = this.#high.length * 2
    const high = new Int32Array(size)
    high.set(this.#high)
    this.#high = high
    const grown = (column: Uint32Array) => {
      const larger = new Uint32Array(size)
      larger.set(column)
      return larger
    }
    this.#low = grown(this.#low)
    this.#page = grown(this.#page)
    this.#position = grown(this.#position)
  }
}
