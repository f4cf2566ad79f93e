// Values of one type written as values of another. src/lines/transform/cast-value.ts does the same with text.
import {
  AS_IT_IS,
  BOOLEAN,
  FLOAT,
  INTEGER,
  TO_BOOLEAN,
  TO_FLOAT,
  TO_INTEGER,
  TO_STRING,
  TO_UNSIGNED,
  UNSIGNED,
} from './codes'
import { writeSigned, writeUnsigned } from './digits'
import { isFinite64, writeFloat } from './numbers'
import {
  readNumber,
  readWhole,
  trim,
  trimmedEnd,
  trimmedStart,
  wholeMagnitude,
  wholeNegative,
  writeNumber,
} from './number-text'

const QUOTE: u8 = 0x22
const TWO_TO_64: f64 = 18446744073709551616.0
const HIGHEST: u64 = 0x8000000000000000

/** Writes a value that is not a string; returns its end, or 0 if it is none of the type asked for. */
export function castNumber(at: usize, from: u32, cast: u32, value: u64): usize {
  if (cast === 0 || cast === AS_IT_IS) return writeOwn(at, from, value, true)
  if (cast === TO_STRING) {
    store<u8>(at, QUOTE)
    const end = writeOwn(at + 1, from, value, false)
    store<u8>(end, QUOTE)
    return end + 1
  }
  if (cast === TO_FLOAT) {
    if (from === FLOAT) return writeFloat(at, value)
    const number = from === INTEGER ? <f64>(<i64>value) : <f64>value
    return writeFloat(at, reinterpret<u64>(number))
  }
  const number = reinterpret<f64>(value)
  if (cast === TO_BOOLEAN) {
    const one = from === FLOAT ? number === 1 : value === 1
    const zero = from === FLOAT ? number === 0 : value === 0
    return one || zero ? writeBoolean(at, one) : 0
  }
  let negative = from === INTEGER && <i64>value < 0
  let magnitude = negative ? 0 - value : value
  if (from === FLOAT) {
    negative = number < 0
    const positive = abs(number)
    if (floor(number) !== number || positive >= TWO_TO_64) return 0
    magnitude = <u64>positive
  }
  return writeWhole(at, cast, negative, magnitude)
}

/** Writes a value of what a string reads as, white space around it left out; returns its end, or 0. */
export function castString(at: usize, from: usize, length: usize, cast: u32): usize {
  trim(from, from + length)
  const start = trimmedStart
  const end = trimmedEnd
  if (cast === TO_FLOAT) return readNumber(start, end) ? writeNumber(at) : 0
  if (cast === TO_BOOLEAN) {
    if (isTrue(start, end - start)) return writeBoolean(at, true)
    return isFalse(start, end - start) ? writeBoolean(at, false) : 0
  }
  if (!readWhole(start, end, cast === TO_INTEGER ? 0x69 : 0x75)) return 0
  return writeWhole(at, cast, wholeNegative, wholeMagnitude)
}

function writeOwn(at: usize, type: u32, value: u64, marked: bool): usize {
  if (type === FLOAT) return isFinite64(value) ? writeFloat(at, value) : writeNotFinite(at, value)
  if (type === BOOLEAN) return writeBoolean(at, value === 1)
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

function writeBoolean(at: usize, value: bool): usize {
  store<u32>(at, value ? 0x65757274 : 0x736c6166)
  store<u8>(at + 4, 0x65)
  return value ? at + 4 : at + 5
}

function writeWhole(at: usize, cast: u32, negative: bool, magnitude: u64): usize {
  if (cast === TO_UNSIGNED) {
    if (negative && magnitude !== 0) return 0
    const end = writeUnsigned(at, magnitude)
    store<u8>(end, 0x75)
    return end + 1
  }
  if (magnitude > HIGHEST || (magnitude === HIGHEST && !negative)) return 0
  const end = writeSigned(at, negative ? <i64>(0 - magnitude) : <i64>magnitude)
  store<u8>(end, 0x69)
  return end + 1
}

/** t, T, true, True, TRUE */
function isTrue(at: usize, length: usize): bool {
  const first = (<u32>load<u8>(at)) | 0x20
  if (first !== 0x74) return false
  if (length === 1) return true
  if (length !== 4) return false
  const word = load<u32>(at)
  return word === 0x65757274 || word === 0x65757254 || word === 0x45555254
}

/** f, F, false, False, FALSE */
function isFalse(at: usize, length: usize): bool {
  const first = (<u32>load<u8>(at)) | 0x20
  if (first !== 0x66) return false
  if (length === 1) return true
  if (length !== 5) return false
  const word = load<u32>(at)
  const last = <u32>load<u8>(at + 4)
  return (
    ((word === 0x736c6166 || word === 0x736c6146) && last === 0x65) || (word === 0x534c4146 && last === 0x45)
  )
}
