/**
 * Line protocol as InfluxDB 3 reads it, byte by byte, kept apart from src/lines so that it checks what that writes.
 * Where a rule looks odd (the second field's trailing content, a comma inside a tag key) it is the documented parser's.
 */
import { parseInteger, type Halves } from './int64.ts'

export const FieldType = { float: 0, integer: 1, unsigned: 2, string: 3, boolean: 4 } as const
export type FieldType = (typeof FieldType)[keyof typeof FieldType]

const TAB = 9
const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const PLUS = 43
const COMMA = 44
const MINUS = 45
const POINT = 46
const EQUALS = 61
const BACKSLASH = 92
const TRUE = ['true', 'True', 'TRUE']
const FALSE = ['false', 'False', 'FALSE']
const POWERS = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))

export interface ParsedSeries {
  measurement: string
  /** In the order written; keys may repeat. */
  tags: [key: string, value: string][]
}

/** Why a line is refused. The message is the one after `error parsing line N (1-based): `. */
export class LineError extends Error {}

/**
 * Parses one logical line at a time. {@link series} reads measurement and tag set, {@link fields} the rest of the line
 * into the reused arrays below; both throw LineError.
 */
export class LineParser {
  count = 0
  /** Raw bytes of field i's key are `[keyStart[i], keyEnd[i])` of the body. */
  readonly keyStart: number[] = []
  readonly keyEnd: number[] = []
  readonly types: FieldType[] = []
  /** Floats, and booleans as 0 or 1. */
  readonly numbers: number[] = []
  /** Integers, as the halves of {@link Halves}. */
  readonly lows: number[] = []
  readonly highs: number[] = []
  readonly strings: string[] = []
  hasTime = false
  readonly time: Halves = { low: 0, high: 0 }
  private at = 0
  private readonly integer: Halves = { low: 0, high: 0 }
  private readonly bytes: Buffer
  private readonly stringLimit: number

  constructor(bytes: Buffer, stringLimit: number) {
    this.bytes = bytes
    this.stringLimit = stringLimit
  }

  /** Where the series key ends: the first blank that no backslash precedes. */
  seriesEnd(start: number, end: number): number {
    const { bytes } = this
    let at = start
    for (; at < end; at += 1) {
      const byte = bytes[at] as number
      if (byte === BACKSLASH) at += 1
      else if (byte <= SPACE && isBlank(byte)) return at
    }
    return end
  }

  series(start: number, end: number): ParsedSeries {
    this.at = start
    const measurement = this.name(end, COMMA, true)
    if (measurement === undefined) throw new LineError('Invalid measurement was provided')
    const tags: [string, string][] = []
    const tagSet = this.at + 1
    while (this.at < end && this.bytes[this.at] === COMMA) {
      this.at += 1
      const keyAt = this.at
      const key = this.name(end, EQUALS, false)
      if (key === undefined) throw new LineError(`Expected tag key, got ${this.context(keyAt, end)}`)
      if (this.at >= end || this.bytes[this.at] !== EQUALS)
        throw new LineError(
          `Tag set malformed: could not find equals sign in ${this.context(tagSet, end, true)}`,
        )
      this.at += 1
      const valueAt = this.at
      const value = this.name(end, COMMA, false)
      if (value === undefined) throw new LineError(`Expected tag value, got ${this.context(valueAt, end)}`)
      tags.push([key, value])
    }
    if (this.at >= end || this.bytes[this.at] !== SPACE) {
      const rest = this.at >= end ? 'end of input' : `\`${this.bytes.toString('utf8', this.at, end)}\``
      throw new LineError(`Expected at least one space character, got ${rest}`)
    }
    return { measurement, tags }
  }

  /** Reads field set and timestamp; `start` is the blank after the series key. */
  fields(start: number, end: number): void {
    const { bytes } = this
    this.count = 0
    this.at = start
    while (this.at < end && bytes[this.at] === SPACE) this.at += 1
    if (!this.field(end)) throw new LineError('No fields were provided')
    while (this.at < end && bytes[this.at] === COMMA) {
      const comma = this.at
      this.at += 1
      if (!this.field(end)) {
        this.at = this.count === 1 ? comma + 1 : comma
        break
      }
    }
    this.timestamp(end)
    if (this.at < end)
      throw new LineError(
        `Could not parse entire line. Found trailing content: ${this.context(this.at, end, true)}`,
      )
  }

  /** The key of field `index`, unescaped. */
  fieldKey(index: number): string {
    return this.unescape(this.keyStart[index] as number, this.keyEnd[index] as number, true)
  }

  private timestamp(end: number): void {
    const { bytes } = this
    this.hasTime = false
    let at = this.at
    while (at < end && bytes[at] === SPACE) at += 1
    if (at === this.at) return
    const from = at
    const negative = at < end && bytes[at] === MINUS
    if (negative) at += 1
    const digits = at
    while (at < end && isDigit(bytes[at] as number)) at += 1
    if (at === digits) return
    if (!parseInteger(bytes, digits, at, negative, false, this.time))
      throw new LineError(`Unable to parse timestamp value \`${bytes.toString('latin1', from, at)}\``)
    this.hasTime = true
    while (at < end && bytes[at] === SPACE) at += 1
    this.at = at
  }

  /** One `key=value`; `false` where there is none, with the position anywhere. */
  private field(end: number): boolean {
    const { bytes } = this
    const from = this.at
    let at = from
    let escaped = false
    for (; at < end; at += 1) {
      const byte = bytes[at] as number
      if (byte === BACKSLASH) {
        escaped = true
        at += 1
      } else if (byte === EQUALS || (byte <= SPACE && isBlank(byte))) break
    }
    if (at > end) at = end
    if (at === from) return false
    if (escaped || at - from > this.stringLimit) this.checked(this.unescape(from, at, true))
    if (at >= end || bytes[at] !== EQUALS) return false
    this.keyStart[this.count] = from
    this.keyEnd[this.count] = at
    this.at = at + 1
    if (!this.value(end)) return false
    this.count += 1
    return true
  }

  private value(end: number): boolean {
    const byte = this.at < end ? (this.bytes[this.at] as number) : 0
    if (isDigit(byte) || byte === MINUS) return this.number(end)
    if (byte === QUOTE) return this.string(end)
    return this.boolean(end)
  }

  private number(end: number): boolean {
    const { bytes, count } = this
    const from = this.at
    const negative = bytes[from] === MINUS
    const digits = negative ? from + 1 : from
    let at = digits
    let mantissa = 0
    while (at < end && isDigit(bytes[at] as number)) {
      mantissa = mantissa * 10 + (bytes[at] as number) - 48
      at += 1
    }
    if (at === digits) return false
    if (at < end && bytes[at] === 105 /* i */) return this.wholeNumber(digits, at, negative, false)
    if (at < end && bytes[at] === 117 /* u */ && !negative) return this.wholeNumber(digits, at, false, true)
    let length = at - digits
    let decimals = 0
    if (at + 1 < end && bytes[at] === POINT && isDigit(bytes[at + 1] as number)) {
      const point = at
      at += 1
      while (at < end && isDigit(bytes[at] as number)) {
        mantissa = mantissa * 10 + (bytes[at] as number) - 48
        at += 1
      }
      decimals = at - point - 1
      length += decimals
    }
    const exponent = this.exponentEnd(at, end)
    this.types[count] = FieldType.float
    // Up to 15 digits and a power of ten up to 22 are exact doubles, and their quotient is rounded once.
    this.numbers[count] =
      exponent === at && length <= 15
        ? (negative ? -mantissa : mantissa) / (POWERS[decimals] as number)
        : Number(bytes.toString('latin1', from, exponent))
    this.at = exponent
    return true
  }

  private exponentEnd(at: number, end: number): number {
    const { bytes } = this
    if (at >= end || (bytes[at] !== 101 && bytes[at] !== 69)) return at
    let next = at + 1
    if (next < end && (bytes[next] === PLUS || bytes[next] === MINUS)) next += 1
    const digits = next
    while (next < end && isDigit(bytes[next] as number)) next += 1
    return next === digits ? at : next
  }

  private wholeNumber(digits: number, to: number, negative: boolean, unsigned: boolean): true {
    const { count, integer } = this
    if (!parseInteger(this.bytes, digits, to, negative, unsigned, integer)) {
      const text = this.bytes.toString('latin1', negative ? digits - 1 : digits, to)
      throw new LineError(`Unable to parse ${unsigned ? 'unsigned ' : ''}integer value \`${text}\``)
    }
    this.types[count] = unsigned ? FieldType.unsigned : FieldType.integer
    this.lows[count] = integer.low
    this.highs[count] = integer.high
    this.at = to + 1
    return true
  }

  private string(end: number): boolean {
    const { bytes } = this
    const from = this.at + 1
    let at = from
    let escaped = false
    let ascii = 0
    for (; at < end; at += 1) {
      const byte = bytes[at] as number
      if (byte === QUOTE) break
      ascii |= byte
      if (byte === BACKSLASH) {
        escaped = true
        if (at + 1 < end && (bytes[at + 1] === QUOTE || bytes[at + 1] === BACKSLASH)) at += 1
      }
    }
    if (at >= end) return false
    let text = ascii < 128 ? bytes.toString('latin1', from, at) : bytes.toString('utf8', from, at)
    if (escaped) text = text.replace(/\\(["\\])/g, '$1')
    if (at - from > this.stringLimit) this.checkLength(text)
    this.types[this.count] = FieldType.string
    this.strings[this.count] = text
    this.at = at + 1
    return true
  }

  private boolean(end: number): boolean {
    const first = this.at < end ? (this.bytes[this.at] as number) : 0
    const truth = first === 116 || first === 84 // t, T
    if (!truth && first !== 102 && first !== 70) return false // f, F
    const words = truth ? TRUE : FALSE
    this.types[this.count] = FieldType.boolean
    this.numbers[this.count] = truth ? 1 : 0
    this.at += words.some((word) => this.isWord(word, end)) ? (truth ? 4 : 5) : 1
    return true
  }

  private isWord(word: string, end: number): boolean {
    if (this.at + word.length > end) return false
    for (let i = 1; i < word.length; i += 1) if (this.bytes[this.at + i] !== word.charCodeAt(i)) return false
    return this.bytes[this.at] === word.charCodeAt(0)
  }

  /** A measurement, tag key or tag value up to `stop` or a blank; `undefined` when it is empty. */
  private name(end: number, stop: number, measurement: boolean): string | undefined {
    const { bytes } = this
    const from = this.at
    let at = from
    for (; at < end; at += 1) {
      const byte = bytes[at] as number
      if (byte === BACKSLASH) at += 1
      else if (byte === stop || isBlank(byte) || (measurement && byte === 0)) break
    }
    this.at = Math.min(at, end)
    return this.at === from ? undefined : this.checked(this.unescape(from, this.at, !measurement))
  }

  /** A backslash escapes itself, comma, space and (but in measurements) `=`; before anything else it stays. */
  private unescape(from: number, to: number, equals: boolean): string {
    const text = this.bytes.toString('utf8', from, to)
    if (!text.includes('\\')) return text
    return text.replace(
      equals ? /\\([\\,= ])|\\([^])/gu : /\\([\\, ])|\\([^])/gu,
      (both: string, special?: string) => (special === undefined ? both : special),
    )
  }

  private checked(text: string): string {
    if (text.endsWith('\\'))
      throw new LineError('Measurements, tag keys and values, and field keys may not end with a backslash')
    if (text.length * 3 > this.stringLimit) this.checkLength(text)
    return text
  }

  private checkLength(text: string): void {
    if (Buffer.byteLength(text) > this.stringLimit)
      throw new LineError(`String is greater than ${this.stringLimit > 65536 ? '1MB' : '64KB'}`)
  }

  /** What is there, cut to ten characters, in backquotes. */
  private context(from: number, end: number, always = false): string {
    if (from >= end && !always) return 'end of input'
    const text = this.bytes.toString('utf8', from, end)
    return end - from > 10 ? `\`${[...text.slice(0, 40)].slice(0, 10).join('')}...\`` : `\`${text}\``
  }
}

const isDigit = (byte: number) => byte >= 48 && byte <= 57
const isBlank = (byte: number) => byte === SPACE || byte === TAB || byte === NEWLINE
