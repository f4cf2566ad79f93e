// Integers and unsigned integers of a block: zigzag deltas, raw, in simple8b or as a run. Unsigned ones are the same bits.
import { bigEndian64, unzigzag, uvarint, uvarintEnd } from './bytes'
import { BAD_ENCODING, COUNT_MISMATCH, OK, TRUNCATED } from './codes'
import { countPacked, unpackIntegers } from './simple8b'

const RAW: u32 = 0
const PACKED: u32 = 1
const RLE: u32 = 2

/** Writes exactly `count` values, at least one. */
export function decodeIntegers(from: usize, end: usize, count: i32, to: usize): i32 {
  if (from === end) return COUNT_MISMATCH
  const encoding = (<u32>load<u8>(from)) >> 4
  const body = from + 1
  if (encoding > RLE) return BAD_ENCODING
  if (encoding === RAW && end === body) return COUNT_MISMATCH
  if (end - body < 8) return TRUNCATED
  const first = unzigzag(bigEndian64(body))
  let value = first
  const stop = to + ((<usize>count) << 3)
  store<u64>(to, first)
  if (encoding === PACKED) {
    if (((end - body) & 7) !== 0) return TRUNCATED
    if (countPacked(body + 8, end) + 1 !== <u64>count) return COUNT_MISMATCH
    unpackIntegers(body + 8, end, first, to)
    return OK
  }
  if (encoding === RLE) {
    const delta = unzigzag(uvarint(body + 8, end))
    if (uvarintEnd === 0) return TRUNCATED
    const more = uvarint(uvarintEnd, end)
    if (uvarintEnd === 0) return TRUNCATED
    if (uvarintEnd !== end) return BAD_ENCODING
    if (more !== <u64>(count - 1)) return COUNT_MISMATCH
    for (let out = to + 8; out < stop; out += 8) {
      value += delta
      store<u64>(out, value)
    }
    return OK
  }
  if (((end - body) & 7) !== 0) return TRUNCATED
  if ((end - body) >> 3 !== <usize>count) return COUNT_MISMATCH
  let at = body + 8
  for (let out = to + 8; out < stop; out += 8) {
    value += unzigzag(bigEndian64(at))
    store<u64>(out, value)
    at += 8
  }
  return OK
}
