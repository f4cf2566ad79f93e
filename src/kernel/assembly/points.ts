// Points as the write entries of a WAL hold them: a big-endian time and value each, in any order and repeated.
import { giveBuffer, takeBuffer } from './arena'
import { bigEndian32, bigEndian64 } from './bytes'
import { BAD_TIME, BOOLEAN, NEVER, NO_MEMORY, OK, STRING, TRUNCATED } from './codes'

/** What `readPoints` found: times that rise, their values as decoded blocks have them, and how many there are. */
export let pointTimes: usize = 0
export let pointValues: usize = 0
export let pointCount: usize = 0
/** All that were there, those before and after the window, and those that a later one at the same time replaced. */
export let pointsRead: u64 = 0
export let pointsBefore: u64 = 0
export let pointsAfter: u64 = 0
export let pointsReplaced: u64 = 0

/**
 * Reads the points of one type in the segments (address and size, four bytes each) between `from` and `end`, older first.
 * Their times and values then are in buffers of the caller's.
 */
export function readPoints(type: u32, from: usize, end: usize, windowStart: i64, windowEnd: i64): i32 {
  pointTimes = pointValues = pointCount = 0
  pointsRead = pointsBefore = pointsAfter = pointsReplaced = 0
  let room: u64 = 0
  for (let at = from; at < end; at += 8) {
    const count = countPoints(type, load<usize>(at), load<u32>(at, 4))
    if (count < 0) return TRUNCATED
    room += <u64>count
  }
  const times = takeBuffer(room << 3)
  const values = takeBuffer(room << 3)
  if (times === 0 || values === 0) {
    giveBuffer(times)
    giveBuffer(values)
    return NO_MEMORY
  }
  let kept: usize = 0
  let latest = i64.MIN_VALUE
  let rises = true
  for (let at = from; at < end; at += 8) {
    const segment = load<usize>(at)
    const stop = segment + load<u32>(at, 4)
    for (let point = segment; point < stop;) {
      const time = <i64>bigEndian64(point)
      let value: u64
      point += 8
      if (type === STRING) {
        const length = <usize>bigEndian32(point)
        value = ((<u64>length) << 32) | (<u64>(point + 4))
        point += 4 + length
      } else if (type === BOOLEAN) {
        // Only 1 is true for influxd.
        value = u64(load<u8>(point) === 1)
        point += 1
      } else {
        value = bigEndian64(point)
        point += 8
      }
      if (time === NEVER) {
        giveBuffer(times)
        giveBuffer(values)
        return BAD_TIME
      }
      pointsRead++
      if (time < windowStart) pointsBefore++
      else if (time >= windowEnd) pointsAfter++
      else {
        rises = rises && (kept === 0 || time > latest)
        latest = time
        store<i64>(times + (kept << 3), time)
        store<u64>(values + (kept << 3), value)
        kept++
      }
    }
  }
  pointTimes = times
  pointValues = values
  pointCount = kept
  return rises ? OK : order()
}

/** How many points a segment holds; -1 if it does not end with one. */
function countPoints(type: u32, segment: usize, size: u32): i64 {
  if (type !== STRING) {
    const each: u32 = type === BOOLEAN ? 9 : 16
    return size % each === 0 ? <i64>(size / each) : -1
  }
  let count: i64 = 0
  let at = segment
  const stop = segment + size
  for (; at < stop; count++) {
    if (stop - at < 12) return -1
    const length = <usize>bigEndian32(at + 8)
    if (stop - at - 12 < length) return -1
    at += 12 + length
  }
  return count
}

/** Sorts what was read by time, of equal times the later written last, and keeps only that. */
function order(): i32 {
  const count = pointCount
  let times = pointTimes
  let values = pointValues
  let otherTimes = takeBuffer((<u64>count) << 3)
  let otherValues = takeBuffer((<u64>count) << 3)
  if (otherTimes === 0 || otherValues === 0) return NO_MEMORY
  for (let width: usize = 1; width < count; width <<= 1) {
    for (let start: usize = 0; start < count; start += width << 1) {
      const middle = min<usize>(start + width, count)
      merge(times, values, start, middle, min<usize>(middle + width, count), otherTimes, otherValues)
    }
    const sortedTimes = otherTimes
    const sortedValues = otherValues
    otherTimes = times
    otherValues = values
    times = sortedTimes
    values = sortedValues
  }
  giveBuffer(otherTimes)
  giveBuffer(otherValues)
  let kept: usize = 0
  for (let i: usize = 0; i < count; i++) {
    const time = load<i64>(times + (i << 3))
    if (i + 1 < count && load<i64>(times + (i << 3), 8) === time) {
      pointsReplaced++
      continue
    }
    store<i64>(times + (kept << 3), time)
    store<u64>(values + (kept << 3), load<u64>(values + (i << 3)))
    kept++
  }
  pointTimes = times
  pointValues = values
  pointCount = kept
  return OK
}

/** Merges two sorted neighbours, of equal times the first one's first. */
function merge(
  times: usize,
  values: usize,
  start: usize,
  middle: usize,
  end: usize,
  toTimes: usize,
  toValues: usize,
): void {
  let a = start << 3
  let b = middle << 3
  const endOfA = b
  const endOfB = end << 3
  for (let out = a; out < endOfB; out += 8) {
    const takeA = a < endOfA && (b >= endOfB || load<i64>(times + a) <= load<i64>(times + b))
    const from = takeA ? a : b
    store<i64>(toTimes + out, load<i64>(times + from))
    store<u64>(toValues + out, load<u64>(values + from))
    if (takeA) a += 8
    else b += 8
  }
}
