// Numbers as Go's encoding/binary writes them.

/** Where the number that `uvarint` read ends; 0 if it was not one. */
export let uvarintEnd: usize = 0

/** A little-endian base-128 number of at most 64 bits. Never reads at or past `end`. */
export function uvarint(from: usize, end: usize): u64 {
  let value: u64 = 0
  let shift: u64 = 0
  for (let at = from; at < end; at++) {
    const byte = <u64>load<u8>(at)
    if (shift === 63 && byte > 1) break
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      uvarintEnd = at + 1
      return value
    }
    shift += 7
    if (shift > 63) break
  }
  uvarintEnd = 0
  return 0
}

export function bigEndian64(from: usize): u64 {
  const bytes = v128.load64_zero(from)
  return v128.extract_lane<u64>(
    v128.shuffle<u8>(bytes, bytes, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0),
    0,
  )
}

export function bigEndian32(from: usize): u32 {
  return bswap<u32>(load<u32>(from))
}

/** 0, -1, 1, -2, ... from 0, 1, 2, 3, ... */
export function unzigzag(value: u64): u64 {
  return (value >> 1) ^ (0 - (value & 1))
}
