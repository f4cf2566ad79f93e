/**
 * A batch taken apart into lines as the cluster counts them: a newline inside a quoted string does not end a line.
 * Quotes only count in a field's value, as in the parsers of 1.x and of the cluster.
 */
export interface LogicalLine {
  /** Without the newline. */
  bytes: Uint8Array
  /** Fields, each of them one point. */
  points: number
}

const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const EQUALS = 0x3d
const SPACE = 0x20

/** Expects what we send: no blank lines, no comments. A last line without a newline counts. */
export function splitLines(text: Uint8Array): LogicalLine[] {
  const lines: LogicalLine[] = []
  let start = 0
  let inFields = false
  let inString = false
  let equals = 0
  let commas = 0
  const end = (at: number) => {
    if (at > start) lines.push({ bytes: text.subarray(start, at), points: commas + 1 })
    start = at + 1
    inFields = inString = false
    equals = commas = 0
  }
  for (let i = 0; i < text.length; i += 1) {
    switch (text[i]) {
      case BACKSLASH:
        i += 1
        break
      case SPACE:
        inFields = true
        break
      case EQUALS:
        if (inFields && !inString) equals += 1
        break
      case COMMA:
        if (inFields && !inString) commas += 1
        break
      case QUOTE:
        if (inFields && equals > commas) inString = !inString
        break
      case NEWLINE:
        if (!inString) end(i)
        break
      default:
    }
  }
  end(text.length)
  return lines
}

/** The lines as a body, each ended by a newline. */
export function joinLines(lines: readonly LogicalLine[]): Uint8Array {
  const bytes = lines.reduce((sum, line) => sum + line.bytes.length + 1, 0)
  const text = new Uint8Array(bytes)
  let at = 0
  for (const line of lines) {
    text.set(line.bytes, at)
    at += line.bytes.length
    text[at] = NEWLINE
    at += 1
  }
  return text
}

/** The time at the end of a line, nanoseconds; `undefined` when it has none. */
export function timeOf({ bytes }: LogicalLine): bigint | undefined {
  const tail = Buffer.from(bytes.subarray(-21)).toString('latin1')
  const digits = / (-?\d+)$/.exec(tail)?.[1]
  return digits === undefined ? undefined : BigInt(digits)
}
