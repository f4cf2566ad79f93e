import { Failure } from '../core/failure.ts'
import { formatBytes } from '../core/units.ts'
import type { LineParser } from './line-parser.ts'

/**
 * The longest line that is read: a row of 1000 columns (the most a table may have) with 64 KiB strings. What is
 * longer is a quote that never ends, and would otherwise be read into memory to the end of the stream.
 */
export const MAX_LINE_BYTES = 2 ** 26

const PIECE_BYTES = 1 << 18

export interface ReadOptions {
  /** Empties the parser's store. */
  onFull: () => Promise<void>
  onProgress: (bytesRead: number) => void
  signal: AbortSignal
}

/**
 * Hands a stream to the parser, whole lines at a time. The bytes of a chunk are copied, so it may be reused; the
 * next is asked for when this one is read.
 *
 * @throws Failure `export/line-too-long`
 */
export async function readLines(
  chunks: AsyncIterable<Uint8Array>,
  parser: LineParser,
  { onFull, onProgress, signal }: ReadOptions,
): Promise<void> {
  let data = Buffer.allocUnsafeSlow(2 * PIECE_BYTES)
  let filled = 0
  let bytesRead = 0
  /** Not to look at the start of a long line again and again, as many bytes as there are must come first. */
  let wanted = 0

  const parse = async (last: boolean): Promise<void> => {
    let at = 0
    for (;;) {
      at = parser.parse(data, at, filled, last)
      if (!parser.full) break
      await onFull()
      parser.forget()
    }
    data.copyWithin(0, at, filled)
    filled -= at
    wanted = at === 0 ? filled * 2 : 0
  }

  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      signal.throwIfAborted()
      const piece = chunk.subarray(start, start + PIECE_BYTES)
      if (filled + piece.length + 2 > data.length) {
        const larger = Buffer.allocUnsafeSlow(2 * (filled + piece.length))
        data.copy(larger, 0, 0, filled)
        data = larger
      }
      data.set(piece, filled)
      filled += piece.length
      bytesRead += piece.length
      if (filled >= wanted) await parse(false)
      if (filled > MAX_LINE_BYTES) throw tooLong(parser.line, data)
      onProgress(bytesRead)
    }
  }
  signal.throwIfAborted()
  await parse(true)
}

function tooLong(line: number, data: Buffer): Failure {
  return new Failure('export/line-too-long', `a line is longer than ${formatBytes(MAX_LINE_BYTES)}`, {
    where: `line ${line}: ${data.toString('utf8', 0, 80)}...`,
    remedy: 'A quote in it is never closed. Correct the line in the file, or remove it, and run again.',
  })
}
