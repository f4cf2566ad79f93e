/** Sending the batches of a spool until each is acknowledged. */
import { isUtf8 } from 'node:buffer'
import { Failure } from '../core/failure.ts'
import type { DeadLetter, DeadLetterSink } from '../lines/dead-letter.ts'
import type { BatchEntry, Spool } from '../lines/spool.ts'
import type { BatchOutcome } from '../state/state.ts'
import type { LogicalLine } from './logical-lines.ts'
import { repairBatch, unpack, type RefusedLine } from './repair-batch.ts'
import { send, type SendOptions } from './send.ts'

export interface WriteBatchesOptions extends SendOptions {
  spool: Spool
  /** Numbers of the batches not yet acknowledged; taken one by one, when a lane is free. */
  pending: Iterable<number>
  signal: AbortSignal
  deadLetters: DeadLetterSink
  /** Called exactly once a batch, when it is stored and its dead letters are on disk. */
  onAcknowledged: (batch: number, outcome: BatchOutcome) => void | Promise<void>
}

/**
 * Resolves when every pending batch is acknowledged; batches are stored in any order. On a failure nothing is under
 * way any more when it is thrown, and batches not acknowledged can be sent again as they are.
 *
 * @throws Failure `write/...` (see `send.ts`), `spool/...`; the signal's reason
 */
export async function writeBatches(options: WriteBatchesOptions): Promise<void> {
  await options.lanes.each(
    options.pending,
    (batch, signal) => writeBatch(batch, options, signal),
    options.signal,
  )
}

async function writeBatch(batch: number, options: WriteBatchesOptions, signal: AbortSignal): Promise<void> {
  const { spool, deadLetters, slice } = options
  const entry = spool.index.batches[batch]
  if (entry === undefined) throw new Error(`${slice} has no batch ${batch}`)
  const member = await spool.read(batch)
  const refusal = await send(member, options, signal)
  const refused: RefusedLine[] = []
  if (refusal !== undefined) {
    const lines = await unpack(member)
    expectSums(lines, entry, `${slice}, batch ${batch}`)
    refused.push(...(await repairBatch(lines, refusal, options, signal)))
    // Kept back until the batch is settled: a batch that is sent again by a later run leaves no letters twice.
    for (const line of refused) deadLetters.add(letterOf(line, slice, batch))
    if (refused.length > 0) await deadLetters.flush()
  }
  const refusedPoints = refused.reduce((sum, { line }) => sum + line.points, 0)
  await options.onAcknowledged(batch, {
    lines: entry.lines - refused.length,
    points: entry.points - refusedPoints,
    refusedLines: refused.length,
    refusedPoints,
    bytes: entry.bytes,
  })
}

/** Line numbers in an answer only mean something when lines are counted alike. */
function expectSums(lines: LogicalLine[], entry: BatchEntry, where: string): void {
  const points = lines.reduce((sum, line) => sum + line.points, 0)
  if (lines.length === entry.lines && points === entry.points) return
  throw new Failure(
    'spool/inconsistent',
    `the batch holds ${lines.length} lines with ${points} points, its index says ${entry.lines} and ${entry.points}`,
    { where, remedy: 'This is a defect of influx-ferry: please report it with the batch.' },
  )
}

function letterOf({ line, reason }: RefusedLine, slice: string, batch: number): DeadLetter {
  const text = Buffer.from(line.bytes)
  const valid = isUtf8(text)
  return {
    slice,
    batch,
    by: 'cluster',
    reason,
    line: text.toString(valid ? 'utf8' : 'base64'),
    ...(!valid && { encoding: 'base64' as const }),
    points: line.points,
  }
}
