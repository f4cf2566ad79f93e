/** Sending batches, of a spool or as they are made, until each is acknowledged. */
import { isUtf8 } from 'node:buffer'
import { Failure } from '../core/failure.ts'
import type { DeadLetter, DeadLetterSink } from '../lines/dead-letter.ts'
import type { BatchEntry, Spool } from '../lines/spool.ts'
import type { BatchOutcome } from '../state/state.ts'
import type { LogicalLine } from './logical-lines.ts'
import { repairBatch, unpack, type RefusedLine } from './repair-batch.ts'
import { send, type SendOptions } from './send.ts'

export interface WriteOptions extends SendOptions {
  signal: AbortSignal
  deadLetters: DeadLetterSink
  /** Called exactly once a batch, when it is stored and its dead letters are on disk. */
  onAcknowledged: (batch: number, outcome: BatchOutcome, member: Uint8Array) => void | Promise<void>
}

export interface WriteBatchesOptions extends WriteOptions {
  spool: Spool
  /** Numbers of the batches not yet acknowledged; taken one by one, when a lane is free. */
  pending: Iterable<number>
}

/**
 * Resolves when every pending batch is acknowledged; batches are stored in any order. On a failure nothing is under
 * way any more when it is thrown, and batches not acknowledged can be sent again as they are.
 *
 * @throws Failure `write/...` (see `send.ts`), `spool/...`; the signal's reason
 */
export async function writeBatches(options: WriteBatchesOptions): Promise<void> {
  const { spool, slice } = options
  await options.lanes.each(
    options.pending,
    async (batch, signal) => {
      const entry = spool.index.batches[batch]
      if (entry === undefined) throw new Error(`${slice} has no batch ${batch}`)
      await writeBatch(batch, entry, await spool.read(batch), options, signal)
    },
    options.signal,
  )
}

/** Batches of one slice that are written as they are made. */
export interface BatchesUnderWay {
  /** Aborted when one of them failed: no more need be made. */
  readonly signal: AbortSignal
  /** Resolves when a lane has taken the batch; until then there is no room for another. @throws as {@link writeBatches} */
  write(batch: number, sums: BatchSums, member: Uint8Array): Promise<void>
  /** Must be called in the end: resolves when every batch is acknowledged. @throws as {@link writeBatches} */
  settled(): Promise<void>
}

/** Like {@link writeBatches}, for batches that come by and by. */
export function writeAsMade(options: WriteOptions): BatchesUnderWay {
  const group = options.lanes.group(options.signal)
  return {
    signal: group.signal,
    write: (batch, sums, member) => group.start((signal) => writeBatch(batch, sums, member, options, signal)),
    settled: () => group.settled(),
  }
}

type BatchSums = Pick<BatchEntry, 'lines' | 'points'>

async function writeBatch(
  batch: number,
  sums: BatchSums,
  member: Uint8Array,
  options: WriteOptions,
  signal: AbortSignal,
): Promise<void> {
  const { deadLetters, slice } = options
  const refusal = await send(member, options, signal)
  const refused: RefusedLine[] = []
  if (refusal !== undefined) {
    const lines = await unpack(member)
    expectSums(lines, sums, `${slice}, batch ${batch}`)
    refused.push(...(await repairBatch(lines, refusal, options, signal)))
    // Kept back until the batch is settled: a batch that is sent again by a later run leaves no letters twice.
    for (const line of refused) deadLetters.add(letterOf(line, slice, batch))
    if (refused.length > 0) await deadLetters.flush()
  }
  const refusedPoints = refused.reduce((sum, { line }) => sum + line.points, 0)
  const outcome = {
    lines: sums.lines - refused.length,
    points: sums.points - refusedPoints,
    refusedLines: refused.length,
    refusedPoints,
    bytes: member.length,
  }
  await options.onAcknowledged(batch, outcome, member)
}

/** Line numbers in an answer only mean something when lines are counted alike. */
function expectSums(lines: LogicalLine[], entry: BatchSums, where: string): void {
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
