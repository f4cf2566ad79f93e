// Floats of a block, in Facebook's Gorilla encoding: each value is XORed with the one before, and of the result only the
// bits between its leading and trailing zeros are written. A NaN that no value can have ends them.
import { bigEndian64 } from './bytes'
import { BAD_ENCODING, COUNT_MISMATCH, OK, TRUNCATED } from './codes'

const GORILLA: u32 = 1
const END: u64 = 0x7ff8000000000001

/** The sixty-four bits from bit `position` on. May read nine bytes past the last bit, which the arena's slack allows. */
function bitsAt(base: usize, position: u64): u64 {
  const at = base + <usize>(position >> 3)
  const skip = position & 7
  return (bigEndian64(at) << skip) | ((<u64>load<u8>(at, 8)) >> (8 - skip))
}

/** Writes exactly `count` values, at least one. */
export function decodeFloats(from: usize, end: usize, count: i32, to: usize): i32 {
  if (from === end) return COUNT_MISMATCH
  if ((<u32>load<u8>(from)) >> 4 !== GORILLA) return BAD_ENCODING
  if (end - from < 9) return TRUNCATED
  let value = bigEndian64(from + 1)
  if (value === END) return COUNT_MISMATCH
  const base = from + 9
  const length = (<u64>(end - base)) << 3
  const stop = to + ((<usize>count) << 3)
  store<u64>(to, value)
  let out = to + 8
  let position: u64 = 0
  let trailing: u64 = 0
  /** How many bits are written of an XOR; 0 until the first one has said so. */
  let significant: u64 = 0
  while (position < length) {
    // At least 57 bits of it are there whatever `position` is.
    const word = bigEndian64(base + <usize>(position >> 3)) << (position & 7)
    if (<i64>word >= 0) {
      // A zero bit for each value that is the same again.
      let same = min<u64>(clz(word), 56)
      if (position + same > length) same = length - position
      position += same
      for (; same > 0; same--) {
        if (out === stop) return COUNT_MISMATCH
        store<u64>(out, value)
        out += 8
      }
      continue
    }
    let xor: u64
    if (((word >> 62) & 1) === 0) {
      if (significant === 0) return BAD_ENCODING
      xor = significant <= 55 ? word << 2 : bitsAt(base, position + 2)
      position += 2
    } else {
      const leading = (word >> 57) & 31
      significant = (word >> 51) & 63
      if (significant === 0) significant = 64
      if (leading + significant > 64) return position + 13 > length ? TRUNCATED : BAD_ENCODING
      trailing = 64 - leading - significant
      xor = significant <= 44 ? word << 13 : bitsAt(base, position + 13)
      position += 13
    }
    position += significant
    if (position > length) return TRUNCATED
    value ^= (xor >> (64 - significant)) << trailing
    if (value === END) return out === stop ? OK : COUNT_MISMATCH
    if (out === stop) return COUNT_MISMATCH
    store<u64>(out, value)
    out += 8
  }
  return TRUNCATED
}
