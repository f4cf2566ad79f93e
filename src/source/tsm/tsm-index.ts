/** The index of a TSM file, streamed: keys in ascending order, their entries checked, never all of it in memory. */
import { KEY_SEPARATOR, type BlockStore, type BlockType } from './block-store.ts'
import type { BlockTable } from './block-table.ts'
import { damagedTsm } from './damage.ts'
import { compareWords, type WordRange } from './int64-words.ts'

/** Magic number u32, version u8. */
export const HEADER_BYTES = 5

/** minTime i64, maxTime i64, offset i64, size u32 */
const ENTRY_BYTES = 28
const CRC_BYTES = 4
const SAFE_HIGH = 2 ** 21

/** What an index is read from: a TsmFile. */
export interface IndexedFile extends BlockStore {
  indexStart: number
  indexEnd: number
}

/** With pieces of a megabyte, a million series took 75 MB more: V8 lets tens of megabytes of them lie. */
export const INDEX_CHUNK = 1 << 16

export interface TsmIndexOptions {
  /** Bytes read at a time; a key whose entries are longer is read as a whole all the same. Default {@link INDEX_CHUNK}. */
  chunk?: number
}

/**
 * Stands on one key after each `next()` that gave true. `key`'s bytes stay as they are for as long as they are held
 * (pieces are not written over), but hold a whole piece in memory: copy what is kept.
 */
export class TsmIndex {
  readonly file: IndexedFile
  /** Length of the series key, the part before the separator. */
  seriesLength = 0
  /** Whether the key before this one is of the same series. */
  sameSeries = false
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
  /** The current key: where it lies, and, once asked for, itself. A Buffer for each of millions of keys costs. */
  #keyPiece: Buffer = this.#piece
  #keyStart = 0
  #keyLength = 0
  #key: Buffer | undefined
  /** Of all keys so far. */
  #blockBytes = 0

  constructor(file: IndexedFile, { chunk = INDEX_CHUNK }: TsmIndexOptions = {}) {
    this.file = file
    this.#chunk = chunk
    this.#pieceStart = file.indexStart
  }

  /** Composite key. */
  get key(): Buffer {
    this.#key ??= this.#keyPiece.subarray(this.#keyStart, this.#keyStart + this.#keyLength)
    return this.#key
  }

  /** The part of the key behind the separator. */
  get field(): Buffer {
    const start = this.#keyStart + this.seriesLength + KEY_SEPARATOR.length
    return this.#keyPiece.subarray(start, this.#keyStart + this.#keyLength)
  }

  /** Bytes of the index passed so far: for progress. */
  get passed(): number {
    return this.#pieceStart + this.#position - this.file.indexStart
  }

  /** Steps to the next key; false at the end. @throws Failure `export/tsm-damaged` */
  next(): boolean {
    const left = this.file.indexEnd - this.#pieceStart - this.#position
    if (left === 0) {
      this.#expectWhole()
      return false
    }
    if (left < 5) throw this.#damaged('the index ends inside a key')
    this.#need(2)
    const keyLength = this.#view.getUint16(this.#position)
    if (keyLength === 0) throw this.#damaged('the index has an empty key')
    this.#need(2 + keyLength + 3)
    const count = this.#view.getUint16(this.#position + 2 + keyLength + 1)
    const type = this.#view.getUint8(this.#position + 2 + keyLength)
    this.#stepTo(this.#position + 2, keyLength)
    if (type > 4) throw this.#damaged(`the index names value type ${type}, which is none`, this.key)
    if (count === 0) throw this.#damaged('the index has a key without blocks', this.key)
    this.#need(2 + keyLength + 3 + count * ENTRY_BYTES)
    this.#entries = this.#position + 2 + keyLength + 3
    this.type = type as BlockType
    this.count = count
    this.#checkEntries()
    this.#position = this.#entries + count * ENTRY_BYTES
    this.keys += 1
    return true
  }

  /**
   * influxd writes blocks one behind the other, each of some key: where bytes are nobody's, a length in the index is wrong,
   * and one key has swallowed others.
   */
  #expectWhole(): void {
    const bytes = this.file.indexStart - HEADER_BYTES
    if (this.#blockBytes !== bytes)
      throw this.#damaged(`the index tells of ${this.#blockBytes} bytes of blocks, the file has ${bytes}`)
  }

  /** Makes the key at `start` of the piece the current one: after the one before, and with a separator in it. */
  #stepTo(start: number, length: number): void {
    const before = this.#keyPiece
    const beforeStart = this.#keyStart
    const piece = this.#piece
    const shorter = Math.min(length, this.#keyLength)
    // By hand: keys share most of their bytes, and a call into the runtime for each costs more than the loop.
    let common = 0
    while (common < shorter && before[beforeStart + common] === piece[start + common]) common += 1
    const ascends =
      common < shorter
        ? (before[beforeStart + common] ?? 0) < (piece[start + common] ?? 0)
        : length > this.#keyLength
    this.sameSeries = this.keys > 0 && common >= this.seriesLength + KEY_SEPARATOR.length
    this.#keyPiece = piece
    this.#keyStart = start
    this.#keyLength = length
    this.#key = undefined
    if (!ascends) throw this.#damaged('the keys of the index are not in order', this.key)
    if (!this.sameSeries) this.seriesLength = this.key.indexOf(KEY_SEPARATOR)
    if (this.seriesLength <= 0)
      throw this.#damaged('a key of the index does not name a series and a field', this.key)
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
      this.#blockBytes += size
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
