// What src/kernel/kernel.ts calls. Addresses are bytes of the exported memory; no call keeps one past `begin`.
import { allocate, limitArena, resetArena } from './arena'
import { BlockEntry, forgetRecentTimes } from './block'
import { Column } from './column'
import {
  clearErrors as forgetErrors,
  clearRefusals as forgetRefusals,
  counters as counterTable,
  firstError as errorList,
  refusals as refusalList,
  refusalsSize as refusalListSize,
  resetCounters,
} from './counters'
import { NEVER } from './codes'
import { prepareCrc32 } from './crc32'
import { addToRow, output, outputPoints, outputRows, outputSize, resetRows, writeRows } from './rows'
import { setWindow, Source, startSource } from './source'

let lastColumn: Column | null = null

export function prepare(mostBytes: f64): void {
  prepareCrc32()
  limitArena(<u64>mostBytes)
  resetArena()
}

/** Starts a series and window; lets go of everything of the one before. Returns where its `size` bytes go, or 0. */
export function begin(size: u32, start: i64, end: i64): usize {
  resetArena()
  forgetRecentTimes()
  resetCounters()
  setWindow(start, end)
  const series = allocate(size)
  resetRows(series, size)
  lastColumn = null
  return series
}

/** Room for bytes, or 0. */
export function reserve(size: f64): usize {
  return allocate(<u64>size)
}

/** Adds a column, whose `,<field>=` has `size` bytes; returns its address, or 0. */
export function addColumn(size: u32): usize {
  const address = allocateCleared(offsetof<Column>())
  const key = allocate(size)
  if (address === 0 || key === 0) return 0
  const column = changetype<Column>(address)
  const before = lastColumn
  column.index = before === null ? 0 : before.index + 1
  column.next = NEVER
  column.key = key
  column.keySize = size
  lastColumn = column
  addToRow(column, before)
  return address
}

/** Where the column's `,<field>=` goes. */
export function keyOf(column: Column): usize {
  return column.key
}

/**
 * Adds a source to a column, younger than its others: `entries` blocks, which are at `from`. Deleted ranges are at
 * `deleted`. Returns false when memory ran out.
 */
export function addSource(
  column: Column,
  encoding: u32,
  type: u32,
  from: usize,
  entries: u32,
  deleted: usize,
  deletedRanges: u32,
): bool {
  const address = allocateCleared(offsetof<Source>())
  if (address === 0) return false
  const source = changetype<Source>(address)
  source.encoding = encoding
  source.type = type
  source.column = column.index
  source.index = column.sources++
  source.last = NEVER
  source.deleted = deleted
  source.deletedEnd = deleted + ((<usize>deletedRanges) << 4)
  source.firstEntry = from
  source.entriesEnd = from + <usize>entries * offsetof<BlockEntry>()
  startSource(source)
  if (column.oldest === 0) column.oldest = address
  else changetype<Source>(column.youngest).younger = address
  column.youngest = address
  return true
}

function allocateCleared(size: usize): usize {
  const address = allocate(size)
  if (address !== 0) memory.fill(address, 0, size)
  return address
}

/** Writes rows; what came of it is in the four below. */
export function next(mostRows: u32, mostBytes: u32, atLeastOne: bool): i32 {
  return writeRows(mostRows, mostBytes, atLeastOne)
}

export function rowsAddress(): usize {
  return output
}
export function rowsSize(): usize {
  return outputSize
}
export function rowsCount(): u32 {
  return outputRows
}
export function rowsPoints(): u32 {
  return outputPoints
}
export function counters(): usize {
  return counterTable
}
export function firstError(): usize {
  return errorList
}
export function clearErrors(): void {
  forgetErrors()
}
export function refusals(): usize {
  return refusalList
}
export function refusalsSize(): usize {
  return refusalListSize
}
export function clearRefusals(): void {
  forgetRefusals()
}
/** The first of a column's figures, or 0. */
export function figuresOf(column: Column): usize {
  return column.figures
}
