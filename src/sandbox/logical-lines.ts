const NEWLINE = 10
const TAB = 9
const SPACE = 32
const QUOTE = 34
const HASH = 35
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92

/**
 * Cuts a body into logical lines as the cluster does: a newline in a quoted string value or after a backslash does not
 * end a line, so one unterminated quote swallows the rest. Blank and comment lines are not counted, and leading blanks
 * are dropped.
 */
export class LogicalLines {
  /** The current line, `[start, end)`. */
  start = 0
  end = 0
  /** 1-based, as error messages number lines. */
  number = 0
  private next = 0
  private quote = -1
  private backslash = -1
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Moves on to the next line that is neither blank nor a comment; `false` at the end of the body. */
  advance(): boolean {
    while (this.next < this.bytes.length) {
      const from = this.next
      const end = this.endOf(from)
      this.next = end + 1
      this.start = this.skipLeading(from, end)
      this.end = end
      if (this.start < end) {
        this.number += 1
        return true
      }
    }
    return false
  }

  private endOf(from: number): number {
    const { bytes } = this
    const newline = bytes.indexOf(NEWLINE, from)
    const end = newline < 0 ? bytes.length : newline
    if (this.quote < from) this.quote = orEnd(bytes.indexOf(QUOTE, from))
    if (this.backslash < from) this.backslash = orEnd(bytes.indexOf(BACKSLASH, from))
    return this.quote > end && this.backslash > end ? end : this.scan(from)
  }

  /** The rule itself: a quote opens a string only after a space and where a value may stand (more `=` than commas). */
  private scan(from: number): number {
    const { bytes } = this
    let quoted = false
    let fields = false
    let depth = 0
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (byte === BACKSLASH) at += 1
      else if (byte === SPACE) fields = true
      else if (byte === NEWLINE) {
        if (!quoted) return at
      } else if (fields) {
        if (byte === QUOTE && depth > 0) quoted = !quoted
        else if (byte === EQUALS && !quoted) depth += 1
        else if (byte === COMMA && !quoted) depth -= 1
      }
    }
    return bytes.length
  }

  private skipLeading(from: number, end: number): number {
    const { bytes } = this
    let at = from
    for (;;) {
      while (at < end && (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === NEWLINE)) at += 1
      if (at >= end || bytes[at] !== HASH) return at
      const newline = bytes.indexOf(NEWLINE, at)
      at = newline < 0 || newline > end ? end : newline
    }
  }
}

const orEnd = (index: number) => (index < 0 ? Number.MAX_SAFE_INTEGER : index)
