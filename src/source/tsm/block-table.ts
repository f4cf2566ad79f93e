import { compareWords, HIGH, LOW } from './int64-words.ts'

/** Of a block in {@link BlockTable.bytes}. */
export const ROW_BYTES = 32

/**
 * The blocks of all fields of one series, in columns, used again for the next series. A source's blocks are the rows
 * `first` to `first + count - 1`, in time order.
 */
export class BlockTable {
  length = 0
  /** First and last time of block i at 2i and 2i + 1. */
  times = new BigInt64Array(128)
  words = new Int32Array(this.times.buffer)
  /** Where the block starts in its store, in bytes, and its length. */
  offsets = new Float64Array(64)
  sizes = new Uint32Array(64)
  /** Which of its key's blocks in its file, for messages. */
  numbers = new Uint32Array(64)

  clear(): void {
    this.length = 0
  }

  /** Appends a block; its times as words (see int64-words.ts). */
  push(
    minHigh: number,
    minLow: number,
    maxHigh: number,
    maxLow: number,
    offset: number,
    size: number,
    number: number,
  ): void {
    const row = this.length
    if (row === this.sizes.length) this.#grow()
    const { words } = this
    words[4 * row + HIGH] = minHigh
    words[4 * row + LOW] = minLow
    words[4 * row + 2 + HIGH] = maxHigh
    words[4 * row + 2 + LOW] = maxLow
    this.offsets[row] = offset
    this.sizes[row] = size
    this.numbers[row] = number
    this.length = row + 1
  }

  /** Appends the blocks of another table, as bytes: those of {@link bytes}. */
  pushBytes(bytes: Uint8Array, rows: number): void {
    while (this.length + rows > this.sizes.length) this.#grow()
    const columns = [this.words, this.offsets, this.sizes, this.numbers]
    let at = 0
    for (const column of columns) {
      const size = (column.byteLength / this.sizes.length) * rows
      const start = (column.byteLength / this.sizes.length) * this.length
      new Uint8Array(column.buffer, start, size).set(bytes.subarray(at, at + size))
      at += size
    }
    this.length += rows
  }

  /** All blocks: the columns one behind the other, {@link ROW_BYTES} a block, in the machine's order of bytes. */
  bytes(): Uint8Array[] {
    const { words, offsets, sizes, numbers, length } = this
    return [words, offsets, sizes, numbers].map(
      (column) => new Uint8Array(column.buffer, 0, (column.byteLength / sizes.length) * length),
    )
  }

  /** Whether a block begins after the one in the row before has ended. */
  isAfterPrevious(row: number): boolean {
    const { words } = this
    const [min, max] = [4 * row, 4 * row - 2]
    return compareWords(words[min + HIGH] ?? 0, low(words, min), words[max + HIGH] ?? 0, low(words, max)) > 0
  }

  minTime(row: number): bigint {
    return this.times[2 * row] ?? 0n
  }

  maxTime(row: number): bigint {
    return this.times[2 * row + 1] ?? 0n
  }

  #grow(): void {
    const rows = this.sizes.length * 2
    const times = new BigInt64Array(2 * rows)
    times.set(this.times)
    this.times = times
    this.words = new Int32Array(times.buffer)
    this.offsets = copied(new Float64Array(rows), this.offsets)
    this.sizes = copied(new Uint32Array(rows), this.sizes)
    this.numbers = copied(new Uint32Array(rows), this.numbers)
  }
}

function copied<T extends Float64Array | Uint32Array>(target: T, from: T): T {
  target.set(from)
  return target
}

function low(words: Int32Array, at: number): number {
  return (words[at + LOW] ?? 0) >>> 0
}
