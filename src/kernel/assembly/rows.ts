// Rows of v3 line protocol: `<series> <field>=<value>,<field>=<value> <time>\n`, all fields of the series at one time.
import { bufferCapacity, exhausted, giveBuffer, takeBuffer } from './arena'
import { castBits, castNumber, writeNumber } from './cast'
import {
  AS_IT_IS,
  FLOAT,
  INTEGER,
  LONGEST_STRING,
  LONG_STRING,
  NEVER,
  REFUSED_CAST,
  REFUSED_LENGTH,
  REFUSED_NOT_FINITE,
  REFUSED_UTF8,
  STRING,
  TO_NOTHING,
  UNSIGNED,
} from './codes'
import { Column, figuresOf, nextRunOf } from './column'
import { countLongString, countRows, countUnwanted, mustTell, refuse } from './counters'
import { writeSigned, writeTime, writeUnsigned } from './digits'
import { addPoint, addRun, Figures, hashBytes, hashRow } from './figures'
import { isFinite64, LONGEST_NUMBER, writeFloat } from './numbers'
import { writeEscaped, writeQuoted } from './quoted'

/** What `writeRows` returns: all rows of the window are written; */
export const DONE: i32 = 0
/** another row would pass a limit; */
export const FULL: i32 = 1
/** there is something to tell first: errors, or many refusals; */
export const TELL: i32 = 2
/** memory ran out, and the window cannot be finished. */
export const STUCK: i32 = 3

/** So much more room than needed for rows with strings, so that it does not grow for each of them. */
const SPARE: u64 = 65536
const SPACE: u8 = 0x20
const QUOTE: u8 = 0x22
const NEWLINE: u8 = 0x0a

/** The rows written last, in `output` from its start. */
export let output: usize = 0
export let outputSize: usize = 0
export let outputRows: u32 = 0
export let outputPoints: u32 = 0

let outputEnd: usize = 0
let prefix: usize = 0
let prefixSize: usize = 0
/** Hashes of the series key, and with the time of the row under way. */
let seriesHash: u64 = 0
let rowHash: u64 = 0
/** What a row takes at most without what is between quotes. */
let rowRoom: usize = 0

let firstColumn: usize = 0
/** The columns that still have points, in order: their addresses. */
let columns: usize = 0
let columnsEnd: usize = 0
let started: bool = false
/** The time of the next row, or NEVER. */
let rowTime: i64 = NEVER
/** As many bytes of times, from those of the next row on, are the same ones in every column. */
let aligned: usize = 0

/** A row that was made but was past a limit: where it is in `output`, and the points in it. */
let pending: usize = 0
let pendingSize: usize = 0
let pendingPoints: u32 = 0
/** Bytes of times that go by the run at once: a thousand points, as blocks mostly have; and {@link hashRow} of these rows. */
const RUN_BYTES: usize = 8192
const rowHashes: usize = memory.data(8192, 16)
/** How many values of the row under way were refused. */
let refused: u32 = 0

export function resetRows(series: usize, seriesSize: usize): void {
  prefix = series
  prefixSize = seriesSize
  seriesHash = 0
  rowRoom = seriesSize + LONGEST_NUMBER
  output = outputEnd = 0
  firstColumn = 0
  columns = columnsEnd = 0
  started = false
  rowTime = NEVER
  aligned = 0
  pendingSize = 0
}

/** Tells of a column that comes after those told of before. */
export function addToRow(column: Column, before: Column | null): void {
  if (before === null) firstColumn = changetype<usize>(column)
  else before.following = changetype<usize>(column)
  rowRoom += column.keySize + LONGEST_NUMBER
}

/**
 * Writes rows to `output`: at most `mostRows`, at most `mostBytes`. A first row longer than that is written only if
 * `atLeastOne`; then it is the only one.
 */
export function writeRows(mostRows: u32, mostBytes: usize, atLeastOne: bool): i32 {
  outputSize = 0
  outputRows = 0
  outputPoints = 0
  if (exhausted || !prepare(mostBytes)) return STUCK
  if (pendingSize > 0) {
    if (mostRows === 0 || (pendingSize > mostBytes && !atLeastOne)) return FULL
    memory.copy(output, output + pending, pendingSize)
    outputSize = pendingSize
    outputRows = 1
    outputPoints = pendingPoints
    pendingSize = 0
  }
  const state = moreRows(mostRows, mostBytes, atLeastOne)
  countRows(outputRows, outputPoints)
  return exhausted ? STUCK : state
}

/** Makes the output large enough, and starts all columns at first. */
function prepare(mostBytes: usize): bool {
  const room = <u64>mostBytes + <u64>rowRoom + SPARE
  if (<u64>outputEnd < <u64>output + room) {
    const larger = takeBuffer(room)
    if (larger === 0) return false
    memory.copy(larger, output + pending, pendingSize)
    pending = 0
    giveBuffer(output)
    output = larger
    outputEnd = larger + bufferCapacity(larger)
  }
  if (started) return true
  started = true
  seriesHash = hashBytes(prefix, prefixSize)
  let number: u64 = 0
  for (let at = firstColumn; at !== 0; at = changetype<Column>(at).following) number++
  columns = columnsEnd = takeBuffer(number << 2)
  if (columns === 0) return false
  for (let at = firstColumn; at !== 0; at = changetype<Column>(at).following) {
    const column = changetype<Column>(at)
    nextRunOf(column)
    if (column.next === NEVER) continue
    store<usize>(columnsEnd, at)
    columnsEnd += 4
  }
  lookAhead()
  return !exhausted
}

/** After runs have changed: drops columns at their end, and finds the next row's time and for how long all times agree. */
function lookAhead(): void {
  let kept = columns
  let same = true
  let shortest: usize = usize.MAX_VALUE
  rowTime = NEVER
  for (let at = columns; at < columnsEnd; at += 4) {
    const column = changetype<Column>(load<usize>(at))
    if (column.next === NEVER) continue
    store<usize>(kept, load<usize>(at))
    kept += 4
    if (column.next < rowTime) rowTime = column.next
    same = same && column.time === changetype<Column>(load<usize>(columns)).time
    shortest = min<usize>(shortest, column.end - column.time)
  }
  columnsEnd = kept
  aligned = same && kept > columns ? min<usize>(shortest, RUN_BYTES) : 0
}

function moreRows(mostRows: u32, mostBytes: usize, atLeastOne: bool): i32 {
  while (true) {
    if (mustTell()) return TELL
    if (rowTime === NEVER) return DONE
    const state =
      aligned > 0 ? alignedRows(mostRows, mostBytes, atLeastOne) : mixedRows(mostRows, mostBytes, atLeastOne)
    if (state !== DONE) return state
    if (exhausted) return STUCK
  }
}

/** Writes rows while all columns have the same times. DONE when they no longer do. */
function alignedRows(mostRows: u32, mostBytes: usize, atLeastOne: bool): i32 {
  let done: usize = 0
  let state = DONE
  const times = changetype<Column>(load<usize>(columns)).time
  while (done < aligned) {
    if (outputRows >= mostRows) {
      state = FULL
      break
    }
    const time = load<i64>(times + done)
    let out = startRow(time)
    store<u64>(rowHashes + done, rowHash)
    for (let at = columns; at < columnsEnd; at += 4) {
      const column = changetype<Column>(load<usize>(at))
      out = writeField(out, column, time, load<u64>(column.value + done))
    }
    done += 8
    const fields = <u32>((columnsEnd - columns) >> 2) - refused
    state = endRow(out, fields, time, mostBytes, atLeastOne)
    if (state !== DONE) break
  }
  for (let at = columns; at < columnsEnd; at += 4) {
    const column = changetype<Column>(load<usize>(at))
    // Strings, and what is cast, count one by one.
    if (column.type !== STRING && column.type <= UNSIGNED) {
      const figures = figuresOf(column, column.type)
      if (figures !== null) addRun(figures, rowHashes, column.time, column.time + done, column.value)
    }
    column.time += done
    column.value += done
    if (column.time === column.end) nextRunOf(column)
    else column.next = load<i64>(column.time)
  }
  lookAhead()
  return state
}

/** Writes rows while columns have different times. DONE when a column goes to another run. */
function mixedRows(mostRows: u32, mostBytes: usize, atLeastOne: bool): i32 {
  while (true) {
    if (outputRows >= mostRows) return FULL
    const time = rowTime
    let next = NEVER
    let changed = false
    let out = startRow(time)
    let fields: u32 = 0
    for (let at = columns; at < columnsEnd; at += 4) {
      const column = changetype<Column>(load<usize>(at))
      if (column.next === time) {
        const value = load<u64>(column.value)
        out = writeField(out, column, time, value)
        const type = column.type
        if (type === FLOAT ? isFinite64(value) : type < STRING || type === UNSIGNED)
          count(column, type, time, value)
        fields++
        column.time += 8
        column.value += 8
        if (column.time === column.end) {
          nextRunOf(column)
          changed = true
        } else column.next = load<i64>(column.time)
      }
      next = min<i64>(next, column.next)
    }
    rowTime = next
    const state = endRow(out, fields - refused, time, mostBytes, atLeastOne)
    if (changed) lookAhead()
    if (state !== DONE || changed) return state
  }
}

/** Writes what comes before the fields; returns its end. */
function startRow(time: i64): usize {
  refused = 0
  rowHash = hashRow(seriesHash, time)
  const row = output + outputSize
  copyBytes(row, prefix, prefixSize)
  return row + prefixSize
}

/** Ends a row whose fields end at `out`. FULL if it must wait for another call, TELL if something must be told first. */
function endRow(out: usize, fields: u32, time: i64, mostBytes: usize, atLeastOne: bool): i32 {
  if (exhausted) return STUCK
  if (fields === 0) return mustTell() ? TELL : DONE
  const row = output + outputSize
  // The comma before the first field.
  store<u8>(row + prefixSize, SPACE)
  store<u8>(out, SPACE)
  const end = writeTime(out + 1, time)
  store<u8>(end, NEWLINE)
  const size = end + 1 - row
  if (outputSize + size > mostBytes && !(atLeastOne && outputRows === 0)) {
    pending = outputSize
    pendingSize = size
    pendingPoints = fields
    return FULL
  }
  outputSize += size
  outputRows++
  outputPoints += fields
  return mustTell() ? TELL : DONE
}

/** Writes `,<field>=<value>`; returns its end, which is `out` if the value was refused. */
function writeField(out: usize, column: Column, time: i64, value: u64): usize {
  const type = column.type
  if (type === STRING) return writeString(out, column, time, value)
  if (type === FLOAT && !isFinite64(value)) {
    refuse(column.index, REFUSED_NOT_FINITE, time, FLOAT, value)
    refused++
    return out
  }
  copyBytes(out, column.key, column.keySize)
  const at = out + column.keySize
  if (type === FLOAT) return writeFloat(at, value)
  if (type === INTEGER) {
    const end = writeSigned(at, <i64>value)
    store<u8>(end, 0x69)
    return end + 1
  }
  if (type === UNSIGNED) {
    const end = writeUnsigned(at, value)
    store<u8>(end, 0x75)
    return end + 1
  }
  if (type > UNSIGNED) return writeCast(out, column, time, value)
  // `true`, or `fals` and `e`.
  store<u32>(at, value === 1 ? 0x65757274 : 0x736c6166)
  store<u8>(at + 4, 0x65)
  return value === 1 ? at + 4 : at + 5
}

/** Adds a value that is in the row to the column's figures: strings, and rows that are not aligned; the others go by the run. */
function count(column: Column, type: u32, time: i64, bits: u64): void {
  const first = column.figures
  const figures =
    first !== 0 && changetype<Figures>(first).type === type
      ? changetype<Figures>(first)
      : figuresOf(column, type)
  if (figures !== null) addPoint(figures, rowHash, time, bits)
}

function writeString(out: usize, column: Column, time: i64, value: u64): usize {
  const length = <u32>(value >> 32)
  if (length > LONGEST_STRING) {
    refuse(column.index, REFUSED_LENGTH, time, STRING, value)
    refused++
    return out
  }
  const start = roomFor(out, (<usize>length) << 1)
  if (start === 0) return out
  copyBytes(start, column.key, column.keySize)
  const end = writeQuoted(start + column.keySize, <usize>(value & 0xffffffff), length)
  if (end !== 0) {
    count(column, STRING, time, hashBytes(<usize>(value & 0xffffffff), length))
    if (length > LONG_STRING) countLongString()
    return end
  }
  refuse(column.index, REFUSED_UTF8, time, STRING, value)
  refused++
  return start
}

/** Writes a value that becomes another one, or is of one of several parts of its column. */
function writeCast(out: usize, column: Column, time: i64, value: u64): usize {
  const from = column.type & 7
  const cast = (column.type >> 3) & 7
  if (cast === TO_NOTHING) {
    countUnwanted()
    refused++
    return out
  }
  const to = cast === 0 || cast === AS_IT_IS ? from : cast - 1
  let start = out
  let end: usize = 0
  let bits: u64 = 0
  let reason = REFUSED_CAST
  if (from === STRING) {
    const length = <u32>(value >> 32)
    const text = <usize>(value & 0xffffffff)
    start = roomFor(out, (<usize>length) << 1)
    if (start === 0) return out
    copyBytes(start, column.key, column.keySize)
    const at = start + column.keySize
    if (cast === AS_IT_IS) end = writeEscaped(at, text, length)
    else if (length > LONGEST_STRING) reason = REFUSED_LENGTH
    else {
      reason = REFUSED_UTF8
      end = writeQuoted(at, text, length)
      bits = hashBytes(text, length)
      if (end !== 0 && length > LONG_STRING) countLongString()
    }
  } else if (from === FLOAT && cast !== AS_IT_IS && !isFinite64(value)) reason = REFUSED_NOT_FINITE
  else if (to === STRING) {
    copyBytes(out, column.key, column.keySize)
    const text = out + column.keySize + 1
    store<u8>(text - 1, QUOTE)
    end = writeNumber(text, from, value, false)
    bits = hashBytes(text, end - text)
    store<u8>(end++, QUOTE)
  } else if (castNumber(from, to, value)) {
    copyBytes(out, column.key, column.keySize)
    end = writeNumber(out + column.keySize, to, castBits, true)
    bits = castBits
  }
  if (end === 0) {
    refuse(column.index, reason, time, from, value, column.type >> 6)
    refused++
    return start
  }
  if (cast !== AS_IT_IS) count(column, to, time, bits)
  return end
}

/** Sees to it that `bytes` and a whole row besides fit behind `out`; returns where that is now, 0 when memory ran out. */
function roomFor(out: usize, bytes: usize): usize {
  if (<u64>out + <u64>bytes + <u64>rowRoom <= <u64>outputEnd) return out
  const used = out - output
  const larger = takeBuffer(<u64>used + (<u64>bytes + <u64>rowRoom + SPARE) * 2)
  if (larger === 0) return 0
  memory.copy(larger, output, used)
  giveBuffer(output)
  output = larger
  outputEnd = larger + bufferCapacity(larger)
  return larger + used
}

/** Copies up to fifteen bytes more than asked for. */
function copyBytes(to: usize, from: usize, size: usize): void {
  for (let done: usize = 0; done < size; done += 16) v128.store(to + done, v128.load(from + done))
}
