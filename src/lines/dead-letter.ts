import { isUtf8 } from 'node:buffer'

/** What the target or the target's format would not take, kept with its reason: `dead-letter/<mapping>.ndjson`. */
export interface DeadLetter {
  /** Slice id. */
  slice: string
  /** Batch of the slice's spool (`by: cluster`): the letters of a batch that was never acknowledged are void. */
  batch?: number
  /** Who refused: us, before sending, or the cluster. */
  by: 'influx-ferry' | 'cluster'
  reason: string
  /** What is damaged and was skipped: file, series, field, block, times, as far as they are known. There is no line then. */
  where?: string
  /** The line as it was read (`by: influx-ferry`, 1.x escaping) or as it was sent (`by: cluster`). UTF-8, or base64 of it when it is not valid UTF-8. */
  line: string
  encoding?: 'base64'
  /** Hash over the transforms of the mapping under which it was made; none: without any. */
  transforms?: string
  /** Points in the line; of what is damaged 0, as nobody can count them. */
  points: number
}

/** Appends; a letter counts only once `flush` has returned. */
export interface DeadLetterSink {
  add(letter: DeadLetter): void
  flush(): Promise<void>
}

/** The letter of a line of 1.x line protocol that influx-ferry does not send. */
export function refusedLine(slice: string, reason: string, line: Uint8Array, points: number): DeadLetter {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length)
  const text: Pick<DeadLetter, 'line' | 'encoding'> = isUtf8(bytes)
    ? { line: bytes.toString('utf8') }
    : { line: bytes.toString('base64'), encoding: 'base64' }
  return { slice, by: 'influx-ferry', reason, points, ...text }
}
