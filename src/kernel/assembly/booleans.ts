// Booleans of a block: a count, then one bit each, highest first.
import { uvarint, uvarintEnd } from './bytes'
import { BAD_ENCODING, COUNT_MISMATCH, OK, TRUNCATED } from './codes'

const BIT_PACKED: u32 = 1

/** Writes exactly `count` values, at least one, as 0 or 1. */
export function decodeBooleans(from: usize, end: usize, count: i32, to: usize): i32 {
  if (from === end) return COUNT_MISMATCH
  if ((<u32>load<u8>(from)) >> 4 !== BIT_PACKED) return BAD_ENCODING
  const announced = uvarint(from + 1, end)
  if (uvarintEnd === 0) return TRUNCATED
  if (announced !== <u64>count) return COUNT_MISMATCH
  const bits = uvarintEnd
  if (<u64>(end - bits) < (announced + 7) >> 3) return TRUNCATED
  for (let i: usize = 0; i < <usize>count; i++) {
    store<u64>(to + (i << 3), ((<u64>load<u8>(bits + (i >> 3))) >> (7 - (i & 7))) & 1)
  }
  return OK
}
