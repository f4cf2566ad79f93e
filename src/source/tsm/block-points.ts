import type { BlockStore } from './block-store.ts'
import type { BlockTable } from './block-table.ts'
import { damagedTsm } from './damage.ts'
import type { FieldSource } from './field-list.ts'

/** CRC u32, type u8, uvarint length of the times, then the times' first bytes. */
const HEAD_BYTES = 64
const CRC_AND_TYPE = 5
/** Values in a simple8b word, by its selector (the upper four bits). */
const SELECTED = [240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1] as const

/** How many points the block in a row of the table holds, of a TSM file or of a run of a WAL. @throws Failure `export/tsm-damaged` */
export function pointsAt(
  { encoding, store }: Pick<FieldSource, 'encoding' | 'store'>,
  table: BlockTable,
  row: number,
): number {
  const offset = table.offsets[row] ?? 0
  if (encoding === 'tsm') return pointsOfBlock(store, offset, table.sizes[row] ?? 0)
  const head = Buffer.allocUnsafe(4)
  store.read(head, offset)
  return head.readUInt32LE()
}

/**
 * How many points a TSM block holds, from its times' header: one short read; a second one of the times where they are
 * packed in words of simple8b. Nothing is checked but what is needed to count.
 *
 * @throws Failure `export/tsm-damaged`
 */
export function pointsOfBlock(store: BlockStore, offset: number, size: number): number {
  const damaged = () =>
    damagedTsm({ path: store.path, offset }, 'the times of a block have no readable header')
  const head = Buffer.allocUnsafe(Math.min(size, HEAD_BYTES))
  store.read(head, offset)
  const length = uvarint(head, CRC_AND_TYPE)
  if (length === undefined) throw damaged()
  const start = length.next
  if (length.value === 0 || start + length.value > size || start >= head.length) throw damaged()
  const encoding = (head[start] ?? 0) >> 4
  if (encoding === 0) return (length.value - 1) / 8
  if (encoding === 2) {
    const step = uvarint(head, start + 9)
    const count = step && uvarint(head, step.next)
    if (count === undefined) throw damaged()
    return count.value
  }
  if (encoding !== 1) throw damaged()
  const words = Buffer.allocUnsafe(Math.max(0, length.value - 9))
  store.read(words, offset + start + 9)
  let count = 1
  for (let at = 0; at + 8 <= words.length; at += 8) count += SELECTED[(words[at] ?? 0) >> 4] ?? 0
  return count
}

/** Exact up to 2^53: a step of time may be longer, and is only passed over. */
function uvarint(data: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0
  for (let i = 0; i < 10 && at + i < data.length; i++) {
    const byte = data[at + i] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  return undefined
}
