// One field of the series: its sources merged by time, of equal times the youngest source's value. What comes out are
// runs, as of a source, and mostly they are a source's own, not copied.
import { allocate, exhausted, takeBuffer } from './arena'
import { NEVER } from './codes'
import { countOverwritten } from './counters'
import { clearFigures, Figures } from './figures'
import { firstNotBefore, hasRun, nextRun, Source, takeFromRun } from './source'

/** As many points are merged at once. */
const MERGED: usize = 1024 << 3
/** A stretch of one source is copied only up to this many bytes of times; longer ones are handed on as they are. */
const COPIED: usize = 16 << 3

@unmanaged
export class Column {
  /** The run: times, values, the end of the times, the values' type; and the time of its first point, or NEVER. */
  time: usize
  value: usize
  end: usize
  type: u32
  index: u32
  next: i64
  /** `,<field>=` */
  key: usize
  keySize: usize
  /** The column after this one, and the first and last of its sources: addresses, or 0. */
  following: usize
  oldest: usize
  youngest: usize
  sources: u32
  mergedTimes: usize
  mergedValues: usize
  /** Of the points that are in rows: figures of one type, then of others, or 0. */
  figures: usize
}

/** Figures of the column's points of a type; null when memory ran out. */
export function figuresOf(column: Column, type: u32): Figures | null {
  for (let at = column.figures; at !== 0; at = changetype<Figures>(at).next)
    if (changetype<Figures>(at).type === type) return changetype<Figures>(at)
  const address = allocate(offsetof<Figures>())
  if (address === 0) return null
  const figures = changetype<Figures>(address)
  clearFigures(figures, type)
  figures.next = column.figures
  column.figures = address
  return figures
}

/** Goes to the next run; at the end, or when memory ran out, `next` is NEVER. */
export function nextRunOf(column: Column): void {
  column.next = NEVER
  if (column.oldest === 0) return
  if (column.oldest !== column.youngest) return mergeRun(column)
  const source = changetype<Source>(column.oldest)
  if (nextRun(source)) handOn(column, source, source.runEnd)
}

/** Makes the source's run up to `end` the column's. */
function handOn(column: Column, source: Source, end: usize): void {
  column.time = source.time
  column.value = source.value
  column.end = end
  column.type = source.type
  column.next = load<i64>(source.time)
  takeFromRun(source, end - source.time)
}

function mergeRun(column: Column): void {
  let merged: usize = 0
  let type: u32 = 0
  while (merged < MERGED) {
    let earliest = NEVER
    /** The earliest time of the others. */
    let second = NEVER
    let winner: Source | null = null
    let ties: u64 = 0
    for (let at = column.oldest; at !== 0; at = changetype<Source>(at).younger) {
      const source = changetype<Source>(at)
      const next = source.next
      if (next > earliest) {
        if (next < second) second = next
        continue
      }
      if (next === NEVER) continue
      if (next === earliest) ties++
      else ties = 0
      if (next < earliest) second = earliest
      earliest = next
      winner = source
    }
    if (winner === null) break
    if (!allLoaded(column, earliest)) {
      // Going on may decode a block in place of one whose strings are among what is merged.
      if (merged > 0) break
      loadAll(column, earliest)
      if (exhausted) return
      continue
    }
    if (merged === 0) type = winner.type
    else if (winner.type !== type) break
    if (ties === 0) {
      const end = firstNotBefore(winner.time, winner.runEnd, second)
      const size = end - winner.time
      if (size > COPIED) {
        if (merged > 0) break
        return handOn(column, winner, end)
      }
      const copied = min<usize>(size, MERGED - merged)
      if (!copyPoints(column, winner, merged, copied)) return
      merged += copied
      continue
    }
    countOverwritten(ties)
    if (!copyPoints(column, winner, merged, 8)) return
    merged += 8
    for (let at = column.oldest; at !== 0; at = changetype<Source>(at).younger) {
      const source = changetype<Source>(at)
      if (source !== winner && source.next === earliest) takeFromRun(source, 8)
    }
  }
  if (merged === 0) return
  column.time = column.mergedTimes
  column.value = column.mergedValues
  column.end = column.mergedTimes + merged
  column.type = type
  column.next = load<i64>(column.time)
}

/** Whether every source that may have a point at `time` has its run at hand. */
function allLoaded(column: Column, time: i64): bool {
  for (let at = column.oldest; at !== 0; at = changetype<Source>(at).younger) {
    const source = changetype<Source>(at)
    if (source.next === time && !hasRun(source)) return false
  }
  return true
}

function loadAll(column: Column, time: i64): void {
  for (let at = column.oldest; at !== 0; at = changetype<Source>(at).younger) {
    const source = changetype<Source>(at)
    if (source.next === time && !hasRun(source)) nextRun(source)
  }
}

/** Moves points of a source's run to the end of what is merged; false when memory ran out. */
function copyPoints(column: Column, source: Source, merged: usize, size: usize): bool {
  if (column.mergedTimes === 0) {
    column.mergedTimes = takeBuffer(<u64>MERGED)
    column.mergedValues = takeBuffer(<u64>MERGED)
    if (column.mergedTimes === 0 || column.mergedValues === 0) return false
  }
  for (let done: usize = 0; done < size; done += 8) {
    store<u64>(column.mergedTimes + merged + done, load<u64>(source.time + done))
    store<u64>(column.mergedValues + merged + done, load<u64>(source.value + done))
  }
  takeFromRun(source, size)
  return true
}
