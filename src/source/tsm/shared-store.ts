/** Stores that another thread opened: read there, closed by it. */
import type { BlockStore, SharedStore } from './block-store.ts'
import { readFully } from './tsm-file.ts'

/** What a store in memory is made of. */
export const PAGE_BYTES = 1 << 20

export function openShared(shared: SharedStore): BlockStore {
  const { path } = shared
  const read =
    'pages' in shared
      ? (target: Uint8Array, offset: number) => readPages(shared.pages, target, offset)
      : (target: Uint8Array, offset: number) => readFully(path, shared.descriptor, target, offset)
  return { path, read, share: () => shared }
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
