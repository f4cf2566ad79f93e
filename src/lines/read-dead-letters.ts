import { createReadStream } from 'node:fs'
import { systemCodeOf } from '../core/failure.ts'
import type { DeadLetter } from './dead-letter.ts'

/** A line of a dead letter file. */
export interface FiledLetter {
  /** Without the newline. */
  text: Buffer
  /** `undefined`: the line is no letter, torn by a crash or edited. */
  letter: DeadLetter | undefined
  /** Where the next line starts, in bytes; `undefined` for a last line without a newline. */
  next: number | undefined
}

const NEWLINE = 10

/**
 * The letters of a file in their order, one in memory at a time; none of a missing file. Lines end with a newline alone:
 * `node:readline` would also cut them at U+2028, which JSON leaves as it is.
 */
export async function* readDeadLetters(path: string, start = 0, end = Infinity): AsyncGenerator<FiledLetter> {
  const pieces: Buffer[] = []
  let at = start
  try {
    for await (const chunk of createReadStream(path, { start, end }) as AsyncIterable<Buffer>) {
      let from = 0
      for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
        const text = Buffer.concat([...pieces.splice(0), chunk.subarray(from, to)])
        at += text.length + 1
        yield { text, letter: parse(text), next: at }
        from = to + 1
      }
      pieces.push(chunk.subarray(from))
    }
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
  const text = Buffer.concat(pieces)
  if (text.length > 0) yield { text, letter: parse(text), next: undefined }
}

/** The bytes of a letter's line. */
export function lineOf({ line, encoding }: DeadLetter): Buffer {
  return Buffer.from(line, encoding ?? 'utf8')
}

function parse(text: Buffer): DeadLetter | undefined {
  try {
    const letter = JSON.parse(text.toString('utf8')) as DeadLetter
    const { slice, line, points } = letter
    return typeof slice === 'string' && typeof line === 'string' && Number.isSafeInteger(points)
      ? letter
      : undefined
  } catch {
    return undefined
  }
}
