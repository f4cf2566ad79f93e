// Numbers in strings, as the line protocol of InfluxDB 1.x reads them (src/lines/field-value.ts).

/** The digits of the least number that reads as infinite, 309 places long. */
const TOO_LARGE = memory.data<u8>([1, 7, 9, 7, 6, 9, 3, 1, 3, 4, 8, 6, 2, 3, 1, 5, 8, 0, 7, 9])
const TOO_LARGE_DIGITS: usize = 20
const LARGEST_EXPONENT: i32 = 308
/** Beyond all doubles. */
const EXPONENT_CAP: i32 = 1000000

const PLUS: u32 = 0x2b
const MINUS: u32 = 0x2d
const DOT: u32 = 0x2e
const ZERO: u8 = 0x30

/** What `trim` found. */
export let trimmedStart: usize = 0
export let trimmedEnd: usize = 0

/** Leaves out white space, as ASCII has it, at both ends. */
export function trim(start: usize, end: usize): void {
  while (start < end && isWhite(load<u8>(start))) start++
  while (end > start && isWhite(load<u8>(end - 1))) end--
  trimmedStart = start
  trimmedEnd = end
}

function isWhite(byte: u8): bool {
  return byte === 0x20 || (byte >= 9 && byte <= 13)
}

function isDigit(byte: u8): bool {
  return byte >= 0x30 && byte <= 0x39
}

function digitsEnd(at: usize, end: usize): usize {
  while (at < end && isDigit(load<u8>(at))) at++
  return at
}

/** What `readWhole` found. */
export let wholeNegative: bool = false
export let wholeMagnitude: u64 = 0

/** Reads `-?[0-9]+` and perhaps a suffix; false if it is not that, or has more than 64 bits. */
export function readWhole(start: usize, end: usize, suffix: u8): bool {
  if (end > start && load<u8>(end - 1) === suffix) end--
  let at = start
  wholeNegative = at < end && load<u8>(at) === MINUS
  if (wholeNegative) at++
  if (at === end) return false
  wholeMagnitude = 0
  for (; at < end; at++) {
    const byte = load<u8>(at)
    if (!isDigit(byte)) return false
    const digit = <u64>(byte - ZERO)
    if (wholeMagnitude > (u64.MAX_VALUE - digit) / 10) return false
    wholeMagnitude = wholeMagnitude * 10 + digit
  }
  return true
}

/** What `readNumber` found: where its digits are, and its exponent with what is before and behind that. */
let negative: bool = false
let whole: usize = 0
let wholeEnd: usize = 0
let fraction: usize = 0
let fractionEnd: usize = 0
let exponent: usize = 0
let exponentEnd: usize = 0

/** Reads `[+-]?[0-9]*.?[0-9]*([eE][+-]?[0-9]+)?` with a digit before the exponent; false if it is not that, or no double. */
export function readNumber(start: usize, end: usize): bool {
  let at = start
  const sign = at < end ? <u32>load<u8>(at) : 0
  negative = sign === MINUS
  if (negative || sign === PLUS) at++
  whole = at
  at = wholeEnd = digitsEnd(at, end)
  if (at < end && <u32>load<u8>(at) === DOT) at++
  fraction = at
  at = fractionEnd = digitsEnd(at, end)
  if (wholeEnd - whole + (fractionEnd - fraction) === 0) return false
  exponent = exponentEnd = end
  let power: i32 = 0
  if (at < end) {
    if ((load<u8>(at) | 0x20) !== 0x65) return false
    at++
    exponent = at
    const sign = at < end ? <u32>load<u8>(at) : 0
    if (sign === MINUS || sign === PLUS) at++
    if (at === end || digitsEnd(at, end) !== end) return false
    for (; at < end; at++) if (power < EXPONENT_CAP) power = power * 10 + <i32>(load<u8>(at) - ZERO)
    if (sign === MINUS) power = -power
  }
  return isDouble(power)
}

/** Whether what was read is less than the least number that reads as infinite. */
function isDouble(power: i32): bool {
  // The first digit that is not zero, and its place before the point.
  const places = <i32>(wholeEnd - whole) + <i32>(fractionEnd - fraction)
  let first: i32 = 0
  while (first < places && digitAt(first) === 0) first++
  if (first === places) return true
  const largest = <i64>(<i32>(wholeEnd - whole) - 1 - first) + <i64>power
  if (largest !== LARGEST_EXPONENT) return largest < LARGEST_EXPONENT
  for (let i: usize = 0; i < TOO_LARGE_DIGITS; i++) {
    const digit = first + <i32>i < places ? digitAt(first + <i32>i) : 0
    const other = load<u8>(TOO_LARGE + i)
    if (digit !== other) return digit < other
  }
  return false
}

/** A digit of the whole number and the fraction behind it. */
function digitAt(place: i32): u8 {
  const before = <i32>(wholeEnd - whole)
  const at = place < before ? whole + <usize>place : fraction + <usize>(place - before)
  return load<u8>(at) - ZERO
}

/** Writes what was read as v3's grammar wants it: no plus, a digit before a point, none behind it if there are no more. */
export function writeNumber(to: usize): usize {
  let out = to
  if (negative) store<u8>(out++, <u8>MINUS)
  if (whole === wholeEnd) store<u8>(out++, ZERO)
  out = copy(out, whole, wholeEnd)
  if (fraction < fractionEnd) {
    store<u8>(out++, <u8>DOT)
    out = copy(out, fraction, fractionEnd)
  }
  if (exponent < exponentEnd) {
    store<u8>(out++, 0x65)
    out = copy(out, exponent, exponentEnd)
  }
  return out
}

function copy(to: usize, from: usize, end: usize): usize {
  memory.copy(to, from, end - from)
  return to + (end - from)
}
