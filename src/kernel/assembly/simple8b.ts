// simple8b: big-endian words whose top four bits say how many values the other sixty hold, lowest bits first.
import { bigEndian64 } from './bytes'

/** By selector. Selectors 0 and 1 hold no bits at all: runs of the value 1. */
const counts: usize = memory.data<u8>([240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1])
const widths: usize = memory.data<u8>([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60])

/** How many values the words from `from` to `end` hold; the bytes between are a multiple of eight. */
export function countPacked(from: usize, end: usize): u64 {
  let count: u64 = 0
  for (let at = from; at < end; at += 8) count += load<u8>(counts + (load<u8>(at) >> 4))
  return count
}

/** The last time that `unpackTimes` has written, or 0 with `rising` false. */
export let rising: bool = false

/** Writes `first` and the times that follow it by the packed deltas times `scale`; says in `rising` if each is later. */
export function unpackTimes(from: usize, end: usize, first: i64, scale: u64, to: usize): void {
  let out = to
  let time = first
  let falls: u32 = 0
  store<i64>(out, time)
  for (let at = from; at < end; at += 8) {
    let word = bigEndian64(at)
    const selector = <u32>(word >> 60)
    const stop = out + ((<usize>load<u8>(counts + selector)) << 3)
    const width = <u64>load<u8>(widths + selector)
    const mask: u64 = width === 0 ? 1 : ((<u64>1) << width) - 1
    if (width === 0) word = 1
    while (out < stop) {
      const next = time + <i64>((word & mask) * scale)
      falls |= u32(next <= time)
      time = next
      word >>= width
      out += 8
      store<i64>(out, time)
    }
  }
  rising = falls === 0
}

/** Writes `first` and the integers that follow it by the packed zigzag deltas. */
export function unpackIntegers(from: usize, end: usize, first: u64, to: usize): void {
  let out = to
  let value = first
  store<u64>(out, value)
  for (let at = from; at < end; at += 8) {
    let word = bigEndian64(at)
    const selector = <u32>(word >> 60)
    const stop = out + ((<usize>load<u8>(counts + selector)) << 3)
    const width = <u64>load<u8>(widths + selector)
    const mask: u64 = width === 0 ? 1 : ((<u64>1) << width) - 1
    if (width === 0) word = 1
    while (out < stop) {
      const delta = word & mask
      value += (delta >> 1) ^ (0 - (delta & 1))
      word >>= width
      out += 8
      store<u64>(out, value)
    }
  }
}
