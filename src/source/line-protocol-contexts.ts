/** Which part of an exported file belongs to which database: the `# CONTEXT-...` comment lines. */

export interface Context {
  database: string
  retentionPolicy: string
}

const NEWLINE = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const SPACE = 0x20
const EQUALS = 0x3d
const BACKSLASH = 0x5c
const HASH = 0x23

const DATABASE = '# CONTEXT-DATABASE:'
const RETENTION_POLICY = '# CONTEXT-RETENTION-POLICY:'

/**
 * Splits a stream of line protocol at its context lines, whole lines each. Line ends inside of strings are none: the
 * rules are those of `scanLine` in influxd's models/points.go (a quote counts only where a field's value begins).
 */
export class ContextScanner {
  /** Before the first context line both are empty. A new database begins without a retention policy. */
  context: Context = { database: '', retentionPolicy: '' }
  /** A line that is neither blank, comment nor DDL came since the context began. */
  hasData = false
  #rest: Buffer = Buffer.alloc(0);

  /** The pieces of what is known to be whole lines; the rest waits for the next chunk. */
  *push(chunk: Uint8Array): Generator<{ context: Context; lines: Uint8Array; hasData: boolean }> {
    yield* this.#split(this.#rest.length === 0 ? bufferOf(chunk) : Buffer.concat([this.#rest, chunk]), false)
  }

  /** What is left, as a last line that has no line end. */
  *finish(): Generator<{ context: Context; lines: Uint8Array; hasData: boolean }> {
    if (this.#rest.length > 0) yield* this.#split(Buffer.concat([this.#rest, Buffer.from('\n')]), true)
  }

  /** Bytes that wait for the end of their line; after finish, those of a string that nothing ends. */
  get pending(): number {
    return this.#rest.length
  }

  *#split(buffer: Buffer, last: boolean) {
    let from = 0
    let start = 0
    let nextQuote = -2
    while (start < buffer.length) {
      if (nextQuote !== -1 && nextQuote < start) nextQuote = buffer.indexOf(QUOTE, start)
      let end = buffer.indexOf(NEWLINE, start)
      if (end === -1) break
      const isComment = buffer[start] === HASH
      const isPlain = (nextQuote === -1 || nextQuote > end) && buffer[end - 1] !== BACKSLASH
      if (!isComment && !isPlain) end = endOfLine(buffer, start)
      if (end === -1) break
      if (isComment) {
        const changed = contextAfter(this.context, buffer, start, end)
        if (changed !== undefined) {
          if (start > from) yield this.#piece(buffer.subarray(from, start))
          from = end + 1
          this.context = changed
          this.hasData = false
        }
      } else if (!this.hasData) {
        const line = buffer.toString('latin1', start, Math.min(end, start + 32)).trimEnd()
        this.hasData = line !== '' && !/^CREATE (DATABASE|RETENTION POLICY) /.test(line)
      }
      start = end + 1
    }
    if (start > from) yield this.#piece(buffer.subarray(from, start))
    this.#rest = buffer.subarray(start)
    if (!last) this.#rest = Buffer.from(this.#rest)
  }

  #piece(lines: Uint8Array) {
    return { context: this.context, lines, hasData: this.hasData }
  }
}

/** The line end that ends the line from `start` on, `-1` when it is not in the buffer. */
function endOfLine(buffer: Buffer, start: number): number {
  let quoted = false
  let inFields = false
  let equals = 0
  let commas = 0
  for (let at = start; at < buffer.length; at += 1) {
    const byte = buffer[at]
    if (byte === BACKSLASH) {
      at += 1
      continue
    }
    if (byte === SPACE) inFields = true
    if (inFields) {
      if (!quoted && byte === EQUALS) equals += 1
      else if (!quoted && byte === COMMA) commas += 1
      else if (byte === QUOTE && equals > commas) quoted = !quoted
    }
    if (byte === NEWLINE && !quoted) return at
  }
  return -1
}

function contextAfter(context: Context, buffer: Buffer, start: number, end: number): Context | undefined {
  const head = buffer.toString('latin1', start, Math.min(end, start + RETENTION_POLICY.length))
  const nameAfter = (prefix: string) => buffer.toString('utf8', start + prefix.length, end).trim()
  if (head.startsWith(DATABASE)) return { database: nameAfter(DATABASE), retentionPolicy: '' }
  if (head.startsWith(RETENTION_POLICY)) return { ...context, retentionPolicy: nameAfter(RETENTION_POLICY) }
  return undefined
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
