// Snappy's block format: a length, then literals and copies of what was written before.
import { uvarint, uvarintEnd } from './bytes'

/** What `unsnappy` found: all input was used, and gave exactly the length announced; */
export const WHOLE: i32 = 0
/** the input ends too early, and all of it was sound up to there: what a crash leaves; */
export const CUT: i32 = 1
/** it cannot be the beginning of any snappy block. */
export const CORRUPT: i32 = 2

/** How many bytes the block at `from` says it holds; more than any such block can hold if it is not one. */
export function snappyLength(from: usize, end: usize): u64 {
  const length = uvarint(from, end)
  // A copy of 64 bytes takes three: what announces more than that cannot be true, and must not be allocated.
  return uvarintEnd === 0 || length > <u64>(end - from) * 22 ? u64.MAX_VALUE : length
}

/** Writes the `length` bytes that `snappyLength` announced to `to`, with the arena's slack behind it. */
export function unsnappy(from: usize, end: usize, to: usize, length: usize): i32 {
  uvarint(from, end)
  let at = uvarintEnd
  let out = to
  const stop = to + length
  while (at < end) {
    const tag = <u32>load<u8>(at++)
    if ((tag & 3) === 0) {
      let size = <usize>(tag >> 2)
      if (size >= 60) {
        const extra = size - 59
        if (end - at < extra) return out < stop ? CUT : CORRUPT
        // Reads past the number into the slack at worst; the rest is masked away.
        size = load<u32>(at) & ((<u32>0xffffffff) >> (32 - ((<u32>extra) << 3)))
        at += extra
      }
      if (stop - out <= size) return CORRUPT
      if (end - at <= size) return CUT
      size++
      if (size <= 16) v128.store(out, v128.load(at))
      else memory.copy(out, at, size)
      at += size
      out += size
      continue
    }
    // Copies of all three kinds in one way: what kind comes next is hard to foresee, and a wrong guess costs more than this.
    const short = (tag & 3) === 1
    const wide: usize = (<usize>1) << ((tag & 3) - 1)
    if (end - at < wide) return out < stop ? CUT : CORRUPT
    const low = load<u32>(at) & (<u32>(((<u64>1) << (wide << 3)) - 1))
    const offset = <usize>(low | select<u32>((tag >> 5) << 8, 0, short))
    const size = <usize>select<u32>(4 + ((tag >> 2) & 7), (tag >> 2) + 1, short)
    at += wide
    if (offset === 0 || offset > out - to || size > stop - out) return CORRUPT
    if (offset >= 16) {
      v128.store(out, v128.load(out - offset))
      for (let done: usize = 16; done < size; done += 16) {
        v128.store(out + done, v128.load(out + done - offset))
      }
      out += size
    } else {
      for (const ends = out + size; out < ends; out++) store<u8>(out, load<u8>(out - offset))
    }
  }
  return out === stop ? WHOLE : CUT
}
