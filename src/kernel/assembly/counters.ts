// What happened to the points of a series and window, and what is to be told about them: errors and refusals.
import { bufferCapacity, giveBuffer, takeBuffer } from './arena'
import { BlockEntry } from './block'
import { STRING } from './codes'

/** Nine u64, in the order src/kernel/kernel.ts reads them. */
export const counters: usize = memory.data(72, 8)
const DECODED: usize = 0
const BEFORE: usize = 8
const AFTER: usize = 16
const DELETED: usize = 24
const OVERWRITTEN: usize = 32
const REFUSED: usize = 40
const POINTS: usize = 48
const ROWS: usize = 56
const LONG_STRINGS: usize = 64

function add(counter: usize, points: u64): void {
  store<u64>(counters + counter, load<u64>(counters + counter) + points)
}

export function countDecoded(points: u64, before: u64, after: u64): void {
  add(DECODED, points)
  add(BEFORE, before)
  add(AFTER, after)
}
export function countDeleted(points: u64): void {
  add(DELETED, points)
}
export function countOverwritten(points: u64): void {
  add(OVERWRITTEN, points)
}
export function countRows(rows: u64, points: u64): void {
  add(ROWS, rows)
  add(POINTS, points)
}

/** The first and the last entry whose block is damaged and not yet told of; linked by `nextError`. */
export let firstError: usize = 0
let lastError: usize = 0

export function addError(entry: BlockEntry, code: i32, column: u32, source: u32, index: u32): void {
  entry.code = code
  entry.column = column
  entry.source = source
  entry.index = index
  entry.nextError = 0
  const address = changetype<usize>(entry)
  if (firstError === 0) firstError = address
  else changetype<BlockEntry>(lastError).nextError = address
  lastError = address
}

/** Of those in the rows. */
export function countLongString(): void {
  add(LONG_STRINGS, 1)
}

/** Points that are not wanted. */
export function countUnwanted(): void {
  add(REFUSED, 1)
}

/** Each refusal: column u32, reason u32, time i64, type and part u32 (`type | part << 3`), size u32, then as many bytes of the value, padded to eight. */
export let refusals: usize = 0
export let refusalsSize: usize = 0
const REFUSAL: usize = 24
/** Rows go on while there is less than this. */
const ENOUGH: usize = 65536

/** Whether the caller should be told before there is another row. */
export function mustTell(): bool {
  return firstError !== 0 || refusalsSize >= ENOUGH
}

export function clearErrors(): void {
  firstError = 0
}
export function clearRefusals(): void {
  refusalsSize = 0
}

export function resetCounters(): void {
  memory.fill(counters, 0, 72)
  firstError = 0
  refusals = 0
  refusalsSize = 0
}

/** Keeps a value that no row can have; false when memory ran out. */
export function refuse(column: u32, reason: u32, time: i64, type: u32, value: u64, part: u32 = 0): bool {
  const size: u64 = type === STRING ? value >> 32 : 8
  const whole = <u64>REFUSAL + ((size + 7) & ~7)
  if (refusals === 0 || <u64>refusalsSize + whole > <u64>bufferCapacity(refusals)) {
    const larger = takeBuffer(max<u64>(<u64>ENOUGH, (<u64>refusalsSize + whole) * 2))
    if (larger === 0) return false
    memory.copy(larger, refusals, refusalsSize)
    giveBuffer(refusals)
    refusals = larger
  }
  const at = refusals + refusalsSize
  store<u32>(at, column)
  store<u32>(at, reason, 4)
  store<i64>(at, time, 8)
  store<u32>(at, type | (part << 3), 16)
  store<u32>(at, <u32>size, 20)
  if (type === STRING) memory.copy(at + REFUSAL, <usize>(value & 0xffffffff), <usize>size)
  else store<u64>(at, value, REFUSAL)
  refusalsSize += <usize>whole
  add(REFUSED, 1)
  return true
}
