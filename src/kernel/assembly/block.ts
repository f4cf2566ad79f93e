// One block: its CRC, its parts, its times and values. Columns of one row mostly have the very same bytes for their
// times: those are decoded once and shared.
import { giveBuffer, takeBuffer } from './arena'
import { decodeBooleans } from './booleans'
import { bigEndian32, uvarint, uvarintEnd } from './bytes'
import {
  BAD_CRC,
  BAD_ENCODING,
  BAD_TIME,
  BOOLEAN,
  FLOAT,
  INDEX_MISMATCH,
  INTEGER,
  NEVER,
  NO_MEMORY,
  OK,
  STRING,
  TIME_ORDER,
  TRUNCATED,
  TYPE_MISMATCH,
  UNSIGNED,
} from './codes'
import { crc32 } from './crc32'
import { decodeFloats } from './floats'
import { decodeIntegers } from './integers'
import { decodeStrings, stringBytes } from './strings'
import { countTimes, decodeTimes, timesFailure } from './timestamps'

/** A block as src/kernel/kernel.ts describes it, up to `code`; then what went wrong with it, for the list of errors. */
@unmanaged
export class BlockEntry {
  address: usize
  size: u32
  minTime: i64
  maxTime: i64
  code: i32
  column: u32
  source: u32
  index: u32
  nextError: usize
  unused: u32
}

/** Decoded times, behind what they were decoded from, and how many sources use them. */
@unmanaged
export class SharedTimes {
  uses: u32
  section: usize
  sectionSize: u32
  count: u32
}

export function timesOf(shared: SharedTimes): usize {
  return changetype<usize>(shared) + offsetof<SharedTimes>()
}

const RECENT: usize = 4
const recent: usize = memory.data(16, 4)
let recentNext: usize = 0

export function forgetRecentTimes(): void {
  memory.fill(recent, 0, RECENT << 2)
}

function findTimes(section: usize, size: u32): SharedTimes | null {
  for (let i: usize = 0; i < RECENT; i++) {
    const candidate = load<usize>(recent + (i << 2))
    if (candidate === 0) continue
    const shared = changetype<SharedTimes>(candidate)
    if (shared.sectionSize === size && equalBytes(shared.section, section, size)) return shared
  }
  return null
}

function equalBytes(a: usize, b: usize, size: usize): bool {
  let done: usize = 0
  for (; done + 16 <= size; done += 16) {
    if (v128.any_true(v128.xor(v128.load(a + done), v128.load(b + done)))) return false
  }
  for (; done < size; done++) {
    if (load<u8>(a + done) !== load<u8>(b + done)) return false
  }
  return true
}

/** Gives times back that a source no longer uses. */
export function releaseTimes(shared: SharedTimes | null): void {
  if (shared === null || --shared.uses > 0) return
  const address = changetype<usize>(shared)
  for (let i: usize = 0; i < RECENT; i++) {
    if (load<usize>(recent + (i << 2)) === address) store<usize>(recent + (i << 2), 0)
  }
  giveBuffer(address)
}

/** What `decodeBlock` found: the times, null of an empty block, a buffer with the values, and one with their bytes if they are strings. */
export let blockTimes: SharedTimes | null = null
export let blockValues: usize = 0
export let blockBytes: usize = 0

/**
 * Decodes a block of the given type, all of whose times must be after `after`, unless that is NEVER. On OK the buffers found are the
 * caller's; on anything else there are none.
 */
export function decodeBlock(entry: BlockEntry, type: u32, after: i64): i32 {
  blockTimes = null
  blockValues = blockBytes = 0
  const start = entry.address
  const end = start + entry.size
  if (entry.size < 6) return TRUNCATED
  if (crc32(start + 4, end) !== bigEndian32(start)) return BAD_CRC
  if (<u32>load<u8>(start, 4) !== type) return TYPE_MISMATCH
  const timesSize = uvarint(start + 5, end)
  const section = uvarintEnd
  if (section === 0 || timesSize > <u64>(end - section)) return TRUNCATED
  const values = section + <usize>timesSize
  const shared = timesIn(section, <u32>timesSize)
  if (shared === null) return timesCode
  let code = OK
  const count = shared.count
  if (count > 0) {
    const times = timesOf(shared)
    const first = load<i64>(times)
    if (first !== entry.minTime || load<i64>(times + ((<usize>count - 1) << 3)) !== entry.maxTime)
      code = INDEX_MISMATCH
    else if (entry.maxTime === NEVER) code = BAD_TIME
    else if (after !== NEVER && first <= after) code = TIME_ORDER
    else code = decodeValues(type, values, end, count)
  }
  if (code === OK) blockTimes = shared
  else releaseTimes(shared)
  return code
}

let timesCode: i32 = OK

/** The times of a section, shared with whoever has the same; null with `timesCode`. */
function timesIn(section: usize, size: u32): SharedTimes | null {
  const same = findTimes(section, size)
  if (same !== null) {
    same.uses++
    return same
  }
  const count = countTimes(section, section + size)
  if (count < 0) {
    timesCode = timesFailure()
    return null
  }
  const buffer = takeBuffer(<u64>offsetof<SharedTimes>() + ((<u64>count) << 3))
  if (buffer === 0) {
    timesCode = NO_MEMORY
    return null
  }
  const shared = changetype<SharedTimes>(buffer)
  const code = count === 0 ? OK : decodeTimes(section, section + size, count, timesOf(shared))
  if (code !== OK) {
    giveBuffer(buffer)
    timesCode = code
    return null
  }
  shared.uses = 1
  shared.section = section
  shared.sectionSize = size
  shared.count = count
  store<usize>(recent + (recentNext << 2), buffer)
  recentNext = (recentNext + 1) & (RECENT - 1)
  return shared
}

function decodeValues(type: u32, from: usize, end: usize, count: i32): i32 {
  const buffer = takeBuffer((<u64>count) << 3)
  if (buffer === 0) return NO_MEMORY
  let code = BAD_ENCODING
  if (type === FLOAT) code = decodeFloats(from, end, count, buffer)
  else if (type === INTEGER || type === UNSIGNED) code = decodeIntegers(from, end, count, buffer)
  else if (type === BOOLEAN) code = decodeBooleans(from, end, count, buffer)
  else if (type === STRING) {
    code = decodeStrings(from, end, count, buffer)
    blockBytes = stringBytes
  }
  if (code === OK) blockValues = buffer
  else giveBuffer(buffer)
  return code
}
