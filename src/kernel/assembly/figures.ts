// Figures of a field: what src/lines/figures.ts describes, added up point by point.
import { BOOLEAN, FLOAT, INTEGER, STRING, UNSIGNED } from './codes'

/** As src/kernel/figures.ts reads it. Sums, minimum and maximum are a float's or an integer's bits, by the type. */
@unmanaged
export class Figures {
  count: u64
  first: i64
  last: i64
  min: u64
  max: u64
  sum: u64
  absolute: f64
  hash: u64
  /** Behind what is read: which type the values have, and the figures of the next type, or 0. */
  type: u32
  next: usize
}

const K1: u64 = 0x9e3779b97f4a7c15
const K2: u64 = 0xbf58476d1ce4e5b9
const K3: u64 = 0x94d049bb133111eb
const INFINITY_BITS: u64 = 0x7ff0000000000000

export function clearFigures(figures: Figures, type: u32): void {
  memory.fill(changetype<usize>(figures), 0, offsetof<Figures>())
  figures.first = i64.MAX_VALUE
  figures.last = i64.MIN_VALUE
  figures.type = type
  if (type === FLOAT) {
    figures.min = INFINITY_BITS
    figures.max = INFINITY_BITS | ((<u64>1) << 63)
  } else if (type === INTEGER) {
    figures.min = i64.MAX_VALUE
    figures.max = i64.MIN_VALUE
  } else figures.min = u64.MAX_VALUE
}

/** A hash of bytes. Reads up to seven bytes past them. */
export function hashBytes(from: usize, size: usize): u64 {
  let hash = mix(<u64>size + K1)
  let at = from
  const end = from + size
  for (; at + 8 <= end; at += 8) hash = mix(hash ^ load<u64>(at)) + K1
  const rest = <u64>(end - at)
  if (rest > 0) hash = mix(hash ^ (load<u64>(at) & (((<u64>1) << (rest << 3)) - 1))) + K2
  return hash
}

/** Of all points of a series at one time. */
export function hashRow(series: u64, time: i64): u64 {
  return mix(series + <u64>time * K1)
}

/** Adds a value: bits of a float or an integer, 0 or 1, or {@link hashBytes} of a string. `row` is {@link hashRow}. */
export function addPoint(figures: Figures, row: u64, time: i64, bits: u64): void {
  const type = figures.type
  figures.count++
  if (time < figures.first) figures.first = time
  if (time > figures.last) figures.last = time
  figures.hash += mix(row ^ (bits * K3 + <u64>type))
  if (type === FLOAT) {
    const value = reinterpret<f64>(bits)
    if (value < reinterpret<f64>(figures.min)) figures.min = bits
    if (value > reinterpret<f64>(figures.max)) figures.max = bits
    figures.sum = reinterpret<u64>(reinterpret<f64>(figures.sum) + value)
    figures.absolute += abs(value)
  } else if (type === INTEGER) {
    if (<i64>bits < <i64>figures.min) figures.min = bits
    if (<i64>bits > <i64>figures.max) figures.max = bits
    figures.sum += bits
  } else if (type === UNSIGNED) {
    if (bits < figures.min) figures.min = bits
    if (bits > figures.max) figures.max = bits
    figures.sum += bits
  }
}

/**
 * Adds the numbers or booleans at `values`, whose times are at `times` and end at `timesEnd`, their rows' hashes at `rows`; floats
 * that no row can have are passed over. As addPoint does it one by one, in less than a third of its time.
 */
export function addRun(figures: Figures, rows: usize, times: usize, timesEnd: usize, values: usize): void {
  const type = figures.type
  let hash: u64 = 0
  let first = i64.MAX_VALUE
  let last = i64.MIN_VALUE
  let count: u64 = 0
  let value = values
  let row = rows
  if (type === FLOAT) {
    let smallest = reinterpret<f64>(figures.min)
    let largest = reinterpret<f64>(figures.max)
    let sum = reinterpret<f64>(figures.sum)
    let absolute = figures.absolute
    for (let at = times; at < timesEnd; at += 8, value += 8, row += 8) {
      const bits = load<u64>(value)
      if ((bits & INFINITY_BITS) === INFINITY_BITS) continue
      const time = load<i64>(at)
      const float = reinterpret<f64>(bits)
      hash += mix(load<u64>(row) ^ (bits * K3))
      if (count === 0) first = time
      last = time
      count++
      smallest = min<f64>(smallest, float)
      largest = max<f64>(largest, float)
      sum += float
      absolute += abs(float)
    }
    figures.min = reinterpret<u64>(smallest)
    figures.max = reinterpret<u64>(largest)
    figures.sum = reinterpret<u64>(sum)
    figures.absolute = absolute
  } else {
    let smallest = figures.min
    let largest = figures.max
    let sum = figures.sum
    for (let at = times; at < timesEnd; at += 8, value += 8, row += 8) {
      const bits = load<u64>(value)
      hash += mix(load<u64>(row) ^ (bits * K3 + <u64>type))
      sum += bits
      if (type === INTEGER) {
        smallest = <u64>min<i64>(<i64>smallest, <i64>bits)
        largest = <u64>max<i64>(<i64>largest, <i64>bits)
      } else {
        smallest = min<u64>(smallest, bits)
        largest = max<u64>(largest, bits)
      }
    }
    count = (timesEnd - times) >> 3
    if (count > 0) {
      first = load<i64>(times)
      last = load<i64>(timesEnd - 8)
    }
    if (type !== BOOLEAN) {
      figures.min = smallest
      figures.max = largest
      figures.sum = sum
    }
  }
  figures.hash += hash
  figures.count += count
  figures.first = min<i64>(figures.first, first)
  figures.last = max<i64>(figures.last, last)
}

/** Adds figures of other points of the same type. */
export function addFigures(to: Figures, from: Figures): void {
  if (from.count === 0) return
  const type = to.type
  to.count += from.count
  to.first = min<i64>(to.first, from.first)
  to.last = max<i64>(to.last, from.last)
  to.hash += from.hash
  if (type === STRING || type === BOOLEAN) return
  if (type === FLOAT) {
    if (reinterpret<f64>(from.min) < reinterpret<f64>(to.min)) to.min = from.min
    if (reinterpret<f64>(from.max) > reinterpret<f64>(to.max)) to.max = from.max
    to.sum = reinterpret<u64>(reinterpret<f64>(to.sum) + reinterpret<f64>(from.sum))
    to.absolute += from.absolute
    return
  }
  to.sum += from.sum
  if (type === INTEGER) {
    to.min = <u64>min<i64>(<i64>to.min, <i64>from.min)
    to.max = <u64>max<i64>(<i64>to.max, <i64>from.max)
  } else {
    to.min = min<u64>(to.min, from.min)
    to.max = max<u64>(to.max, from.max)
  }
}

function mix(value: u64): u64 {
  let mixed = (value ^ (value >> 32)) * K2
  mixed = (mixed ^ (mixed >> 29)) * K3
  return mixed ^ (mixed >> 32)
}
