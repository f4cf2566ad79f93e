// Numbers and booleans as values of another type. src/lines/transform/cast-value.ts does the same with text, and strings too.
import { BOOLEAN, FLOAT, INTEGER, UNSIGNED } from './codes'
import { writeSigned, writeUnsigned } from './digits'
import { isFinite64, writeFloat } from './numbers'

const TWO_TO_64: f64 = 18446744073709551616.0
const HIGHEST: u64 = 0x8000000000000000

/** What `castNumber` made of a value. */
export let castBits: u64 = 0

/** Makes a finite number or a boolean one of another type (no string); false if it is none. */
export function castNumber(from: u32, to: u32, value: u64): bool {
  castBits = value
  if (from === to) return true
  if (to === FLOAT) {
    castBits = reinterpret<u64>(from === INTEGER ? <f64>(<i64>value) : <f64>value)
    return true
  }
  const number = reinterpret<f64>(value)
  if (to === BOOLEAN) {
    if (from !== FLOAT) return value <= 1
    castBits = number === 1 ? 1 : 0
    return number === 1 || number === 0
  }
  let negative = from === INTEGER && <i64>value < 0
  let magnitude = negative ? 0 - value : value
  if (from === FLOAT) {
    negative = number < 0
    const positive = abs(number)
    if (floor(positive) !== positive || positive >= TWO_TO_64) return false
    magnitude = <u64>positive
  }
  castBits = negative ? 0 - magnitude : magnitude
  if (to === UNSIGNED) return !negative
  return magnitude < HIGHEST || (magnitude === HIGHEST && negative)
}

/** Writes a number or a boolean, `marked` with the letter of its type; returns its end. */
export function writeNumber(at: usize, type: u32, value: u64, marked: bool): usize {
  if (type === FLOAT) return isFinite64(value) ? writeFloat(at, value) : writeNotFinite(at, value)
  if (type === BOOLEAN) {
    store<u32>(at, value === 1 ? 0x65757274 : 0x736c6166)
    store<u8>(at + 4, 0x65)
    return value === 1 ? at + 4 : at + 5
  }
  const end = type === INTEGER ? writeSigned(at, <i64>value) : writeUnsigned(at, value)
  if (!marked) return end
  store<u8>(end, type === UNSIGNED ? 0x75 : 0x69)
  return end + 1
}

/** `NaN`, `+Inf`, `-Inf` */
function writeNotFinite(at: usize, value: u64): usize {
  if ((value & 0x000fffffffffffff) !== 0) {
    store<u32>(at, 0x4e614e)
    return at + 3
  }
  store<u32>(at, <i64>value < 0 ? 0x666e492d : 0x666e492b)
  return at + 4
}
