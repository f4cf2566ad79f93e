// The WAL of a shard while it is replayed: decoded entries, one behind the other, and the points of one key after the other,
// which come in any order, repeated, deleted in between, and leave sorted, each time once. What src/kernel/wal-memory.ts calls.
//
// Points in an entry: time i64, then the value, eight bytes, of a boolean one, of a string its length u32 and its bytes;
// everything big-endian. Blocks are those of a sorted run (wal-block.ts).
import { bigEndian64 } from './bytes'
import { BOOLEAN, STRING } from './codes'
import { unsnappy } from './snappy'

/** Vector loads and stores may reach this far past the end of what they work on. */
const SLACK: usize = 64
const PAGE: u64 = 65536
const HEADER: usize = 8

const base: usize = (__heap_base + 15) & ~15

/** Where kept entries end. */
let kept: usize = base

/** The points of the key: a time, i64, then where its value is, u32. */
const POINT: usize = 16
let points: usize = 0
let pointsEnd: usize = 0
let type: u32 = 0
/** How many points `sort` took away. */
let gone: u32 = 0
let blockEnd: usize = 0

/** Where `bytes` fit behind the kept entries, with slack; 0 when there is no more memory. */
export function room(bytes: f64): usize {
  return fits(kept, <u64>bytes) ? kept : 0
}

function fits(from: usize, bytes: u64): bool {
  const end = <u64>from + bytes + <u64>SLACK
  const have = <u64>memory.size() * PAGE
  if (end <= have) return true
  const pages = (end - have + PAGE - 1) / PAGE
  // Growing calls the host: an eighth more than needed, where there is that much.
  return (
    end < <u64>4294967296 &&
    (memory.grow(<i32>(pages + have / PAGE / 8)) >= 0 || memory.grow(<i32>pages) >= 0)
  )
}

/** Decodes a snappy block, from `from` to `end`, to where `room` says: `length` bytes, as it announces. */
export function unpack(from: usize, end: usize, length: u32): i32 {
  return unsnappy(from, end, kept, length)
}

/** What was decoded last stays, until `clear`. */
export function keep(length: u32): void {
  kept += length
}

export function clear(): void {
  kept = base
}

export function keptBytes(): f64 {
  return <f64>(kept - base)
}

/** Begins with a key, whose values have this type. */
export function begin(valueType: u32): void {
  type = valueType
  points = pointsEnd = (kept + SLACK + 15) & ~15
}

/** Adds the points of an extent: `count` of them at `from`. False when there is no more memory. */
export function add(from: usize, count: u32): bool {
  if (!fits(pointsEnd, <u64>count * POINT)) return false
  let at = from
  let out = pointsEnd
  const end = out + <usize>count * POINT
  const width: usize = type === BOOLEAN ? 9 : 16
  for (; out < end; out += POINT) {
    store<i64>(out, <i64>bigEndian64(at))
    store<u32>(out, <u32>(at + 8), 8)
    at += type === STRING ? 12 + <usize>bswap<u32>(load<u32>(at, 8)) : width
  }
  pointsEnd = end
  return true
}

/** Takes away what has come so far with `min <= time <= max`; returns how many points that were. */
export function remove(min: i64, max: i64): u32 {
  return select(min, max, false)
}

/** Takes away what has come so far, except for `min <= time <= max`; returns how many points that were. */
export function limit(min: i64, max: i64): u32 {
  return select(min, max, true)
}

function select(min: i64, max: i64, inside: bool): u32 {
  let out = points
  for (let at = points; at < pointsEnd; at += POINT) {
    const time = load<i64>(at)
    if ((time >= min && time <= max) !== inside) continue
    if (out !== at) v128.store(out, v128.load(at))
    out += POINT
  }
  const removed = <u32>((pointsEnd - out) / POINT)
  pointsEnd = out
  return removed
}

/**
 * Puts the points in order of time, and keeps the one that came last of each (Values.Deduplicate). Returns how many are left;
 * -1 when there is no more memory. `replaced` tells how many were not.
 */
export function sort(): i32 {
  gone = 0
  let ascends = true
  for (let at = points + POINT; at < pointsEnd; at += POINT) {
    if (load<i64>(at) <= load<i64>(at - POINT)) {
      ascends = false
      break
    }
  }
  if (!ascends) {
    if (!mergeSort()) return -1
    let out = points
    for (let at = points; at < pointsEnd; at += POINT) {
      const next = at + POINT
      if (next < pointsEnd && load<i64>(next) === load<i64>(at)) continue
      if (out !== at) v128.store(out, v128.load(at))
      out += POINT
    }
    gone = <u32>((pointsEnd - out) / POINT)
    pointsEnd = out
  }
  return <i32>((pointsEnd - points) / POINT)
}

export function replaced(): u32 {
  return gone
}

/** Bottom up, from runs as they are: points come mostly in some stretches that are in order. Stable. */
function mergeSort(): bool {
  const size = pointsEnd - points
  const spare = pointsEnd
  if (!fits(spare, <u64>size)) return false
  while (true) {
    let runs = 0
    let out = spare
    for (let first = points; first < pointsEnd; runs++) {
      const second = runEnd(first)
      const end = second < pointsEnd ? runEnd(second) : second
      let a = first
      let b = second
      while (a < second && b < end) {
        if (load<i64>(b) < load<i64>(a)) {
          v128.store(out, v128.load(b))
          b += POINT
        } else {
          v128.store(out, v128.load(a))
          a += POINT
        }
        out += POINT
      }
      memory.copy(out, a, second - a)
      out += second - a
      memory.copy(out, b, end - b)
      out += end - b
      first = end
    }
    memory.copy(points, spare, size)
    if (runs <= 1) return true
  }
}

function runEnd(from: usize): usize {
  let at = from + POINT
  while (at < pointsEnd && load<i64>(at) >= load<i64>(at - POINT)) at += POINT
  return at
}

/** How many points from the `first` on go into a block of at most so many points, and bytes of values unless it is one point. */
export function blockPoints(first: u32, mostPoints: u32, mostBytes: u32): u32 {
  const from = points + <usize>first * POINT
  const most = min<usize>((pointsEnd - from) / POINT, mostPoints)
  if (type !== STRING) return <u32>min<usize>(most, type === BOOLEAN ? mostBytes : mostBytes >> 3)
  let bytes: u64 = 0
  for (let i: usize = 0; i < most; i++) {
    bytes += 4 + <u64>bswap<u32>(load<u32>(load<u32>(from + i * POINT, 8)))
    if (bytes > <u64>mostBytes && i > 0) return <u32>i
  }
  return <u32>most
}

/** Writes a block of `count` points from the `first` on, behind the last one of the key; returns where, 0 when there is no more memory. */
export function block(first: u32, count: u32): usize {
  const from = points + <usize>first * POINT
  const end = from + <usize>count * POINT
  const start = ((first === 0 ? pointsEnd : blockEnd) + SLACK + 15) & ~15
  const width: usize = type === BOOLEAN ? 1 : type === STRING ? 4 : 8
  const times = start + HEADER
  let value = times + ((<usize>count) << 3)
  let text = value + <usize>count * width
  if (!fits(start, <u64>(text - start))) return 0
  store<u32>(start, count)
  store<u32>(start, 0, 4)
  let time = times
  for (let at = from; at < end; at += POINT) {
    store<i64>(time, load<i64>(at))
    time += 8
    const stored = <usize>load<u32>(at, 8)
    if (type === STRING) {
      const length = <usize>bswap<u32>(load<u32>(stored))
      if (!fits(text, <u64>length)) return 0
      store<u32>(value, <u32>length)
      memory.copy(text, stored + 4, length)
      text += length
    } else if (type === BOOLEAN) {
      // Only 1 is true for influxd.
      store<u8>(value, u8(load<u8>(stored) === 1))
    } else store<u64>(value, bigEndian64(stored))
    value += width
  }
  blockEnd = text
  return start
}

/** How many bytes the block has that was written last. */
export function blockSize(start: usize): u32 {
  return <u32>(blockEnd - start)
}
