import { HIGH, LOW } from './int64-words.ts'

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
