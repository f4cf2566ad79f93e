// The shortest decimal digits that read back as the same double, and of those the closest: Raffaello Giulietti's
// Schubfach ("The Schubfach way to render doubles", 2020). All of it is exact in 64-bit integers: a power of ten is
// taken to 126 bits, rounded up, and the products are rounded to odd, so that comparisons come out as on real numbers.
import { powersOfTen, SMALLEST_POWER } from './powers-of-ten.generated'

/** What `shortest` found: the double is `shortestDigits` times ten to the `shortestExponent`. */
export let shortestDigits: u64 = 0
export let shortestExponent: i32 = 0

function highOfProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff
  const aHigh = a >> 32
  const bLow = b & 0xffffffff
  const bHigh = b >> 32
  const middle = aHigh * bLow + ((aLow * bLow) >> 32)
  const other = aLow * bHigh + (middle & 0xffffffff)
  return aHigh * bHigh + (middle >> 32) + (other >> 32)
}

/** The highest 64 of the 192 bits of `factor` times a power of ten, with the lowest one set if any bit below it is. */
function roundedToOdd(powerHigh: u64, powerLow: u64, factor: u64): u64 {
  const carry = highOfProduct(powerLow, factor)
  const low = powerHigh * factor
  const sum = low + carry
  return (highOfProduct(powerHigh, factor) + u64(sum < low)) | u64(sum > 1)
}

function found(digits: u64, exponent: i32): void {
  shortestDigits = digits
  shortestExponent = exponent
}

function foundOfFew(digits: u64, exponent: i32): void {
  if (digits === 10) found(1, exponent + 1)
  else found(digits, exponent)
}

function foundWithZeros(digits: u64, exponent: i32): void {
  while (digits % 10 === 0) {
    digits /= 10
    exponent++
  }
  found(digits, exponent)
}

/** Finds the digits of a finite, positive double, given by its bits; the last one is not zero. */
export function shortest(bits: u64): void {
  const fraction = bits & 0x000fffffffffffff
  const biased = <i32>(bits >> 52)
  const significand = biased === 0 ? fraction : fraction | 0x0010000000000000
  const exponent = (biased === 0 ? 1 : biased) - 1075
  // Below a power of two the next double is only half as far.
  const closerBelow = fraction === 0 && biased > 1
  const odd = significand & 1
  // The largest power of ten that is not more than the distance between neighbours.
  const k = (exponent * 1262611 - (closerBelow ? 524031 : 0)) >> 22
  const shift = <u64>(exponent + ((-k * 1741647) >> 19) + 1)
  const power = powersOfTen + ((<usize>(-k - SMALLEST_POWER)) << 4)
  const powerHigh = load<u64>(power)
  const powerLow = load<u64>(power, 8)
  // The double and the halfway points to its neighbours, four times over and in units of ten to the k.
  const four = significand << 2
  const value = roundedToOdd(powerHigh, powerLow, four << shift)
  const lower = roundedToOdd(powerHigh, powerLow, (four - (closerBelow ? 1 : 2)) << shift) + odd
  const upper = roundedToOdd(powerHigh, powerLow, (four + 2) << shift) - odd
  const below = value >> 2
  if (below >= 10) {
    const shorter = below / 10
    const lowerIn = lower <= 40 * shorter
    const upperIn = 40 * shorter + 40 <= upper
    if (lowerIn !== upperIn) return foundWithZeros(shorter + u64(upperIn), k + 1)
  }
  // No shorter ones are in reach, so that the last digit is not zero, but for 10 in place of 9.
  const belowIn = lower <= 4 * below
  const aboveIn = 4 * below + 4 <= upper
  if (belowIn !== aboveIn) return foundOfFew(below + u64(aboveIn), k)
  const middle = 4 * below + 2
  const up = value > middle || (value === middle && (below & 1) === 1)
  foundOfFew(below + u64(up), k)
}
