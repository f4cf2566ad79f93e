import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import { parseFieldValue, refusedString } from './field-value.ts'
import * as scan from './line-scan.ts'
import type { PointStore } from './point-store.ts'
import { decodeName } from './names.ts'
import { MAX_KEY_BYTES, parseFieldKey, parseSeriesKey, seriesNames } from './series-key.ts'
import { storedKeyOf } from './stored-names.ts'
import { fitsInt64, instantOf } from './timestamp.ts'
import type { Instant } from './timestamp.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const QUOTE = 34
const HASH = 35
const COMMA = 44
const MINUS = 45
const BACKSLASH = 92

const NO_BYTES = Buffer.alloc(0)
/** influx_inspect of 1.8 and 1.9 writes this into its output, and no newline after it. */
const SKIPPED_FILE = 'skipped missing file: '
/** Never a point: a field section cannot start with `DATABASE ` or `RETENTION `. */
const DDL = ['CREATE DATABASE ', 'CREATE RETENTION POLICY ']

/**
 * Which lines that start with `#` are comments, and no points: all of them; those that influx_inspect writes without
 * `-lponly`, which does not escape a measurement that starts with `#`; or none (`-lponly`).
 */
export type Comments = 'any' | 'influx_inspect' | 'none'

/**
 * What goes into the store: `v3`: what v3 line protocol has a way to write, as it writes it. `stored`: whatever 1.x takes,
 * series under the keys of {@link storedKeyOf}, fields under their names without escapes, values as they are.
 */
export type Reading = 'v3' | 'stored'

/** What influx_inspect's own comments start with (cmd/influx_inspect/export/export.go). */
const INSPECT_COMMENTS = ['# INFLUXDB EXPORT:', '# DDL', '# DML', '# CONTEXT-', '# writing ']

export interface Refusal {
  reason: string
  /** The line, or for one of several fields the line with that field alone. */
  line: Buffer
  points: number
}

interface StagedField {
  keyStart: number
  keyEnd: number
  valueStart: number
  valueEnd: number
  /** What goes into the store: none for a refused value. */
  bytes: Buffer
  start: number
  end: number
  refused: string | undefined
}

/** Where a line could not be read: what is wrong, or that its end has not arrived. */
const MORE = 'more'

/**
 * Reads 1.x line protocol (the rules of InfluxDB 1.x's `models.ParsePoints`, nanoseconds) into a point store.
 * A line that starts with the series key and field of the line before it is read in the hot loop of `parse`.
 */
export class LineParser {
  pointsRead = 0
  filtered = 0
  refusedPoints = 0
  /** Whether `parse` stopped because the store is full. Empty it, call `forget`, and go on. */
  full = false
  /** 1-based; newlines in strings count. */
  line = 1

  readonly #store: PointStore
  readonly #start: Instant
  readonly #end: Instant
  readonly #comments: Comments
  readonly #refuse: (refusal: Refusal) => void
  readonly #asStored: boolean

  /** `<series key> <field>=` of the last line with one field, and its pair; -1 when the pair is not known. */
  #prefix = Buffer.alloc(256)
  #prefixView = new DataView(this.#prefix.buffer, this.#prefix.byteOffset, this.#prefix.length)
  #prefixLength = 0
  #pair = -1
  /** The series key last read, as read, and what it came to: an id, or why it is refused or malformed. */
  #seriesRaw = NO_BYTES
  #series = -1
  #seriesReason = ''
  #seriesMalformed = false

  readonly #staged: StagedField[] = []
  #fields = 0
  #seconds = 0
  #nanos = 0
  #outside = false
  #timeStart = 0
  #timeEnd = 0

  constructor(
    store: PointStore,
    window: TimeWindow,
    comments: Comments,
    refuse: (refusal: Refusal) => void,
    reading: Reading = 'v3',
  ) {
    this.#store = store
    this.#asStored = reading === 'stored'
    this.#start = instantOf(window.start)
    this.#end = instantOf(window.end)
    this.#comments = comments
    this.#refuse = refuse
  }

  /** Forgets the ids of the store, which was emptied. */
  forget(): void {
    this.#prefixLength = 0
    this.#seriesRaw = NO_BYTES
    this.full = false
  }

  /**
   * Reads the whole lines of `data[from, to)`; behind `to` there must be room for two bytes. With `last`, what is
   * left at `to` is a whole line.
   * @returns where the first line starts that was not read: not whole yet, or the store is full.
   * @throws Failure `export/skipped-missing-file`
   */
  parse(data: Buffer, from: number, to: number, last: boolean): number {
    data[to] = NEWLINE // ends every scan
    data[to + 1] = NEWLINE
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    const store = this.#store
    const { seconds: startSeconds, nanos: startNanos } = this.#start
    const { seconds: endSeconds, nanos: endNanos } = this.#end
    let lineStart = from
    lines: while (lineStart < to) {
      fast: {
        const prefixLength = this.#prefixLength
        if (prefixLength === 0 || prefixLength >= to - lineStart) break fast
        const words = prefixLength & ~3
        const prefixView = this.#prefixView
        for (let i = 0; i < words; i += 4) {
          if (prefixView.getInt32(i) !== view.getInt32(lineStart + i)) break fast
        }
        for (let i = words; i < prefixLength; i++) {
          if (this.#prefix[i] !== data[lineStart + i]) break fast
        }

        const valueStart = lineStart + prefixLength
        let at = valueStart
        let byte = data[at] as number
        let newlines = 0
        if (byte === QUOTE) {
          let all = 0
          for (at += 1; ; at++) {
            byte = data[at] as number
            if (byte === QUOTE) break
            all |= byte
            if (byte === NEWLINE) {
              if (at >= to) break fast
              newlines += 1
            } else if (byte === BACKSLASH) {
              byte = data[++at] as number
              all |= byte
              if (byte === NEWLINE) {
                if (at >= to) break fast
                newlines += 1
              }
            }
          }
          if (all > 127 || at - valueStart > 65_536) break fast // to be looked at with care
          at += 1
        } else if (byte === 116) {
          if (!scan.startsWith(data, at, 'true')) break fast
          at += 4
        } else if (byte === 102) {
          if (!scan.startsWith(data, at, 'false')) break fast
          at += 5
        } else {
          at = scan.plainNumberEnd(data, at)
          if (at < 0) break fast
        }
        if (data[at] !== SPACE) break fast
        const valueEnd = at

        byte = data[++at] as number
        const negative = byte === MINUS
        if (negative) byte = data[++at] as number
        const digits = at
        while (byte >= 48 && byte <= 57) byte = data[++at] as number
        if (byte !== NEWLINE || at === digits || at - digits > 19) break fast
        if (at >= to && !last) break fast
        let seconds = 0
        let nanos = 0
        const point = at - 9
        let digit = digits
        for (; digit < point; digit++) seconds = seconds * 10 + (data[digit] as number) - 48
        for (; digit < at; digit++) nanos = nanos * 10 + (data[digit] as number) - 48
        if (seconds >= 9_223_372_036 && !fitsInt64(seconds, nanos, negative)) break fast
        if (negative) {
          seconds = -seconds
          nanos = -nanos
        }

        if (
          seconds < startSeconds ||
          seconds > endSeconds ||
          (seconds === startSeconds && nanos < startNanos) ||
          (seconds === endSeconds && nanos >= endNanos)
        ) {
          this.filtered += 1
        } else {
          const pair = this.#pair
          if (pair < 0) break fast
          if (!store.fits(1, valueEnd - valueStart)) {
            this.full = true
            break lines
          }
          store.add(pair, seconds, nanos, data, valueStart, valueEnd)
        }
        this.pointsRead += 1
        this.line += 1 + newlines
        lineStart = at + 1
        continue
      }
      const next = this.#line(data, lineStart, to, last)
      if (next < 0) break
      lineStart = next
    }
    return Math.min(lineStart, to)
  }

  /** Any line, with care. @returns where the next starts; -1 when this one is not whole, or the store is full. */
  #line(data: Buffer, lineStart: number, to: number, last: boolean): number {
    const start = scan.skipWhite(data, lineStart)
    if (data[start] === NEWLINE && start < to) {
      this.line += 1
      return start + 1
    }
    if (start >= to) return last ? to : -1
    const firstEnd = data.indexOf(NEWLINE, start)
    if (firstEnd >= to && !last) return -1
    if (
      (data[start] === HASH && this.#isComment(data, start)) ||
      DDL.some((text) => scan.startsWith(data, start, text))
    ) {
      this.line += 1
      return firstEnd + 1
    }
    if (scan.startsWith(data, start, SKIPPED_FILE)) throw skippedMissingFile(data, start, firstEnd, this.line)

    const found = this.#tokens(data, start, to, last)
    if (found === MORE) return -1
    if (typeof found === 'string') return this.#malformed(data, lineStart, start, to, last, found)
    if (this.#outside) {
      this.pointsRead += this.#fields
      this.filtered += this.#fields
    } else {
      const malformed = this.#storeFields(data, start, found.keyEnd, found.end)
      if (this.full) return -1
      if (malformed !== undefined) return this.#malformed(data, lineStart, start, to, last, malformed)
    }
    this.#remember(data, start)
    this.#countLines(data, lineStart, found.end)
    return found.end + 1
  }

  #isComment(data: Buffer, start: number): boolean {
    if (this.#comments === 'influx_inspect')
      return INSPECT_COMMENTS.some((text) => scan.startsWith(data, start, text))
    return this.#comments === 'any'
  }

  /** Finds the line's parts. @returns its end and that of the series key, or what is wrong, or `MORE`. */
  #tokens(data: Buffer, start: number, to: number, last: boolean): { keyEnd: number; end: number } | string {
    const keyEnd = scan.seriesKeyEnd(data, start, to)
    if (keyEnd < 0) return 'missing fields'
    this.#fields = 0
    let at = scan.skipWhite(data, keyEnd)
    for (;;) {
      const keyStart = at
      at = scan.fieldKeyEnd(data, keyStart, to)
      if (at < 0) return 'invalid field format'
      if (at === keyStart) return 'missing field key'
      const valueStart = at + 1
      const field = this.#stage(keyStart, at, valueStart)
      if (data[valueStart] === QUOTE) {
        at = scan.stringEnd(data, valueStart, to)
        if (at < 0) return last ? 'unbalanced quotes' : MORE
      } else {
        for (at = valueStart; data[at] !== COMMA && data[at] !== SPACE && data[at] !== NEWLINE;) at += 1
      }
      field.valueEnd = at
      if (data[at] === SPACE) break
      if (data[at] === NEWLINE) return at >= to && !last ? MORE : 'missing timestamp'
      if (data[at] !== COMMA) return 'invalid field format'
      at += 1
    }
    return this.#time(data, keyEnd, scan.skipWhite(data, at), to, last)
  }

  #time(data: Buffer, keyEnd: number, start: number, to: number, last: boolean) {
    let at = start
    const negative = data[at] === MINUS
    if (negative) at += 1
    const digits = at
    while ((data[at] as number) >= 48 && (data[at] as number) <= 57) at += 1
    const digitsEnd = at
    while (data[at] === SPACE) at += 1
    if (data[at] === CARRIAGE_RETURN) at += 1
    if (at >= to && !last) return MORE
    if (data[at] !== NEWLINE) return 'bad timestamp'
    if (digitsEnd === digits) return digits === start ? 'missing timestamp' : 'bad timestamp'
    const text = data.toString('latin1', digits, digitsEnd).replace(/^0+/, '')
    const seconds = Number(text.slice(0, -9))
    const nanos = Number(text.slice(-9))
    if (text.length > 19 || !fitsInt64(seconds, nanos, negative)) return 'the timestamp is out of range'
    this.#timeStart = start
    this.#timeEnd = digitsEnd
    this.#seconds = negative ? -seconds : seconds
    this.#nanos = negative ? -nanos : nanos
    const { seconds: s, nanos: n } = this.#start
    const { seconds: e, nanos: m } = this.#end
    const before = this.#seconds < s || (this.#seconds === s && this.#nanos < n)
    const after = this.#seconds > e || (this.#seconds === e && this.#nanos >= m)
    this.#outside = before || after
    return { keyEnd, end: Math.min(at, to) }
  }

  /** Puts the staged fields into the store, all or (when malformed, or the store is full) none. */
  #storeFields(data: Buffer, start: number, keyEnd: number, end: number): string | undefined {
    this.#findSeries(data, start, keyEnd)
    if (this.#seriesMalformed) return this.#seriesReason
    let valueBytes = 0
    for (let i = 0; i < this.#fields; i++) {
      const field = this.#staged[i] as StagedField
      if (keyEnd - start + 4 + field.keyEnd - field.keyStart > MAX_KEY_BYTES) return 'max key length exceeded'
      const malformed = readValue(data, field, this.#asStored)
      if (malformed !== undefined) return malformed
      valueBytes += field.end - field.start
    }
    if (this.#seriesReason !== '') {
      this.#refuseLine(this.#seriesReason, data.subarray(start, end), this.#fields)
      this.#pair = -1
      return undefined
    }
    const store = this.#store
    if (!store.fits(this.#fields, valueBytes) || store.isFull()) {
      this.full = true
      return undefined
    }
    for (let i = 0; i < this.#fields; i++) {
      const field = this.#staged[i] as StagedField
      const refuse = (reason: string): void => {
        const parts = [
          data.subarray(start, keyEnd + 1),
          data.subarray(field.keyStart, field.valueEnd),
          Buffer.from(' '),
          data.subarray(this.#timeStart, this.#timeEnd),
        ]
        this.#refuseLine(reason, this.#fields === 1 ? data.subarray(start, end) : Buffer.concat(parts), 1)
      }
      this.#pair = -1
      const id = this.#fieldId(data, field)
      if (typeof id === 'string') {
        refuse(id)
        continue
      }
      this.#pair = store.pairOf(this.#series, id)
      store.add(this.#pair, this.#seconds, this.#nanos, field.bytes, field.start, field.end)
      if (field.refused === undefined) this.pointsRead += 1
      else refuse(field.refused)
    }
    return undefined
  }

  #findSeries(data: Buffer, start: number, end: number): void {
    const known = this.#seriesRaw.length
    if (known === end - start && data.compare(this.#seriesRaw, 0, known, start, end) === 0) return
    this.#seriesReason = ''
    this.#seriesMalformed = false
    if (this.#asStored) {
      const names = seriesNames(data.subarray(start, end))
      this.#seriesMalformed = typeof names === 'string'
      if (typeof names === 'string') this.#seriesReason = names
      else {
        const key = storedKeyOf(names)
        this.#series = this.#store.series.idOf(key, 0, key.length)
      }
    } else if (scan.isPlainSeriesKey(data, start, end)) {
      this.#series = this.#store.series.idOf(data, start, end)
    } else {
      const key = parseSeriesKey(data.subarray(start, end))
      if (key.kind === 'key') this.#series = this.#store.series.idOf(key.bytes, 0, key.bytes.length)
      else this.#seriesReason = key.reason
      this.#seriesMalformed = key.kind === 'malformed'
    }
    this.#seriesRaw = Buffer.from(data.subarray(start, end))
  }

  #fieldId(data: Buffer, { keyStart, keyEnd }: StagedField): number | string {
    if (scan.isPlainFieldKey(data, keyStart, keyEnd)) return this.#store.fields.idOf(data, keyStart, keyEnd)
    if (this.#asStored) {
      const name = decodeName(data.subarray(keyStart, keyEnd), 'field key')
      return this.#store.fields.idOf(name, 0, name.length)
    }
    const key = parseFieldKey(data.subarray(keyStart, keyEnd))
    return key.kind === 'key' ? this.#store.fields.idOf(key.bytes, 0, key.bytes.length) : key.reason
  }

  #stage(keyStart: number, keyEnd: number, valueStart: number): StagedField {
    let field = this.#staged[this.#fields]
    if (field === undefined) {
      field = {
        keyStart,
        keyEnd,
        valueStart,
        valueEnd: 0,
        bytes: NO_BYTES,
        start: 0,
        end: 0,
        refused: undefined,
      }
      this.#staged.push(field)
    }
    field.keyStart = keyStart
    field.keyEnd = keyEnd
    field.valueStart = valueStart
    this.#fields += 1
    return field
  }

  /** Keeps the prefix of a line with one field for the hot loop. */
  #remember(data: Buffer, start: number): void {
    this.#prefixLength = 0
    if (this.#fields !== 1) return
    const { valueStart } = this.#staged[0] as StagedField
    const length = valueStart - start
    if (length > this.#prefix.length) {
      this.#prefix = Buffer.alloc(length * 2)
      this.#prefixView = new DataView(this.#prefix.buffer, this.#prefix.byteOffset, this.#prefix.length)
    }
    data.copy(this.#prefix, 0, start, valueStart)
    this.#prefixLength = length
    if (this.#outside) this.#pair = -1
  }

  /** Refuses a line that 1.x would not have taken. */
  #malformed(
    data: Buffer,
    lineStart: number,
    start: number,
    to: number,
    last: boolean,
    reason: string,
  ): number {
    let end = scan.lineEnd(data, start, to)
    if (end < 0) {
      if (!last) return -1
      end = to
    }
    this.#refuseLine(`line ${this.line}: ${reason}`, data.subarray(start, end), 1)
    this.#prefixLength = 0
    this.#countLines(data, lineStart, end)
    return end + 1
  }

  #refuseLine(reason: string, line: Buffer, points: number): void {
    this.pointsRead += points
    this.refusedPoints += points
    this.#refuse({ reason, line, points })
  }

  #countLines(data: Buffer, start: number, end: number): void {
    this.line += 1
    for (let at = data.indexOf(NEWLINE, start); at < end; at = data.indexOf(NEWLINE, at + 1)) this.line += 1
  }
}

/** Decides what of a staged field's value goes into the store. @returns why the line is malformed, if it is. */
function readValue(data: Buffer, field: StagedField, asStored: boolean): string | undefined {
  const { valueStart, valueEnd } = field
  field.refused = undefined
  field.bytes = data
  field.start = valueStart
  field.end = valueEnd
  if (data[valueStart] === QUOTE) {
    if (asStored) return undefined
    field.refused = refusedString(data.subarray(valueStart, valueEnd))
    if (field.refused !== undefined) field.end = valueStart
    return undefined
  }
  if (scan.plainNumberEnd(data, valueStart) === valueEnd) return undefined
  const value = parseFieldValue(data.subarray(valueStart, valueEnd))
  if (value.kind === 'malformed') return value.reason
  if (value.kind === 'refused' && asStored) return undefined
  field.refused = value.kind === 'refused' ? value.reason : undefined
  field.bytes = value.kind === 'value' ? Buffer.from(value.bytes) : NO_BYTES
  field.start = 0
  field.end = field.bytes.length
  return undefined
}

function skippedMissingFile(data: Buffer, start: number, end: number, line: number): Failure {
  const text = data.toString('utf8', start + SKIPPED_FILE.length, Math.min(end, start + 1000))
  return new Failure(
    'export/skipped-missing-file',
    'influx_inspect skipped a file that went missing under it',
    {
      where: `line ${line} of the export: ${text.replace(/(\.(?:tsm|wal)).*$/s, '$1')}`,
      remedy:
        'A compaction replaced files during the export. Stop influxd, or export from a snapshot or a copy, and run again.',
    },
  )
}
