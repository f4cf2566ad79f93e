/** The write phase: every batch of every slice that is spooled, or is sent as it is read, until each is acknowledged. */
import { rm } from 'node:fs/promises'
import { Failure } from '../core/failure.ts'
import { countOf, formatBytes } from '../core/units.ts'
import { Lanes } from '../cluster/lanes.ts'
import { writeBatches } from '../cluster/write-batches.ts'
import { openDeadLetters } from '../lines/dead-letter-file.ts'
import { openSpool } from '../lines/spool-file.ts'
import type { Slice } from '../plan/plan.ts'
import { pendingBatches } from '../state/state.ts'
import type { ExportedSlice } from '../state/state.generated.ts'
import { slicesToSend, slicesToWrite, stateOf, type RunContext } from './context.ts'
import { dropSpool } from './damaged-spool.ts'
import { sendSlices, type Sent } from './direct.ts'
import { DeadLetterFiles } from './letters-close.ts'
import { RejectionLimits } from './max-rejected.ts'
import { sliceLetters } from './letter-sink.ts'
import { expectSumsClose } from './sums.ts'
import type { ClientFor } from './token.ts'
import { deadLetterPath, spoolPath } from './work-folder.ts'
import { WriteProgress } from './write-progress.ts'

/** @returns what was written, in words. */
export async function writePhase(context: RunContext, clientFor: ClientFor): Promise<string> {
  const limits = new RejectionLimits(context)
  await limits.expectWithin()
  const { concurrency, limit } = context.migration.target.write
  const lanes = new Lanes({
    ...{ concurrency, limit, clock: context.clock },
    onChange: ({ open, retries }) => context.observe({ type: 'lanes', open, of: concurrency, retries }),
  })
  context.observe({ type: 'lanes', open: lanes.open, of: concurrency, retries: 0 })
  const spooled = slicesToWrite(context)
  const direct = slicesToSend(context)
  const before =
    spooled.length === 0 ? NOTHING : await writeSpools(context, spooled, clientFor, lanes, limits)
  const { failed, ...sent } =
    direct.length === 0 ? NOTHING : await sendSlices(context, direct, clientFor, lanes, limits)
  const written = countOf(spooled.length + direct.length - failed, 'slice')
  const failures = failed === 0 ? '' : `, ${countOf(failed, 'slice')} failed`
  return `${written}, ${countOf(before.rows + sent.rows, 'row')}, ${formatBytes(before.bytes + sent.bytes)} sent${failures}`
}

const NOTHING: Sent = { rows: 0, bytes: 0, failed: 0 }

async function writeSpools(
  context: RunContext,
  slices: readonly Slice[],
  clientFor: ClientFor,
  lanes: Lanes,
  limits: RejectionLimits,
): Promise<WriteProgress> {
  const progress = new WriteProgress(context, slices)
  const files = new DeadLetterFiles(context)
  // Several slices at once, so that the lanes stay full where slices are small.
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const queue = slices.values()
  const worker = async () => {
    for (const slice of queue) {
      signal.throwIfAborted()
      if (limits.exceeded) return
      try {
        const to = clientFor(slice.mapping.target)
        await writeSlice({ ...context, signal }, slice, to, { lanes, limits, files, progress })
      } catch (error) {
        if (error instanceof Failure && isOfSpool(error)) dropSpool(context, slice, error)
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(lanes.concurrency, slices.length) }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error)
      throw error
    }),
  )
  const results = await Promise.allSettled(workers)
  await context.state.save()
  context.signal.throwIfAborted()
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw stop.signal.reason
  await limits.expectWithin()
  return progress
}

/** What is spooled, or was refused of it, cannot be relied on: the slice has to be exported anew. */
function isOfSpool({ code }: Failure): boolean {
  return code.startsWith('spool/') || code.startsWith('export/')
}

interface Shared {
  lanes: Lanes
  limits: RejectionLimits
  files: DeadLetterFiles
  progress: WriteProgress
}

async function writeSlice(
  context: RunContext,
  slice: Slice,
  { client, token }: ReturnType<ClientFor>,
  { lanes, limits, files, progress }: Shared,
): Promise<void> {
  const started = context.clock.now()
  const path = spoolPath(context.migration, slice)
  const { counts, sent, transforms } = exported(context, slice)
  const spool = await openSpool(path)
  try {
    const letters = await openDeadLetters(deadLetterPath(context.migration, slice.mapping))
    try {
      await writeBatches({
        database: slice.mapping.target,
        slice: slice.id,
        spool,
        pending: untilExceeded(pendingBatches(sent, counts.batches), limits),
        client,
        lanes,
        clock: context.clock,
        signal: context.signal,
        maxRetries: context.migration.target.write.maxRetries,
        tokenActivation: context.migration.target.write.tokenActivation,
        tokenCreatedAt: token.createdAt,
        deadLetters: sliceLetters(slice, letters, { transforms, limits }),
        onAcknowledged: (batch, outcome) => {
          const at = context.clock.now()
          context.state.apply({ type: 'batch-acknowledged', slice: slice.id, batch, outcome, at })
          limits.acknowledged(slice, outcome)
          progress.acknowledged(outcome)
        },
      })
    } finally {
      await letters.close()
    }
  } finally {
    await spool.close()
  }
  const { sent: settled } = exported(context, slice)
  if (limits.exceeded && !pendingBatches(settled, counts.batches).next().done) return
  expectSumsClose(slice, { counts, sent: settled })
  await files.expectClosed(slice, counts, settled)
  context.state.apply({ type: 'slice-written', slice: slice.id })
  await context.state.save()
  await removeSpool(path)
  progress.finish()
  context.observe({
    type: 'slice-written',
    slice: slice.id,
    sent: settled,
    seconds: (context.clock.now() - started) / 1000,
  })
}

/** What was written needs no spool any more: a migration of terabytes must not leave them behind. */
async function removeSpool(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(`${path}.index.json`, { force: true })
}

/** Batches, as long as not too much is refused: those under way are finished then. */
function* untilExceeded(pending: Iterable<number>, limits: RejectionLimits): Generator<number> {
  for (const batch of pending) {
    if (limits.exceeded) return
    yield batch
  }
}

function exported(context: RunContext, slice: Slice): ExportedSlice {
  const state = stateOf(context, slice)
  if (state?.status === 'exported') return state
  throw new Error(`slice ${slice.id} is not exported`)
}
