/**
 * A sorted run of a WAL: for each key, ascending, its points by time, each time once, in blocks, and what was deleted of
 * the key in runs before it. A WAL within the memory allowed is one run in memory; a larger one is several in files.
 *
 * A record: u32 header bytes, u16 key length, key, u8 type, u32 deletes, u32 blocks, f64 data bytes, then
 * deletes x {min i64, max i64}, blocks x {minTime i64, maxTime i64, offset f64, size u32}, then the blocks' bytes.
 *
 * A block: u32 points, u32 zero, times i64 x n, then values: floats, integers, unsigned 8 bytes each,
 * booleans one byte each, strings their lengths u32 x n and their bytes. Everything little-endian.
 *
 * Headers and blocks begin at multiples of eight: what lies otherwise is copied to and from shared memory byte by byte.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Failure, messageOf } from '../../core/failure.ts'
import { KEY_SEPARATOR, type BlockStore, type BlockType, type SharedStore } from './block-store.ts'
import { PAGE_BYTES, readPages } from './shared-store.ts'
import type { RunBlock } from '../../kernel/wal-memory.ts'
import type { BlockTable } from './block-table.ts'
import { NO_RANGES, type TimeRanges } from './time-ranges.ts'

const RECORD_HEADER = 4 + 2 + 1 + 4 + 4 + 8
const BLOCK_BYTES = 28
const PADDING = Buffer.alloc(7)

/** Where a run's bytes go, and where they are read again. */
interface RunStore extends BlockStore {
  readonly bytes: number
  /** Bytes of memory that it has; `undefined`: it is in a file. */
  readonly memory: number | undefined
  append(piece: Uint8Array): void
  /** Nothing more is appended, and what that needed is let go: of a large WAL there are many runs. */
  seal(): void
  close(): void
}

/** Writes a run; {@link WalRun} reads it. Keys must come in ascending order. */
export class RunWriter {
  readonly #store: RunStore
  #position = 0

  /** In `folder`, a file that has no name and is gone with the process; without one, in memory. */
  constructor(path: string, folder: string | undefined) {
    this.#store = folder === undefined ? new MemoryStore(path) : new FileStore(path, folder)
  }

  add(key: Buffer, type: BlockType, deletes: TimeRanges, blocks: readonly RunBlock[]): void {
    const length = aligned(RECORD_HEADER + key.length + deletes.length * 8 + blocks.length * BLOCK_BYTES)
    const header = Buffer.allocUnsafe(length)
    let at = header.writeUInt32LE(length, 0)
    at = header.writeUInt16LE(key.length, at)
    at += key.copy(header, at)
    at = header.writeUInt8(type, at)
    at = header.writeUInt32LE(deletes.length / 2, at)
    at = header.writeUInt32LE(blocks.length, at)
    at = header.writeDoubleLE(
      blocks.reduce((sum, { bytes }) => sum + aligned(bytes.length), 0),
      at,
    )
    for (const time of deletes) at = header.writeBigInt64LE(time, at)
    let offset = this.#position + length
    for (const { minTime, maxTime, bytes } of blocks) {
      at = header.writeBigInt64LE(minTime, at)
      at = header.writeBigInt64LE(maxTime, at)
      at = header.writeDoubleLE(offset, at)
      at = header.writeUInt32LE(bytes.length, at)
      offset += aligned(bytes.length)
    }
    this.#store.append(header)
    for (const { bytes } of blocks) {
      this.#store.append(bytes)
      this.#store.append(PADDING.subarray(0, aligned(bytes.length) - bytes.length))
    }
    this.#position = offset
  }

  finish(): WalRun {
    this.#store.seal()
    return new WalRun(this.#store)
  }

  /** After a failure: nothing will be read. */
  abandon(): void {
    this.#store.close()
  }
}

/** Stands on a key after each `next()` that gave true, like a TSM file's index. */
export class WalRun {
  readonly store: BlockStore
  key: Buffer = Buffer.alloc(0)
  seriesLength = 0
  /** Whether the key before this one is of the same series. */
  sameSeries = false
  type: BlockType = 0
  /** Blocks of the key. */
  count = 0
  /** What was deleted of the key's points in earlier runs. */
  deletes: TimeRanges = NO_RANGES
  readonly #run: RunStore
  #position = 0
  #header = Buffer.alloc(0)

  constructor(run: RunStore) {
    this.#run = run
    this.store = run
  }

  /** The part of the key behind the separator. */
  get field(): Buffer {
    return this.key.subarray(this.seriesLength + KEY_SEPARATOR.length)
  }

  next(): boolean {
    if (this.#position === this.#run.bytes) return false
    const lengths = Buffer.allocUnsafe(6)
    this.#run.read(lengths, this.#position)
    const header = Buffer.allocUnsafe(lengths.readUInt32LE())
    this.#run.read(header, this.#position)
    let at = 6 + lengths.readUInt16LE(4)
    const prefix = this.key.subarray(0, this.seriesLength + KEY_SEPARATOR.length)
    this.key = header.subarray(6, at)
    this.seriesLength = this.key.indexOf(KEY_SEPARATOR)
    this.sameSeries =
      prefix.length === this.seriesLength + KEY_SEPARATOR.length &&
      this.key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
    this.type = header.readUInt8(at) as BlockType
    const deletes = header.readUInt32LE(at + 1)
    this.count = header.readUInt32LE(at + 5)
    const bytes = header.readDoubleLE(at + 9)
    at += 17
    this.deletes = deletes === 0 ? NO_RANGES : new BigInt64Array(2 * deletes)
    for (let i = 0; i < this.deletes.length; i++, at += 8) this.deletes[i] = header.readBigInt64LE(at)
    this.#header = header.subarray(at)
    this.#position += header.length + bytes
    return true
  }

  /** Appends this key's blocks to the table; returns how many. (Outside of the window, no points are kept at all.) */
  appendBlocks(table: BlockTable): number {
    for (let i = 0, at = 0; i < this.count; i++, at += BLOCK_BYTES) {
      const header = this.#header
      table.push(
        header.readInt32LE(at + 4),
        header.readInt32LE(at),
        header.readInt32LE(at + 12),
        header.readInt32LE(at + 8),
        header.readDoubleLE(at + 16),
        header.readUInt32LE(at + 24),
        i,
      )
    }
    return this.count
  }

  /** Bytes of memory that the run has; `undefined`: it is in a file. */
  get memory(): number | undefined {
    return this.#run.memory
  }

  /** The same run, before its first key. */
  rewound(): WalRun {
    return new WalRun(this.#run)
  }

  close(): void {
    this.#run.close()
  }
}

class MemoryStore implements RunStore {
  readonly path: string
  bytes = 0
  #pages: SharedArrayBuffer[] = []

  constructor(path: string) {
    this.path = path
  }

  get memory(): number {
    return this.#pages.length * PAGE_BYTES
  }

  append(piece: Uint8Array): void {
    for (let done = 0; done < piece.length;) {
      const used = this.bytes % PAGE_BYTES
      if (used === 0) this.#pages.push(new SharedArrayBuffer(PAGE_BYTES))
      const some = piece.subarray(done, done + PAGE_BYTES - used)
      new Uint8Array(this.#pages.at(-1) as SharedArrayBuffer).set(some, used)
      done += some.length
      this.bytes += some.length
    }
  }

  seal(): void {}

  read(target: Uint8Array, offset: number): void {
    readPages(this.#pages, target, offset)
  }

  share(): SharedStore {
    return { path: this.path, pages: this.#pages }
  }

  close(): void {
    this.#pages = []
  }
}

class FileStore implements RunStore {
  readonly path: string
  readonly memory = undefined
  bytes = 0
  readonly #descriptor: number
  #pending = Buffer.allocUnsafeSlow(PAGE_BYTES)
  #pendingBytes = 0
  /** What is being read: records are short, and read one after another. */
  #window = Buffer.alloc(0)
  #windowStart = 0

  constructor(path: string, folder: string) {
    this.path = path
    const file = join(folder, `wal-run-${randomUUID()}`)
    try {
      this.#descriptor = openSync(file, 'wx+', 0o600)
      unlinkSync(file)
    } catch (error) {
      throw unwritable(folder, error)
    }
  }

  append(piece: Uint8Array): void {
    if (this.#pendingBytes + piece.length > PAGE_BYTES) this.#flush()
    if (piece.length > PAGE_BYTES) this.#write(piece)
    else {
      this.#pending.set(piece, this.#pendingBytes)
      this.#pendingBytes += piece.length
    }
    this.bytes += piece.length
  }

  read(target: Uint8Array, offset: number): void {
    const from = offset - this.#windowStart
    if (from >= 0 && from + target.length <= this.#window.length) {
      target.set(this.#window.subarray(from, from + target.length))
      return
    }
    if (target.length >= 1 << 15) return this.#readFile(target, offset)
    if (this.#window.length === 0) this.#window = Buffer.allocUnsafeSlow(1 << 15)
    const window = this.#window.subarray(0, Math.min(1 << 15, this.bytes - offset))
    this.#readFile(window, offset)
    // A short last window leaves old bytes behind it; nothing behind the end is ever asked for.
    this.#windowStart = offset
    target.set(window.subarray(0, target.length))
  }

  share(): SharedStore {
    return { path: this.path, descriptor: this.#descriptor }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #readFile(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.length;) {
      const count = readSync(this.#descriptor, target, done, target.length - done, offset + done)
      if (count === 0) throw new RangeError('a read past the end of a run')
      done += count
    }
  }

  seal(): void {
    this.#flush()
    this.#pending = Buffer.alloc(0)
  }

  #flush(): void {
    this.#write(this.#pending.subarray(0, this.#pendingBytes))
    this.#pendingBytes = 0
  }

  #write(piece: Uint8Array): void {
    try {
      for (let done = 0; done < piece.length;) done += writeSync(this.#descriptor, piece, done)
    } catch (error) {
      throw unwritable(this.path, error)
    }
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function unwritable(where: string, error: unknown): Failure {
  return new Failure('export/temporary-file', `cannot write a sorted run of the WAL: ${messageOf(error)}`, {
    where,
    remedy:
      'Give the work folder more space ("spool: { dir: ... }"), or more memory ("spool: { memory: ... }").',
    cause: error,
  })
}
