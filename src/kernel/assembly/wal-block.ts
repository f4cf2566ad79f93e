// A block of a sorted run of a WAL (src/source/tsm/wal-run.ts): u32 points, u32 zero, times i64, then values: eight bytes
// each, booleans one, strings their lengths u32 and then their bytes; everything little-endian. It is read where it lies.
import { giveBuffer, takeBuffer } from './arena'
import { BlockEntry } from './block'
import {
  BAD_TIME,
  BOOLEAN,
  COUNT_MISMATCH,
  INDEX_MISMATCH,
  LARGEST_BLOCK,
  NEVER,
  NO_MEMORY,
  OK,
  STRING,
  TIME_ORDER,
  TOO_LARGE,
  TRUNCATED,
} from './codes'

const HEADER: usize = 8

/** What `readWalBlock` found: times, values as decoded blocks have them, the buffer these are in or 0, and how many. */
export let walTimes: usize = 0
export let walValues: usize = 0
export let walBuffer: usize = 0
export let walCount: u32 = 0

/** As `decodeBlock`. */
export function readWalBlock(entry: BlockEntry, type: u32, after: i64): i32 {
  walBuffer = 0
  if (entry.size < <u32>HEADER) return TRUNCATED
  const count = load<u32>(entry.address)
  if (count > LARGEST_BLOCK) return TOO_LARGE
  const width: usize = type === BOOLEAN ? 1 : type === STRING ? 4 : 8
  const end = entry.address + entry.size
  const times = entry.address + HEADER
  const values = times + ((<usize>count) << 3)
  const valuesEnd = values + <usize>count * width
  if (valuesEnd > end) return TRUNCATED
  if (type !== STRING && valuesEnd !== end) return COUNT_MISMATCH
  walTimes = times
  walValues = values
  walCount = count
  if (count === 0) return valuesEnd === end ? OK : COUNT_MISMATCH
  let falls: u32 = 0
  for (let at = times + 8; at < values; at += 8) falls |= u32(load<i64>(at) <= load<i64>(at - 8))
  if (falls !== 0) return TIME_ORDER
  if (load<i64>(times) !== entry.minTime || load<i64>(values - 8) !== entry.maxTime) return INDEX_MISMATCH
  if (entry.maxTime === NEVER) return BAD_TIME
  if (after !== NEVER && entry.minTime <= after) return TIME_ORDER
  if (width === 8) return OK
  const buffer = takeBuffer((<u64>count) << 3)
  if (buffer === 0) return NO_MEMORY
  walValues = buffer
  if (type === BOOLEAN) {
    for (let i: usize = 0; i < <usize>count; i++)
      store<u64>(buffer + (i << 3), u64(load<u8>(values + i) === 1))
  } else if (!split(values, valuesEnd, end, buffer)) {
    giveBuffer(buffer)
    return COUNT_MISMATCH
  }
  walBuffer = buffer
  return OK
}

/** Writes where each string is and how long; false if they do not end where the block does. */
function split(lengths: usize, bytes: usize, end: usize, to: usize): bool {
  let at = bytes
  let out = to
  for (let from = lengths; from < bytes; from += 4) {
    const length = load<u32>(from)
    if (length > <u32>(end - at)) return false
    store<u64>(out, ((<u64>length) << 32) | (<u64>at))
    out += 8
    at += length
  }
  return at === end
}
