import { closeSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { NO_SERIES, copyBytes } from './rows.ts'
import type { RowCursor, Series } from './rows.ts'

/**
 * A sorted run: rows in order, on disk, for this process alone (native byte order does not matter, the format may
 * change). Records of `u32 length` (of what follows), `u8 kind`:
 *   series: u32 key length, key, then for each field u32 length, field
 *   row: f64 seconds, i32 nanos, then for each field of the row varint number, varint length, value
 */
const SERIES = 0
const ROW = 1
const WRITE_BYTES = 1 << 20

/** Writes all rows of a cursor to a new file. @returns the bytes written. */
export async function writeRun(path: string, rows: RowCursor, signal: AbortSignal): Promise<number> {
  const file = await open(path, 'wx', 0o600)
  let buffer = Buffer.allocUnsafeSlow(WRITE_BYTES + 65_536)
  let series: Series = NO_SERIES
  let at = 0
  let written = 0
  const reserve = (bytes: number): void => {
    if (at + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(at + bytes)
    buffer.copy(larger, 0, 0, at)
    buffer = larger
  }
  try {
    while (rows.next()) {
      if (rows.series !== series) {
        series = rows.series
        reserve(9 + series.key.length + series.fields.reduce((sum, field) => sum + 4 + field.length, 0))
        at = writeSeries(buffer, at, series)
      }
      let bytes = 17
      for (let i = 0; i < rows.count; i++) bytes += 10 + (rows.end[i] as number) - (rows.start[i] as number)
      reserve(bytes)
      at = writeRow(buffer, at, rows)
      if (at < WRITE_BYTES) continue
      signal.throwIfAborted()
      await writeFully(file, buffer.subarray(0, at))
      written += at
      at = 0
    }
    await writeFully(file, buffer.subarray(0, at))
    return written + at
  } finally {
    await file.close()
  }
}

/** FileHandle.write may write less than it is given, on a disk that is filling up. */
export async function writeFully(
  file: { write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, bytes.length - at)).bytesWritten
  }
}

function writeSeries(buffer: Buffer, start: number, { key, fields }: Series): number {
  buffer[start + 4] = SERIES
  let at = buffer.writeUInt32LE(key.length, start + 5)
  at += key.copy(buffer, at)
  for (const field of fields) {
    at = buffer.writeUInt32LE(field.length, at)
    at += field.copy(buffer, at)
  }
  buffer.writeUInt32LE(at - start - 4, start)
  return at
}

function writeRow(buffer: Buffer, start: number, rows: RowCursor): number {
  buffer[start + 4] = ROW
  let at = buffer.writeDoubleLE(rows.seconds, start + 5)
  at = buffer.writeInt32LE(rows.nanos, at)
  for (let i = 0; i < rows.count; i++) {
    const from = rows.start[i] as number
    const end = rows.end[i] as number
    at = writeVarint(buffer, at, rows.field[i] as number)
    at = writeVarint(buffer, at, end - from)
    at = copyBytes(rows.bytes[i] as Buffer, from, end, buffer, at)
  }
  buffer.writeUInt32LE(at - start - 4, start)
  return at
}

function writeVarint(buffer: Buffer, at: number, number: number): number {
  while (number > 127) {
    buffer[at++] = (number & 127) | 128
    number >>>= 7
  }
  buffer[at++] = number
  return at
}

/** Reads a run back. Reads block: they come from the page cache mostly, and a promise a row would cost more. */
export class RunRows implements RowCursor {
  series = NO_SERIES
  seconds = 0
  nanos = 0
  count = 0
  readonly field: number[] = []
  readonly bytes: Buffer[] = []
  readonly start: number[] = []
  readonly end: number[] = []

  readonly #file: number
  #buffer: Buffer
  #at = 0
  #filled = 0

  /** `bufferBytes` grows when a row is larger. */
  constructor(path: string, bufferBytes: number) {
    this.#file = openSync(path, 'r')
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
  }

  next(): boolean {
    for (;;) {
      if (!this.#has(4)) return false
      const length = this.#buffer.readUInt32LE(this.#at)
      this.#has(4 + length)
      const at = this.#at + 4
      this.#at = at + length
      if (this.#buffer[at] === ROW) {
        this.#readRow(at + 1, at + length)
        return true
      }
      this.#readSeries(at + 1, at + length)
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Makes `bytes` of the file available at `at`; `false` at its end. */
  #has(bytes: number): boolean {
    if (this.#at + bytes <= this.#filled) return true
    const rest = this.#filled - this.#at
    const target = bytes > this.#buffer.length ? Buffer.allocUnsafeSlow(bytes * 2) : this.#buffer
    this.#buffer.copy(target, 0, this.#at, this.#filled)
    this.#buffer = target
    this.#at = 0
    this.#filled = rest
    while (this.#filled < bytes) {
      const read = readSync(this.#file, target, this.#filled, target.length - this.#filled, null)
      if (read === 0) return false
      this.#filled += read
    }
    return true
  }

  #readSeries(at: number, end: number): void {
    const read = (): Buffer => {
      const length = this.#buffer.readUInt32LE(at)
      at += 4 + length
      return Buffer.from(this.#buffer.subarray(at - length, at))
    }
    const series: Series = { key: read(), fields: [] }
    while (at < end) series.fields.push(read())
    this.series = series
  }

  #readRow(start: number, until: number): void {
    const buffer = this.#buffer
    this.seconds = buffer.readDoubleLE(start)
    this.nanos = buffer.readInt32LE(start + 8)
    let at = start + 12
    let count = 0
    const varint = (): number => {
      let number = 0
      for (let shift = 0; ; shift += 7) {
        const byte = buffer[at++] as number
        number |= (byte & 127) << shift
        if (byte < 128) return number
      }
    }
    while (at < until) {
      this.field[count] = varint()
      const length = varint()
      this.bytes[count] = buffer
      this.start[count] = at
      at += length
      this.end[count] = at
      count += 1
    }
    this.count = count
  }
}
