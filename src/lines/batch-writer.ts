import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { crc32, gzip } from 'node:zlib'
import { NO_SERIES, copyBytes } from './rows.ts'
import type { RowCursor } from './rows.ts'
import { writeFully } from './run-file.ts'
import type { BatchEntry } from './spool.ts'
import { writeInstant } from './timestamp.ts'

const compress = promisify(gzip)
/** Batches being compressed at once; with the one being filled, this many and one buffers of `batch.bytes`. */
const IN_FLIGHT = 3
const GZIP_CHUNK_BYTES = 1 << 18

export interface BatchLimits {
  lines: number
  bytes: number
}

interface Pending {
  buffer: Buffer
  entry: Pick<BatchEntry, 'rawBytes' | 'lines' | 'points'>
  gzip: Promise<Buffer>
}

/** Writes rows as v3 line protocol: batches within the limits, each one gzip member, one after another in a file. */
export class BatchWriter {
  readonly batches: BatchEntry[] = []
  points = 0
  rows = 0
  rawBytes = 0
  gzipBytes = 0

  readonly #file: FileHandle
  readonly #limits: BatchLimits
  readonly #level: number
  readonly #signal: AbortSignal
  #pending: Pending[] = []
  readonly #spare: Buffer[] = []
  #buffer: Buffer
  #at = 0
  #lines = 0
  #batchPoints = 0
  #series = NO_SERIES
  /** `field=` by field of the current series. */
  #fields: Buffer[] = []
  readonly #time = Buffer.allocUnsafe(24)

  private constructor(file: FileHandle, limits: BatchLimits, level: number, signal: AbortSignal) {
    this.#file = file
    this.#limits = limits
    this.#level = level
    this.#signal = signal
    this.#buffer = Buffer.allocUnsafeSlow(limits.bytes)
  }

  static async create(
    path: string,
    limits: BatchLimits,
    level: number,
    signal: AbortSignal,
  ): Promise<BatchWriter> {
    return new BatchWriter(await open(path, 'w', 0o600), limits, level, signal)
  }

  /** Writes all rows of a cursor. Rows that hold nothing but holes are left out. */
  async writeAll(rows: RowCursor): Promise<void> {
    while (rows.next()) {
      if (rows.series !== this.#series) this.#enterSeries(rows)
      const values = this.#measure(rows)
      if (values === undefined) continue
      const timeEnd = writeInstant(this.#time, 0, rows.seconds, rows.nanos)
      const bytes = values + this.#series.key.length + timeEnd + 2
      const { lines, bytes: limit } = this.#limits
      if (this.#lines > 0 && (this.#lines >= lines || this.#at + bytes > limit)) await this.#closeBatch()
      if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes) // alone in its batch
      this.#writeRow(rows, timeEnd)
    }
  }

  /** What fits into the batch under way; a full one is closed first. */
  async room(): Promise<{ rows: number; bytes: number }> {
    const { lines, bytes } = this.#limits
    if (this.#lines >= lines || this.#at >= bytes) await this.#closeBatch()
    return { rows: lines - this.#lines, bytes: bytes - this.#at }
  }

  /** Appends ready rows: as many as there is room for, or one. Their bytes are copied. */
  async appendRows(bytes: Uint8Array, rows: number, points: number): Promise<void> {
    const { lines, bytes: limit } = this.#limits
    const fits = this.#lines + rows <= lines && this.#at + bytes.length <= limit
    if (this.#lines > 0 && !fits) await this.#closeBatch()
    if (bytes.length > this.#buffer.length) {
      if (rows > 1) throw new RangeError(`${rows} rows are appended that no batch has room for`)
      this.#buffer = Buffer.allocUnsafeSlow(bytes.length) // alone in its batch
    }
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
    this.#lines += rows
    this.#batchPoints += points
  }

  /** Closes the last batch and flushes the file to the disk. */
  async finish(): Promise<void> {
    if (this.#lines > 0) await this.#closeBatch()
    while (this.#pending.length > 0) await this.#writeOldest()
    await this.#file.sync()
    await this.#file.close()
  }

  /** Lets go of the file after a failure. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#pending.map((pending) => pending.gzip))
    await this.#file.close().catch(() => undefined) // closed already
  }

  #enterSeries(rows: RowCursor): void {
    this.#series = rows.series
    this.#fields = rows.series.fields.map((field) => Buffer.concat([field, Buffer.from('=')]))
  }

  /** Bytes of a row's fields with commas between and a space before; `undefined` when all are holes. */
  #measure(rows: RowCursor): number | undefined {
    let bytes = 0
    for (let i = 0; i < rows.count; i++) {
      const length = (rows.end[i] as number) - (rows.start[i] as number)
      if (length > 0) bytes += (this.#fields[rows.field[i] as number] as Buffer).length + length + 1
    }
    return bytes === 0 ? undefined : bytes
  }

  #writeRow(rows: RowCursor, timeEnd: number): void {
    const buffer = this.#buffer
    const { key } = this.#series
    let at = copyBytes(key, 0, key.length, buffer, this.#at)
    let separator = 32
    for (let i = 0; i < rows.count; i++) {
      const start = rows.start[i] as number
      const end = rows.end[i] as number
      if (start === end) continue
      buffer[at++] = separator
      separator = 44
      const field = this.#fields[rows.field[i] as number] as Buffer
      at = copyBytes(field, 0, field.length, buffer, at)
      at = copyBytes(rows.bytes[i] as Buffer, start, end, buffer, at)
      this.#batchPoints += 1
    }
    buffer[at++] = 32
    at = copyBytes(this.#time, 0, timeEnd, buffer, at)
    buffer[at++] = 10
    this.#at = at
    this.#lines += 1
  }

  async #closeBatch(): Promise<void> {
    this.#signal.throwIfAborted()
    const buffer = this.#buffer
    const raw = buffer.subarray(0, this.#at)
    const promise = compress(raw, { level: this.#level, chunkSize: GZIP_CHUNK_BYTES })
    promise.catch(() => undefined) // awaited later, in order
    const entry = { rawBytes: this.#at, lines: this.#lines, points: this.#batchPoints }
    this.#pending.push({ buffer, entry, gzip: promise })
    this.rows += this.#lines
    this.points += this.#batchPoints
    this.rawBytes += this.#at
    this.#at = 0
    this.#lines = 0
    this.#batchPoints = 0
    if (this.#pending.length > IN_FLIGHT) await this.#writeOldest()
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#limits.bytes)
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#pending[0] as Pending
    const member = await oldest.gzip
    this.#pending.shift()
    await writeFully(this.#file, member)
    this.batches.push({
      offset: this.gzipBytes,
      bytes: member.length,
      ...oldest.entry,
      crc32: crc32(member),
    })
    this.gzipBytes += member.length
    // A buffer that a huge row made is not kept.
    if (oldest.buffer.length === this.#limits.bytes) this.#spare.push(oldest.buffer)
  }
}
