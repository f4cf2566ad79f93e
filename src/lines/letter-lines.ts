/** Dead letters as lines to be read once more. */
import { ALL_TIME } from '../core/time.ts'
import type { DeadLetter } from './dead-letter.ts'
import { LineParser } from './line-parser.ts'
import { PointStore } from './point-store.ts'
import { lineOf } from './read-dead-letters.ts'

const SPACE = 32
const QUOTE = 34
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92
const NEWLINE = 10

/** The letter's line in 1.x line protocol, without a newline: as it was read, or what was sent, rewritten. */
export function sourceLineOf(letter: DeadLetter): Buffer {
  const line = lineOf(letter)
  return letter.by === 'cluster' ? asSource(line) : line
}

/**
 * A line of ours in v3 line protocol as 1.x has it: a backslash in a name is one there, not two, and so what may follow it raw
 * in v3 is escaped (see names.ts). Strings are written alike.
 */
function asSource(line: Buffer): Buffer {
  const source = Buffer.allocUnsafe(2 * line.length)
  let length = 0
  let part: 'measurement' | 'tags' | 'fields' = 'measurement'
  let inString = false
  let startsValue = false
  for (let at = 0; at < line.length; at++) {
    const byte = line[at] as number
    const startsString = byte === QUOTE && startsValue
    startsValue = false
    if (byte === BACKSLASH) {
      source[length++] = byte
      const next = line[++at]
      if (next !== undefined && (inString || next !== BACKSLASH)) source[length++] = next
      continue
    }
    if (inString || startsString) inString = byte !== QUOTE || startsString
    else if (byte === COMMA && part === 'measurement') part = 'tags'
    else if (byte === SPACE) part = 'fields'
    else if (byte === QUOTE && part !== 'tags') source[length++] = BACKSLASH
    else if (byte === EQUALS && part === 'measurement') source[length++] = BACKSLASH
    else startsValue = byte === EQUALS && part === 'fields'
    source[length++] = byte
  }
  return source.subarray(0, length)
}

/** Tells whether a line is one whole line with as many points as its letter says: a damaged one would take in the next. */
export class LetterCheck {
  readonly #store = new PointStore(1 << 16)
  readonly #parser: LineParser
  #isMalformed = false

  constructor() {
    this.#parser = new LineParser(this.#store, ALL_TIME, 'none', ({ reason }) => {
      if (/^line \d+: /.test(reason)) this.#isMalformed = true
    })
  }

  isSound(line: Buffer, points: number): boolean {
    this.#store.clear()
    this.#parser.forget()
    this.#isMalformed = false
    const before = this.#parser.pointsRead
    const data = Buffer.concat([line, Buffer.from([NEWLINE, NEWLINE, NEWLINE])])
    // The newline of its own must not be needed: what is left open in the line would end there.
    const end = this.#parser.parse(data, 0, line.length, true)
    return end === line.length && !this.#isMalformed && this.#parser.pointsRead - before === points
  }
}
