import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { crc32, gzip } from 'node:zlib'
import { BlockType } from '../kernel/kernel.ts'
import type { RowGzip } from '../kernel/row-gzip.ts'
import type { FigureBook } from './figure-book.ts'
import { LONG_STRING, longStringReason } from './long-strings.ts'
import { NO_SERIES, copyBytes } from './rows.ts'
import type { RowCursor } from './rows.ts'
import { writeFully } from './run-file.ts'
import type { BatchEntry } from './spool.ts'
import { writeInstant } from './timestamp.ts'

const compress = promisify(gzip)
const IN_FLIGHT = 3
const GZIP_CHUNK_BYTES = 1 << 18

export interface BatchLimits {
  lines: number
  bytes: number
}

export type BatchSums = Pick<BatchEntry, 'rawBytes' | 'lines' | 'points'>

/** Where batches go, in their order. */
export interface BatchDestination {
  /** One gzip member; returns when there is room for the next. */
  write(member: Uint8Array, sums: BatchSums): Promise<void>
  /** That was the last one. */
  finish(): Promise<void>
  /** After a failure. */
  abandon(): Promise<void>
}

interface Pending {
  /** To be used again. */
  buffer: Buffer | undefined
  entry: BatchSums
  gzip: Promise<Uint8Array>
}

export interface BatchWriterOptions {
  limits: BatchLimits
  gzipLevel: number
  /** Gets the figures of the rows of {@link BatchWriter.writeAll}. */
  figures?: FigureBook | undefined
  signal: AbortSignal
  /** For level 1, and for nobody else meanwhile. Default: zlib does it. */
  gzip?: RowGzip | undefined
  /** Batches being compressed at once; with the one being filled, as many and one buffers of `batch.bytes`. */
  inFlight?: number
}

/** Writes rows as v3 line protocol: batches within the limits, each one gzip member. */
export class BatchWriter {
  readonly batches: BatchEntry[] = []
  points = 0
  rows = 0
  rawBytes = 0
  gzipBytes = 0
  /** In the rows of {@link BatchWriter.writeAll}: strings that most clusters refuse. */
  longStrings = 0

  readonly #destination: BatchDestination
  readonly #inFlight: number
  readonly #limits: BatchLimits
  readonly #level: number
  readonly #gzip: BatchWriterOptions['gzip']
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
  readonly #figures: FigureBook | undefined
  /** By field of the current series and type: numbers of the figures. */
  #slots: number[][] = []
  readonly #time = Buffer.allocUnsafe(24)

  constructor(destination: BatchDestination, options: BatchWriterOptions) {
    const { limits, gzipLevel, figures, signal, gzip, inFlight = IN_FLIGHT } = options
    this.#destination = destination
    this.#limits = limits
    this.#level = gzipLevel
    this.#figures = figures
    this.#gzip = gzipLevel === 1 ? gzip : undefined
    this.#signal = signal
    this.#inFlight = inFlight
    this.#buffer = this.#newBuffer()
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
      if (bytes > this.#buffer.length) this.#buffer = this.#newBuffer(bytes) // alone in its batch
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
      this.#buffer = this.#newBuffer(bytes.length) // alone in its batch
    }
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
    this.#lines += rows
    this.#batchPoints += points
  }

  /** Appends a batch that another writer made. */
  async appendBatch(member: Uint8Array, sums: BatchSums): Promise<void> {
    await this.closeBatch()
    this.#count(sums)
    await this.#write(member, sums)
  }

  /** Closes the batch under way, whether or not it is full, and waits until it is written. */
  async closeBatch(): Promise<void> {
    if (this.#lines > 0) await this.#closeBatch()
    while (this.#pending.length > 0) await this.#writeOldest()
  }

  async finish(): Promise<void> {
    await this.closeBatch()
    await this.#destination.finish()
  }

  /** Lets go after a failure. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#pending.map((pending) => pending.gzip))
    await this.#destination.abandon()
  }

  #enterSeries(rows: RowCursor): void {
    this.#series = rows.series
    this.#fields = rows.series.fields.map((field) => Buffer.concat([field, Buffer.from('=')]))
    this.#figures?.begin(rows.series.key)
    this.#slots = rows.series.fields.map(() => [])
  }

  #countValue(figures: FigureBook, rows: RowCursor, i: number, start: number, end: number): void {
    const field = rows.field[i] as number
    const bytes = rows.bytes[i] as Buffer
    const type = typeOf(bytes[start] as number, bytes[end - 1] as number)
    const slots = this.#slots[field] as number[]
    const slot = (slots[type] ??= figures.slotOf(rows.series.fields[field] as Buffer, type))
    figures.addText(slot, rows.seconds, rows.nanos, bytes, start, end)
  }

  #countLong(value: Buffer): void {
    if (longStringReason(value) !== undefined) this.longStrings += 1
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
      if (end - start > LONG_STRING) this.#countLong((rows.bytes[i] as Buffer).subarray(start, end))
      if (this.#figures !== undefined) this.#countValue(this.#figures, rows, i, start, end)
    }
    buffer[at++] = 32
    at = copyBytes(this.#time, 0, timeEnd, buffer, at)
    buffer[at++] = 10
    this.#at = at
    this.#lines += 1
  }

  async #closeBatch(): Promise<void> {
    this.#signal.throwIfAborted()
    const raw = this.#buffer.subarray(0, this.#at)
    const promise =
      this.#gzip === undefined
        ? compress(raw, { level: this.#level, chunkSize: GZIP_CHUNK_BYTES })
        : Promise.resolve(this.#gzip.compress(this.#at))
    promise.catch(() => undefined) // awaited later, in order
    const entry = { rawBytes: this.#at, lines: this.#lines, points: this.#batchPoints }
    const buffer = this.#gzip === undefined ? this.#buffer : undefined
    this.#pending.push({ buffer, entry, gzip: promise })
    this.#count(entry)
    this.#at = 0
    this.#lines = 0
    this.#batchPoints = 0
    if (this.#pending.length > this.#inFlight) await this.#writeOldest()
    this.#buffer = this.#newBuffer()
  }

  #newBuffer(bytes = this.#limits.bytes): Buffer {
    if (this.#gzip !== undefined) return this.#gzip.buffer(bytes)
    return (bytes === this.#limits.bytes ? this.#spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes)
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#pending[0] as Pending
    const member = await oldest.gzip
    this.#pending.shift()
    await this.#write(member, oldest.entry)
    // A buffer that a huge row made is not kept.
    if (oldest.buffer?.length === this.#limits.bytes) this.#spare.push(oldest.buffer)
  }

  #count({ lines, points, rawBytes }: BatchSums): void {
    this.rows += lines
    this.points += points
    this.rawBytes += rawBytes
  }

  async #write(member: Uint8Array, sums: BatchSums): Promise<void> {
    await this.#destination.write(member, sums)
    this.batches.push({ offset: this.gzipBytes, bytes: member.length, ...sums, crc32: crc32(member) })
    this.gzipBytes += member.length
  }
}

/** Of a value as line protocol has it, by its first and last byte. */
function typeOf(first: number, last: number): BlockType {
  if (first === 0x22) return BlockType.string
  if (first === 0x74 || first === 0x66) return BlockType.boolean
  return last === 0x69 ? BlockType.integer : last === 0x75 ? BlockType.unsigned : BlockType.float
}

/** A file of one gzip member after another. */
export async function batchFile(path: string): Promise<BatchDestination> {
  const file = await open(path, 'w', 0o600)
  return {
    write: (member) => writeFully(file, member),
    finish: async () => {
      await file.sync()
      await file.close()
    },
    abandon: () => file.close().catch(() => undefined), // closed already
  }
}
