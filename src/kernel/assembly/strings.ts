// Strings of a block: one snappy block of lengths and bytes. A decoded value is where its bytes are, in the low half,
// and how many there are, in the high half.
import { giveBuffer, takeBuffer } from './arena'
import { uvarint, uvarintEnd } from './bytes'
import { BAD_ENCODING, COUNT_MISMATCH, NO_MEMORY, OK, TRUNCATED } from './codes'
import { snappyLength, unsnappy, WHOLE } from './snappy'

const SNAPPY: u32 = 1

/** The buffer that holds the bytes of the block decoded last; whoever keeps the values gives it back. */
export let stringBytes: usize = 0

/** Writes exactly `count` values, at least one. */
export function decodeStrings(from: usize, end: usize, count: i32, to: usize): i32 {
  stringBytes = 0
  if (from === end) return COUNT_MISMATCH
  if ((<u32>load<u8>(from)) >> 4 !== SNAPPY) return BAD_ENCODING
  const length = snappyLength(from + 1, end)
  if (length === u64.MAX_VALUE) return BAD_ENCODING
  const bytes = takeBuffer(length)
  if (bytes === 0) return NO_MEMORY
  const code =
    unsnappy(from + 1, end, bytes, <usize>length) === WHOLE
      ? split(bytes, bytes + <usize>length, count, to)
      : BAD_ENCODING
  if (code === OK) stringBytes = bytes
  else giveBuffer(bytes)
  return code
}

function split(from: usize, end: usize, count: i32, to: usize): i32 {
  let at = from
  const stop = to + ((<usize>count) << 3)
  for (let out = to; out < stop; out += 8) {
    if (at === end) return COUNT_MISMATCH
    const length = uvarint(at, end)
    if (uvarintEnd === 0) return TRUNCATED
    at = uvarintEnd
    if (length > <u64>(end - at)) return TRUNCATED
    store<u64>(out, (length << 32) | (<u64>at))
    at += <usize>length
  }
  return at === end ? OK : COUNT_MISMATCH
}
