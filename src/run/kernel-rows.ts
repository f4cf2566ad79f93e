/**
 * Rows that the kernel wrote for who transforms them: {@link ROW_PREFIX} and a space, the number of each field, `=` and its value,
 * a space and the time. Numbers instead of names, so that no name can be taken for another one's beginning.
 */
import type { RowCursor, Series } from '../lines/rows.ts'

/** What such rows begin with in place of a series key. */
export const ROW_PREFIX = Buffer.from('r')

const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const COMMA = 44
const MINUS = 45
const EQUALS = 61
const BACKSLASH = 92

export class KernelRows implements RowCursor {
  readonly series: Series
  seconds = 0
  nanos = 0
  count = 0
  readonly field: number[] = []
  readonly bytes: Buffer[] = []
  readonly start: number[] = []
  readonly end: number[] = []
  readonly #data: Buffer
  #at = 0

  /** Whole rows of one series. */
  constructor(series: Series, data: Buffer) {
    this.series = series
    this.#data = data
  }

  next(): boolean {
    const data = this.#data
    if (this.#at === data.length) return false
    let at = this.#at + ROW_PREFIX.length
    let count = 0
    do {
      let field = 0
      for (at += 1; data[at] !== EQUALS; at++) field = field * 10 + (data[at] as number) - 48
      const start = (at += 1)
      if (data[at] === QUOTE) {
        for (at += 1; data[at] !== QUOTE; at++) if (data[at] === BACKSLASH) at += 1
        at += 1
      } else while (data[at] !== COMMA && data[at] !== SPACE) at += 1
      this.field[count] = field
      this.bytes[count] = data
      this.start[count] = start
      this.end[count] = at
      count += 1
    } while (data[at] !== SPACE)
    this.count = count
    this.#readTime(at + 1)
    return true
  }

  #readTime(start: number): void {
    const data = this.#data
    const end = data.indexOf(NEWLINE, start)
    const negative = data[start] === MINUS
    const digits = negative ? start + 1 : start
    const point = end - 9
    let seconds = 0
    let nanos = 0
    for (let at = digits; at < end; at++) {
      const digit = (data[at] as number) - 48
      if (at < point) seconds = seconds * 10 + digit
      else nanos = nanos * 10 + digit
    }
    this.seconds = negative ? -seconds : seconds
    this.nanos = negative ? -nanos : nanos
    this.#at = end + 1
  }
}
