// Floats as text: exactly what JavaScript's String(number) gives, but `-0` for minus zero. So 21, 0.1, 1e+21, 1.5e-7.
import { eightDigits, writeUnsigned } from './digits'
import { shortest, shortestDigits, shortestExponent } from './shortest'

/** Added to a float below it, leaves it rounded to a whole number, which then is in the lowest bits. */
const TWO_TO_52: f64 = 4503599627370496
const DOT: u8 = 0x2e
const ZERO: u8 = 0x30
const ZEROS: u64 = 0x3030303030303030

/** The most bytes a float, an integer or a boolean takes with what marks its type, and what is overwritten behind it. */
export const LONGEST_NUMBER: usize = 48

export function isFinite64(bits: u64): bool {
  return (bits & 0x7ff0000000000000) !== 0x7ff0000000000000
}

/** Writes a finite float, given by its bits; returns the end. */
export function writeFloat(to: usize, bits: u64): usize {
  let at = to
  if (<i64>bits < 0) store<u8>(at++, 0x2d)
  const magnitude = bits & 0x7fffffffffffffff
  const value = reinterpret<f64>(magnitude)
  if (value < 1e5) {
    // Most of all of three places: as below, with all digits at once.
    const raised = value * 1e3 + TWO_TO_52
    if ((raised - TWO_TO_52) / 1e3 === value) return writeThousandths(at, <u32>reinterpret<u64>(raised))
  }
  if (value < 1e11) {
    // Most floats were decimals of a few places. Of at most fifteen digits only one decimal reads as a given double, so
    // if a decimal of so many places does, it is the shortest once its zeros are cut.
    const places: f64 = value < 1e7 ? 1e8 : value < 1e9 ? 1e6 : 1e4
    const scaled = value * places + TWO_TO_52 - TWO_TO_52
    if (scaled / places === value && (value >= 1e-6 || magnitude === 0)) {
      const whole = floor(value)
      at = writeUnsigned(at, asWhole(whole))
      const fraction = <u32>asWhole(scaled - whole * places)
      if (fraction === 0) return at
      return writeFraction(at, value < 1e7 ? fraction : value < 1e9 ? fraction * 100 : fraction * 10000)
    }
  } else if (value < 9007199254740992 && floor(value) === value) {
    return writeUnsigned(at, <u64>value)
  }
  return writeShortest(at, magnitude)
}

function asWhole(value: f64): u64 {
  return reinterpret<u64>(value + TWO_TO_52) & 0x000fffffffffffff
}

/** Writes a number of thousandths below 100,000,000, without the zeros at its end, and without a point behind which there are none. */
function writeThousandths(to: usize, thousandths: u32): usize {
  const digits = eightDigits(thousandths)
  // A bit in the last digit before the point keeps its zero.
  const zeros = ctz(digits | ((<u64>1) << 32)) >> 3
  const text = digits | ZEROS
  const point = to + 5 - <usize>zeros
  store<u64>(to, text >> (zeros << 3))
  store<u8>(point, DOT)
  store<u32>(point, <u32>(text >> 40), 1)
  return point + 4 - <usize>(clz((<u32>(digits >> 40)) << 8) >> 3)
}

/** Writes a fraction of a hundred millionths, which is not zero, without the zeros at its end. */
function writeFraction(to: usize, fraction: u32): usize {
  const digits = eightDigits(fraction)
  store<u8>(to, DOT)
  store<u64>(to + 1, digits | ZEROS)
  return to + 9 - <usize>(clz(digits) >> 3)
}

function writeShortest(to: usize, magnitude: u64): usize {
  shortest(magnitude)
  const exponent = shortestExponent
  const end = writeUnsigned(to, shortestDigits)
  const count = <i32>(end - to)
  /** Where the point is, counted from before the first digit. */
  const point = count + exponent
  if (point > -6 && point <= 0) {
    // There are at most seventeen digits.
    const highest = v128.load(to)
    const last = load<u8>(to, 16)
    memory.fill(to, ZERO, 2 - point)
    store<u8>(to + 1, DOT)
    v128.store(to + 2 - point, highest)
    store<u8>(to + 18 - point, last)
    return end + 2 - point
  }
  if (point > 0 && point <= 21) {
    if (exponent < 0) return writePoint(to, point, end)
    memory.fill(end, ZERO, exponent)
    return end + exponent
  }
  let at = count > 1 ? writePoint(to, 1, end) : end
  store<u8>(at, 0x65)
  store<u8>(at + 1, point > 0 ? 0x2b : 0x2d)
  at += 2
  return writeUnsigned(at, <u64>(point > 0 ? point - 1 : 1 - point))
}

/** Makes room for a point, which stands behind at least one of at most seventeen digits. */
function writePoint(to: usize, point: i32, end: usize): usize {
  v128.store(to + point + 1, v128.load(to + point))
  store<u8>(to + point, DOT)
  return end + 1
}
