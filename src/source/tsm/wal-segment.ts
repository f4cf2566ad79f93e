/**
 * One WAL segment, entry by entry: type u8, length u32, snappy block. There is no checksum in a WAL: a byte changed in the
 * middle of a number is not noticed by anybody, influxd included.
 *
 * influxd (CacheLoader.Load) cuts a segment at the first entry it cannot read and goes on with the next segment. Here that
 * is allowed where a crash explains it: an entry that is cut by the end of the last segment, or zeros up to its end.
 * Everything else is damage.
 *
 * A hole of zeros inside a segment is influxd's own doing: it seeks to the end of the last segment (WAL.Open) before it
 * cuts the torn entry off (CacheLoader.Load), so that what it writes next starts behind zeros. A running influxd answers
 * with these points, so they are read here; restarted, it would lose them.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Failure } from '../../core/failure.ts'
import { damagedWal, unreadableFile } from './damage.ts'
import type { WalMemory } from '../../kernel/wal-memory.ts'

const HEADER_BYTES = 5
const PIECE_BYTES = 1 << 20
/** No copy of a snappy block gives more than 64 bytes for 3: a length beyond that is a lie that would only cost memory. */
const MAX_RATIO = 22

export const EntryType = { write: 1, delete: 2, deleteRange: 3 } as const

/** What a reader of the WAL should know, though it is no failure. */
export interface WalNote {
  kind: 'torn-end' | 'hole'
  segment: string
  /** Where the last entry that counts ends, and how many bytes from there on were passed over. */
  position: number
  bytes: number
}

export interface SegmentOptions {
  /** Whether it is its shard's last one, whose end may be torn. */
  last: boolean
  /** Where entries are decoded; what of them stays there is the caller's to say. */
  memory: WalMemory
  onNote: (note: WalNote) => void
}

/** Stands on an entry after each `next()` that gave true. */
export class WalSegment {
  readonly path: string
  readonly bytes: number
  type = 0
  data: Buffer = Buffer.alloc(0)
  /** Where `data` is in the memory. */
  address = 0
  /** Where the current entry starts. */
  position = 0
  readonly #options: SegmentOptions
  readonly #descriptor: number
  #next = 0
  #memory = Buffer.alloc(0)
  /** What of the memory was read, from `#pieceStart` on. */
  #piece = Buffer.alloc(0)
  #pieceStart = 0

  constructor(path: string, options: SegmentOptions) {
    this.path = path
    this.#options = options
    try {
      this.#descriptor = openSync(path, 'r')
      this.bytes = fstatSync(this.#descriptor).size
    } catch (error) {
      throw unreadableFile(path, error)
    }
  }

  /** @throws Failure `export/wal-damaged`, `export/source-changed` */
  next(): boolean {
    this.position = this.#next
    const left = this.bytes - this.position
    if (left === 0) return false
    const type = this.#at(1)[0] ?? 0
    if (type === 0) return this.#zeros()
    if (type > 3) throw this.#damaged(`an entry of type ${type}, which is none`)
    if (left < HEADER_BYTES) return this.#torn()
    const length = this.#at(HEADER_BYTES).readUInt32BE(1)
    const present = Math.min(length, left - HEADER_BYTES)
    const input = this.#at(HEADER_BYTES + present).subarray(HEADER_BYTES)
    const { memory } = this.#options
    const announced = announcedLength(input, length)
    if (present < length) {
      // Torn, or is its length damaged? A torn entry's data is sound up to where it is cut, and is not all there.
      const noLength = present < 5 && input.every((byte) => byte >= 0x80)
      if (announced === undefined && !noLength) throw this.#damaged('an entry that is no snappy block')
      const end =
        announced === undefined
          ? 'cut'
          : memory.unpack(input, Math.min(announced, present * MAX_RATIO + 64)).end
      if (end !== 'cut') throw this.#damaged(`an entry whose length (${length}) does not fit its data`)
      return this.#torn()
    }
    if (announced === undefined) throw this.#damaged('an entry that is no snappy block')
    const { end, data, address } = memory.unpack(input, announced)
    if (end !== 'whole') {
      if (this.#zeroTail(input)) return this.#torn()
      throw this.#damaged('an entry whose snappy block is damaged')
    }
    this.data = data
    this.address = address
    this.type = type
    this.#next = this.position + HEADER_BYTES + length
    return true
  }

  /** A failure about the current entry, for what is wrong inside of it. */
  damaged(message: string): Failure {
    return this.#damaged(message)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #damaged(message: string): Failure {
    return damagedWal(this.path, this.position, message)
  }

  #torn(): false {
    if (!this.#options.last) throw this.#damaged('an entry is cut, and this is not the last segment')
    const note = { segment: this.path, position: this.position, bytes: this.bytes - this.position }
    this.#options.onNote({ kind: 'torn-end', ...note })
    this.#next = this.bytes
    return false
  }

  /** Zeros where an entry should be: up to the end they are a torn end, else a hole that influxd left. */
  #zeros(): boolean {
    const start = this.position
    let position = start
    for (;;) {
      this.#next = position
      const piece = this.#at(Math.min(PIECE_BYTES, this.bytes - position), position)
      const first = piece.findIndex((byte) => byte !== 0)
      position += first < 0 ? piece.length : first
      if (first >= 0) break
      if (position === this.bytes) return this.#torn()
    }
    this.#options.onNote({ kind: 'hole', segment: this.path, position: start, bytes: position - start })
    this.#next = position
    return this.next()
  }

  /** An entry at the very end of the last segment, of which the end was never written: the file system gave zeros. */
  #zeroTail(input: Uint8Array): boolean {
    return (
      this.#options.last &&
      this.position + HEADER_BYTES + input.length === this.bytes &&
      input.length >= 64 &&
      input.subarray(-64).every((byte) => byte === 0)
    )
  }

  /** `length` bytes at a position, valid until the next call. */
  #at(length: number, position = this.position): Buffer {
    const from = position - this.#pieceStart
    if (from < 0 || from + length > this.#piece.length) {
      const wanted = Math.min(Math.max(length, PIECE_BYTES), this.bytes - position)
      if (wanted > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(wanted)
      const piece = this.#memory.subarray(0, wanted)
      let done = 0
      while (done < piece.length) {
        let count: number
        try {
          count = readSync(this.#descriptor, piece, done, piece.length - done, position + done)
        } catch (error) {
          throw unreadableFile(this.path, error)
        }
        if (count === 0)
          throw damagedWal(this.path, position + done, 'the segment got shorter while it was read')
        done += count
      }
      this.#piece = piece
      this.#pieceStart = position
      return piece.subarray(0, length)
    }
    return this.#piece.subarray(from, from + length)
  }
}

/** Bytes after decoding, as a snappy block of so many bytes in all says; `undefined` when it does not, or says what cannot be. */
function announcedLength(input: Uint8Array, whole: number): number | undefined {
  let length = 0
  for (let i = 0; i < 5 && i < input.length; i++) {
    const byte = input[i] ?? 0
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length <= whole * MAX_RATIO && length < 2 ** 32 ? length : undefined
  }
  return undefined
}
