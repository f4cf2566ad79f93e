// Whole numbers as decimal digits, eight at a time.

const ZEROS: u64 = 0x3030303030303030

/** The eight digits of a number below 100,000,000, one a byte, the highest first in memory; not yet as ASCII. */
export function eightDigits(number: u32): u64 {
  // Halves of four digits, then of two, then of one, by multiplying instead of dividing.
  const high = (<u64>number * 3518437209) >> 45
  const fours = high | ((<u64>number - high * 10000) << 32)
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f_0000007f
  const twos = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((twos * 103) >> 10) & 0x000f000f_000f000f
  return tens | ((twos - tens * 10) << 8)
}

/** Writes eight digits, leading zeros and all. */
export function writeEight(to: usize, number: u32): void {
  store<u64>(to, eightDigits(number) | ZEROS)
}

/** Writes a number below 100,000,000 without leading zeros; returns the end. */
function writeSmall(to: usize, number: u32): usize {
  const digits = eightDigits(number)
  // A bit in the last digit keeps the one zero of 0.
  const zeros = ctz(digits | ((<u64>1) << 56)) >> 3
  store<u64>(to, (digits | ZEROS) >> (zeros << 3))
  return to + 8 - <usize>zeros
}

/** Writes up to twenty digits; up to eight bytes past the end it returns may be overwritten. */
export function writeUnsigned(to: usize, number: u64): usize {
  if (number < 100000000) return writeSmall(to, <u32>number)
  const high = number / 100000000
  let end: usize
  if (high < 100000000) end = writeSmall(to, <u32>high)
  else {
    const higher = high / 100000000
    end = writeSmall(to, <u32>higher)
    writeEight(end, <u32>(high - higher * 100000000))
    end += 8
  }
  writeEight(end, <u32>(number - high * 100000000))
  return end + 8
}

export function writeSigned(to: usize, number: i64): usize {
  if (number >= 0) return writeUnsigned(to, <u64>number)
  store<u8>(to, 0x2d)
  return writeUnsigned(to + 1, 0 - <u64>number)
}

const TEN_TO_16: u64 = 10000000000000000
let roundTime: u64 = 0
/** The two or three digits of `roundTime` above the last sixteen, and how many there are. */
const roundDigits: usize = memory.data(16)
let roundLength: usize = 0

/** Writes a time. The highest digits of one time are mostly those of the one before: they are kept. */
export function writeTime(to: usize, time: i64): usize {
  const low = <u64>time - roundTime
  if (roundLength === 0 || time < 0 || low >= TEN_TO_16) {
    if (time < <i64>TEN_TO_16) return writeSigned(to, time)
    const high = <u64>time / TEN_TO_16
    roundTime = high * TEN_TO_16
    roundLength = writeUnsigned(roundDigits, high) - roundDigits
    return writeTime(to, time)
  }
  store<u64>(to, load<u64>(roundDigits))
  const high = low / 100000000
  writeEight(to + roundLength, <u32>high)
  writeEight(to + roundLength + 8, <u32>(low - high * 100000000))
  return to + roundLength + 16
}
