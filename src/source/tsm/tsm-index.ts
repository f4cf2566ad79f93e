/** The index of a TSM file, streamed: keys in ascending order, their entries checked, never all of it in memory. */
import { KEY_SEPARATOR, type BlockType } from './block-store.ts'
import type { BlockTable } from './block-table.ts'
import { damagedTsm } from './damage.ts'
import { compareWords, type WordRange } from './int64-words.ts'
import type { TsmFile } from './tsm-file.ts'

/** Magic number u32, version u8. */
export const HEADER_BYTES = 5

/** minTime i64, maxTime i64, offset i64, size u32 */
const ENTRY_BYTES = 28
const CRC_BYTES = 4
const SAFE_HIGH = 2 ** 21

export interface TsmIndexOptions {
  /** Bytes read at a time; a key whose entries are longer is read as a whole all the same. Default 1 MiB. */
  chunk?: number
}

/**
 * Stands on one key after each `next()` that gave true. `key`'s bytes stay as they are for as long as they are held
 * (pieces are not written over), but hold a whole piece in memory: copy what is kept.
 */
export class TsmIndex {
  readonly file: TsmFile
  /** Composite key. */
  key: Buffer = Buffer.alloc(0)
  /** Length of the series key, the part before the separator. */
  seriesLength = 0
  type: BlockType = 0
  /** Blocks of the key. */
  count = 0
  /** Keys seen so far. */
  keys = 0
  readonly #chunk: number
  #piece: Buffer = Buffer.alloc(0)
  #view = new DataView(new ArrayBuffer(0))
  /** Byte of the file where the piece starts, and where in the piece the next key and this key's entries start. */
  #pieceStart: number
  #position = 0
  #entries = 0

  constructor(file: TsmFile, { chunk = 1 << 20 }: TsmIndexOptions = {}) {
    this.file = file
    this.#chunk = chunk
    this.#pieceStart = file.indexStart
  }

  /** Bytes of the index passed so far: for progress. */
  get passed(): number {
    return this.#pieceStart + this.#position - this.file.indexStart
  }

  /** Steps to the next key; false at the end. @throws Failure `export/tsm-damaged` */
  next(): boolean {
    const left = this.file.indexEnd - this.#pieceStart - this.#position
    if (left === 0) return false
    if (left < 5) throw this.#damaged('the index ends inside a key')
    this.#need(2)
    const keyLength = this.#view.getUint16(this.#position)
    if (keyLength === 0) throw this.#damaged('the index has an empty key')
    this.#need(2 + keyLength + 3)
    const start = this.#position + 2
    const key = this.#piece.subarray(start, start + keyLength)
    const type = this.#piece[start + keyLength] ?? 0
    const count = this.#view.getUint16(start + keyLength + 1)
    const seriesLength = key.indexOf(KEY_SEPARATOR)
    if (seriesLength <= 0) throw this.#damaged('a key of the index does not name a series and a field', key)
    if (type > 4) throw this.#damaged(`the index names value type ${type}, which is none`, key)
    if (count === 0) throw this.#damaged('the index has a key without blocks', key)
    if (this.keys > 0 && Buffer.compare(this.key, key) >= 0)
      throw this.#damaged('the keys of the index are not in order', key)
    this.#need(2 + keyLength + 3 + count * ENTRY_BYTES)
    // The piece may be another one now.
    this.#entries = this.#position + 2 + keyLength + 3
    this.key = this.#piece.subarray(this.#position + 2, this.#position + 2 + keyLength)
    this.seriesLength = seriesLength
    this.type = type as BlockType
    this.count = count
    this.#checkEntries()
    this.#position = this.#entries + count * ENTRY_BYTES
    this.keys += 1
    return true
  }

  /** Appends this key's blocks that meet the window to the table; returns how many. */
  appendBlocks(table: BlockTable, window: WordRange): number {
    const view = this.#view
    const { first, last } = window
    const before = table.length
    for (let i = 0, at = this.#entries; i < this.count; i++, at += ENTRY_BYTES) {
      const minHigh = view.getInt32(at)
      const minLow = view.getUint32(at + 4)
      const maxHigh = view.getInt32(at + 8)
      const maxLow = view.getUint32(at + 12)
      if (compareWords(maxHigh, maxLow, first.high, first.low) < 0) continue
      if (compareWords(minHigh, minLow, last.high, last.low) > 0) continue
      const offset = view.getUint32(at + 16) * 2 ** 32 + view.getUint32(at + 20)
      table.push(minHigh, minLow, maxHigh, maxLow, offset, view.getUint32(at + 24), i)
    }
    return table.length - before
  }

  /** Bytes of all blocks of this key. */
  blockBytes(): number {
    let bytes = 0
    for (let i = 0, at = this.#entries; i < this.count; i++, at += ENTRY_BYTES)
      bytes += this.#view.getUint32(at + 24)
    return bytes
  }

  /** Times, offsets and sizes of every entry. Blocks that overlap in time are left to the merge: the later one wins. */
  #checkEntries(): void {
    const view = this.#view
    const { indexStart } = this.file
    let lastHigh = -(2 ** 31)
    let lastLow = 0
    for (let i = 0, at = this.#entries; i < this.count; i++, at += ENTRY_BYTES) {
      const minHigh = view.getInt32(at)
      const minLow = view.getUint32(at + 4)
      if (compareWords(minHigh, minLow, view.getInt32(at + 8), view.getUint32(at + 12)) > 0)
        throw this.#damaged('a block ends before it starts', this.key, i, at)
      if (compareWords(minHigh, minLow, lastHigh, lastLow) < 0)
        throw this.#damaged('the blocks of a key are not in time order', this.key, i, at)
      lastHigh = minHigh
      lastLow = minLow
      const offsetHigh = view.getUint32(at + 16)
      const offset = offsetHigh * 2 ** 32 + view.getUint32(at + 20)
      const size = view.getUint32(at + 24)
      if (size <= CRC_BYTES) throw this.#damaged(`a block of ${size} bytes`, this.key, i, at)
      if (offsetHigh >= SAFE_HIGH || offset < HEADER_BYTES || offset + size > indexStart)
        throw this.#damaged(
          `a block of ${size} bytes at byte ${offset} is not within the file's blocks`,
          this.key,
          i,
          at,
        )
    }
  }

  /** Makes sure that `bytes` from the position on are in the piece. */
  #need(bytes: number): void {
    if (this.#position + bytes <= this.#piece.length) return
    const start = this.#pieceStart + this.#position
    const left = this.file.indexEnd - start
    if (bytes > left) throw this.#damaged('the index ends inside a key')
    const piece = Buffer.allocUnsafeSlow(Math.min(left, Math.max(this.#chunk, bytes)))
    const kept = this.#piece.copy(piece, 0, this.#position)
    this.file.read(piece.subarray(kept), start + kept)
    this.#piece = piece
    this.#view = new DataView(piece.buffer, piece.byteOffset, piece.length)
    this.#pieceStart = start
    this.#position = 0
  }

  #damaged(message: string, key?: Buffer, block?: number, at = this.#position) {
    return damagedTsm(
      {
        path: this.file.path,
        offset: this.#pieceStart + at,
        ...(key !== undefined && { key }),
        ...(block !== undefined && { block }),
      },
      message,
    )
  }
}
