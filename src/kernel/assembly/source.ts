// A source of one column: the blocks of one file, or of a run of the WAL, without what was deleted from them and what is
// outside the window. It is read run by run: stretches of decoded points, in the order of time.
import { giveBuffer } from './arena'
import {
  blockBytes,
  BlockEntry,
  blockTimes,
  blockValues,
  decodeBlock,
  releaseTimes,
  SharedTimes,
  timesOf,
} from './block'
import { NEVER, NO_MEMORY, OK, TSM } from './codes'
import { addError, countDecoded, countDeleted } from './counters'
import { readWalBlock, walBuffer, walCount, walTimes, walValues } from './wal-block'

/** Points with windowStart <= time < windowEnd are wanted. */
let windowStart: i64 = 0
let windowEnd: i64 = 0

export function setWindow(start: i64, end: i64): void {
  windowStart = start
  windowEnd = end
}

@unmanaged
export class Source {
  /** The next younger source of the column, whose values win: its address, or 0. */
  younger: usize
  encoding: u32
  type: u32
  /** What its values become: its type, where that is all there is to say (codes.ts). */
  rowType: u32
  column: u32
  index: u32
  firstEntry: usize
  entry: usize
  entriesEnd: usize
  /** Pairs of first and last deleted time, sorted and apart. */
  deleted: usize
  deletedEnd: usize
  /** The run: where its times and values are and its times end; then where the times of the block end. */
  time: usize
  value: usize
  runEnd: usize
  timesEnd: usize
  /** No later than the time of the next point; exactly that while there is a run, NEVER after the last. */
  next: i64
  last: i64
  shared: SharedTimes | null
  times: usize
  values: usize
  bytes: usize
}

/** A source just made, of whose points nothing is known but what the first entry says. */
export function startSource(source: Source): void {
  source.entry = source.firstEntry
  source.next = source.entry < source.entriesEnd ? changetype<BlockEntry>(source.entry).minTime : NEVER
}

export function hasRun(source: Source): bool {
  return source.time < source.runEnd
}

/** Goes to the next run if this one is used up; false after the last one, and when memory ran out. */
export function nextRun(source: Source): bool {
  while (!hasRun(source)) {
    if (source.time === source.timesEnd) {
      if (!nextEntry(source)) {
        source.next = NEVER
        return false
      }
    }
    skipDeleted(source)
  }
  source.next = load<i64>(source.time)
  return true
}

/** Takes the first `size` bytes of times off the run. Does not go to another one, so what was taken stays. */
export function takeFromRun(source: Source, size: usize): void {
  source.time += size
  source.value += size
  if (source.time < source.runEnd) source.next = load<i64>(source.time)
  else if (source.time < source.timesEnd) source.next = load<i64>(source.time)
  else if (source.entry < source.entriesEnd) source.next = changetype<BlockEntry>(source.entry).minTime
  else source.next = NEVER
}

/** The first of the sorted times between `from` and `end` that is not before `time`. */
export function firstNotBefore(from: usize, end: usize, time: i64): usize {
  let low: usize = 0
  let high = (end - from) >> 3
  while (low < high) {
    const middle = (low + high) >> 1
    if (load<i64>(from + (middle << 3)) < time) low = middle + 1
    else high = middle
  }
  return from + (low << 3)
}

/** Makes what is left of the block up to the next deleted range the run, or goes past the range. */
function skipDeleted(source: Source): void {
  const time = load<i64>(source.time)
  while (source.deleted < source.deletedEnd && load<i64>(source.deleted, 8) < time) source.deleted += 16
  source.runEnd = source.timesEnd
  if (source.deleted === source.deletedEnd) return
  const from = firstNotBefore(source.time, source.timesEnd, load<i64>(source.deleted))
  source.runEnd = from
  if (from !== source.time) return
  const last = load<i64>(source.deleted, 8)
  const end = last === i64.MAX_VALUE ? source.timesEnd : firstNotBefore(from, source.timesEnd, last + 1)
  countDeleted((end - from) >> 3)
  source.value += end - from
  source.time = source.runEnd = end
}

/** Decodes the next block that has points in the window. */
function nextEntry(source: Source): bool {
  while (source.entry < source.entriesEnd) {
    const entry = changetype<BlockEntry>(source.entry)
    const index = <u32>((source.entry - source.firstEntry) / offsetof<BlockEntry>())
    release(source)
    const code =
      source.encoding === TSM
        ? decodeBlock(entry, source.type, source.last)
        : readWalBlock(entry, source.type, source.last)
    if (code === NO_MEMORY) return false
    source.entry += offsetof<BlockEntry>()
    if (code !== OK) {
      addError(entry, code, source.column, source.index, index)
      continue
    }
    let times: usize
    let values: usize
    let count: usize
    if (source.encoding === TSM) {
      const shared = blockTimes
      if (shared === null) continue
      source.shared = shared
      source.values = values = blockValues
      source.bytes = blockBytes
      times = timesOf(shared)
      count = shared.count
    } else {
      source.values = walBuffer
      times = walTimes
      values = walValues
      count = walCount
    }
    if (count === 0) continue
    const end = times + (count << 3)
    source.last = entry.maxTime
    const from = entry.minTime >= windowStart ? times : firstNotBefore(times, end, windowStart)
    const to = entry.maxTime < windowEnd ? end : firstNotBefore(from, end, windowEnd)
    countDecoded(count, (from - times) >> 3, (end - to) >> 3)
    source.time = source.runEnd = from
    source.timesEnd = to
    source.value = values + (from - times)
    if (from < to) return true
  }
  release(source)
  return false
}

function release(source: Source): void {
  releaseTimes(source.shared)
  giveBuffer(source.times)
  giveBuffer(source.values)
  giveBuffer(source.bytes)
  source.shared = null
  source.times = source.values = source.bytes = 0
  source.time = source.runEnd = source.timesEnd = 0
}
