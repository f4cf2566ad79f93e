/** The first and last time in a TSM file, from its index. */
import { open, type FileHandle } from 'node:fs/promises'
import { Failure, messageOf } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'

const MAGIC = 0x16d116d1
const HEADER_BYTES = 5
const FOOTER_BYTES = 8
/** minTime i64, maxTime i64, offset i64, size u32 */
const ENTRY_BYTES = 28
const READ_BYTES = 256 * 1024

/**
 * The window from the first to just after the last point, deletes by tombstones not looked at. The index (a few per
 * cent of the file) is read through in pieces: keyLen u16, key, type u8, count u16, then entries in time order.
 *
 * @throws Failure `source/damaged-tsm` naming the file
 */
export async function readTsmTimes(path: string): Promise<TimeWindow> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    return await timesOf(file)
  } catch (error) {
    throw new Failure('source/damaged-tsm', `cannot read the index of a TSM file: ${messageOf(error)}`, {
      where: path,
      remedy:
        'Restore the file from a backup, or move it out of the data directory to go on without its points.',
      cause: error,
    })
  } finally {
    await file?.close()
  }
}

async function timesOf(file: FileHandle): Promise<TimeWindow> {
  const { size } = await file.stat()
  const reader = new PieceReader(file, size)
  if (size < HEADER_BYTES + FOOTER_BYTES) throw new Error(`it has only ${size} bytes`)
  if ((await reader.at(0, 4)).readUInt32BE() !== MAGIC)
    throw new Error('it does not begin as a TSM file does')
  const end = size - FOOTER_BYTES
  const start = Number((await reader.at(end, FOOTER_BYTES)).readBigUInt64BE())
  if (start < HEADER_BYTES || start >= end) throw new Error('its footer points outside of the file')

  let first: bigint | undefined
  let last: bigint | undefined
  for (let position = start; position < end;) {
    position += 2 + (await reader.at(position, 2)).readUInt16BE() + 1
    const count = (await reader.at(position, 2)).readUInt16BE()
    position += 2
    if (count === 0) throw new Error(`its index has a key without blocks at byte ${position}`)
    const min = (await reader.at(position, 8)).readBigInt64BE()
    position += (count - 1) * ENTRY_BYTES
    const max = (await reader.at(position + 8, 8)).readBigInt64BE()
    position += ENTRY_BYTES
    if (position > end) throw new Error('its index is cut')
    if (first === undefined || min < first) first = min
    if (last === undefined || max > last) last = max
  }
  if (first === undefined || last === undefined) throw new Error('its index is empty')
  return { start: first, end: last + 1n }
}

/** Bytes anywhere in a file, read a piece at a time. */
class PieceReader {
  readonly #file: FileHandle
  readonly #size: number
  #piece = Buffer.alloc(0)
  #start = 0

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.#size = size
  }

  async at(position: number, length: number): Promise<Buffer> {
    if (position + length > this.#size) throw new Error(`it ends at byte ${this.#size}, inside its index`)
    if (position < this.#start || position + length > this.#start + this.#piece.length) {
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#size - position))
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, position)
      if (bytesRead < length) throw new Error(`it ends at byte ${position + bytesRead}, inside its index`)
      this.#piece = buffer.subarray(0, bytesRead)
      this.#start = position
    }
    const from = position - this.#start
    return this.#piece.subarray(from, from + length)
  }
}
