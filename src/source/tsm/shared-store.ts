/** Stores that another thread opened: read there, closed by it. */
import type { BlockStore, SharedStore } from './block-store.ts'
import { readFully, readSome } from './tsm-file.ts'

/** What a store in memory is made of. */
export const PAGE_BYTES = 1 << 20

export function openShared(shared: SharedStore): BlockStore {
  const { path } = shared
  const read =
    'pages' in shared
      ? (target: Uint8Array, offset: number) => readPages(shared.pages, target, offset)
      : readAhead(path, shared.descriptor)
  return { path, read, share: () => shared }
}

/** Bytes read at once where small blocks lie one behind the other: a call into the system for each of a million costs more. */
const AHEAD_BYTES = 1 << 14
const SMALL_BYTES = 1 << 10

/** Reads a piece ahead where what is asked for is small, and begins where the last ended. */
function readAhead(path: string, descriptor: number): BlockStore['read'] {
  let piece = new Uint8Array(0)
  let pieceStart = 0
  let lastEnd = -1
  return (target, offset) => {
    const end = offset + target.length
    const follows = offset === lastEnd && target.length <= SMALL_BYTES
    lastEnd = end
    if (follows && (offset < pieceStart || end > pieceStart + piece.length)) {
      const ahead = new Uint8Array(AHEAD_BYTES)
      piece = ahead.subarray(0, readSome(path, descriptor, ahead, offset))
      pieceStart = offset
    }
    if (offset < pieceStart || end > pieceStart + piece.length) readFully(path, descriptor, target, offset)
    else target.set(piece.subarray(offset - pieceStart, end - pieceStart))
  }
}

export function readPages(pages: readonly SharedArrayBuffer[], target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length;) {
    const page = pages[Math.floor((offset + done) / PAGE_BYTES)]
    if (page === undefined) throw new RangeError('a read past the end of a run')
    const from = (offset + done) % PAGE_BYTES
    const bytes = new Uint8Array(page, from, Math.min(PAGE_BYTES - from, target.length - done))
    target.set(bytes, done)
    done += bytes.length
  }
}
