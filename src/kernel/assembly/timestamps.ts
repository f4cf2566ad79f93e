// The timestamps of a block. The first byte's high nibble is the encoding, its low nibble the power of ten that deltas
// were divided by; then the first time, and the deltas.
import { bigEndian64, uvarint, uvarintEnd } from './bytes'
import { BAD_ENCODING, LARGEST_BLOCK, OK, TIME_ORDER, TOO_LARGE, TRUNCATED } from './codes'
import { countPacked, rising, unpackTimes } from './simple8b'

const RAW: u32 = 0
const PACKED: u32 = 1
const RLE: u32 = 2

let failure: i32 = OK
/** Why `countTimes` returned -1. */
export function timesFailure(): i32 {
  return failure
}

function fail(code: i32): i32 {
  failure = code
  return -1
}

/** How many times there are, found without decoding them; -1 with `timesFailure`. */
export function countTimes(from: usize, end: usize): i32 {
  if (from === end) return 0
  const encoding = (<u32>load<u8>(from)) >> 4
  const body = from + 1
  let count: u64 = 0
  if (encoding === RAW) {
    if (((end - body) & 7) !== 0) return fail(TRUNCATED)
    count = (end - body) >> 3
  } else if (encoding === PACKED) {
    if (end - body < 8 || ((end - body) & 7) !== 0) return fail(TRUNCATED)
    count = countPacked(body + 8, end) + 1
  } else if (encoding === RLE) {
    if (end - body < 8) return fail(TRUNCATED)
    uvarint(body + 8, end)
    if (uvarintEnd === 0) return fail(TRUNCATED)
    count = uvarint(uvarintEnd, end)
    if (uvarintEnd === 0) return fail(TRUNCATED)
    if (uvarintEnd !== end) return fail(BAD_ENCODING)
  } else return fail(BAD_ENCODING)
  if (count > LARGEST_BLOCK) return fail(TOO_LARGE)
  return <i32>count
}

/** Writes the `count` times that `countTimes` found, which is at least one. */
export function decodeTimes(from: usize, end: usize, count: i32, to: usize): i32 {
  const encoding = (<u32>load<u8>(from)) >> 4
  const scale = powerOfTen((<u32>load<u8>(from)) & 15)
  const first = <i64>bigEndian64(from + 1)
  if (encoding === PACKED) {
    unpackTimes(from + 9, end, first, scale, to)
    return rising ? OK : TIME_ORDER
  }
  store<i64>(to, first)
  let time = first
  let falls: u32 = 0
  const stop = to + ((<usize>count) << 3)
  if (encoding === RLE) {
    const delta = <i64>(uvarint(from + 9, end) * scale)
    for (let out = to + 8; out < stop; out += 8) {
      const next = time + delta
      falls |= u32(next <= time)
      time = next
      store<i64>(out, time)
    }
  } else {
    let at = from + 9
    for (let out = to + 8; out < stop; out += 8) {
      const next = time + <i64>bigEndian64(at)
      falls |= u32(next <= time)
      time = next
      store<i64>(out, time)
      at += 8
    }
  }
  return falls === 0 ? OK : TIME_ORDER
}

function powerOfTen(exponent: u32): u64 {
  let power: u64 = 1
  for (; exponent > 0; exponent--) power *= 10
  return power
}
