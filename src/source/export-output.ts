/** Watches influx_inspect's output as it passes: did a data line come, and does it end with one? */
export class ExportOutput {
  bytes = 0
  /** A line came that is neither a comment nor one of the DDL header. */
  hasData = false
  #lastByte = NEWLINE
  #line = ''

  see(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.bytes += chunk.length
    this.#lastByte = chunk[chunk.length - 1] ?? NEWLINE
    if (!this.hasData) this.#seeHeader(chunk)
  }

  /** Cut in the middle of a line. */
  get isCut(): boolean {
    return this.#lastByte !== NEWLINE
  }

  /** Until the first data line there are no strings, so every line end is one. */
  #seeHeader(chunk: Uint8Array): void {
    const lines = (this.#line + Buffer.from(chunk).toString('latin1')).split('\n')
    this.#line = lines.pop() ?? ''
    this.hasData = lines.some((line) => line !== '' && !HEADER.test(line))
    // The first line of a chunk may be long; only its beginning tells.
    if (this.#line.length > LONGEST_START) {
      if (!HEADER.test(this.#line)) this.hasData = true
      else this.#line = this.#line.slice(0, LONGEST_START)
    }
  }
}

const NEWLINE = 10
const HEADER = /^(# |CREATE (DATABASE|RETENTION POLICY) )/
const LONGEST_START = 64
