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
import { expectSumsClose } from './sums.ts'
import type { ClientFor } from './token.ts'
import { deadLetterPath, spoolPath } from './work-folder.ts'
import { WriteProgress } from './write-progress.ts'

/** @returns what was written, in words. */
export async function writePhase(context: RunContext, clientFor: ClientFor): Promise<string> {
  const { concurrency, limit } = context.migration.target.write
  const lanes = new Lanes({
    ...{ concurrency, limit, clock: context.clock },
    onChange: ({ open, retries }) => context.observe({ type: 'lanes', open, of: concurrency, retries }),
  })
  context.observe({ type: 'lanes', open: lanes.open, of: concurrency, retries: 0 })
  const spooled = slicesToWrite(context)
  const direct = slicesToSend(context)
  const before = spooled.length === 0 ? NOTHING : await writeSpools(context, spooled, clientFor, lanes)
  const { failed, ...sent } =
    direct.length === 0 ? NOTHING : await sendSlices(context, direct, clientFor, lanes)
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
): Promise<WriteProgress> {
  const progress = new WriteProgress(context, slices)
  // Several slices at once, so that the lanes stay full where slices are small.
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const queue = slices.values()
  const worker = async () => {
    for (const slice of queue) {
      signal.throwIfAborted()
      try {
        await writeSlice({ ...context, signal }, slice, clientFor(slice.mapping.target), lanes, progress)
      } catch (error) {
        if (error instanceof Failure && error.code.startsWith('spool/')) dropSpool(context, slice, error)
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
  return progress
}

async function writeSlice(
  context: RunContext,
  slice: Slice,
  { client, token }: ReturnType<ClientFor>,
  lanes: Lanes,
  progress: WriteProgress,
): Promise<void> {
  const started = context.clock.now()
  const path = spoolPath(context.migration, slice)
  const { counts, sent } = exported(context, slice)
  const letters = deadLetterPath(context.migration, slice.mapping)
  const spool = await openSpool(path)
  try {
    const deadLetters = await openDeadLetters(letters)
    try {
      await writeBatches({
        database: slice.mapping.target,
        slice: slice.id,
        spool,
        pending: pendingBatches(sent, counts.batches),
        client,
        lanes,
        clock: context.clock,
        signal: context.signal,
        maxRetries: context.migration.target.write.maxRetries,
        tokenActivation: context.migration.target.write.tokenActivation,
        tokenCreatedAt: token.createdAt,
        deadLetters,
        onAcknowledged: (batch, outcome) => {
          const at = context.clock.now()
          context.state.apply({ type: 'batch-acknowledged', slice: slice.id, batch, outcome, at })
          progress.acknowledged(outcome)
        },
      })
    } finally {
      await deadLetters.close()
    }
  } finally {
    await spool.close()
  }
  expectSumsClose(slice, exported(context, slice))
  context.state.apply({ type: 'slice-written', slice: slice.id })
  await context.state.save()
  await removeSpool(path)
  progress.finish()
  const { sent: all } = exported(context, slice)
  context.observe({
    type: 'slice-written',
    slice: slice.id,
    sent: all,
    seconds: (context.clock.now() - started) / 1000,
  })
}

/** What was written needs no spool any more: a migration of terabytes must not leave them behind. */
async function removeSpool(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(`${path}.index.json`, { force: true })
}

function exported(context: RunContext, slice: Slice): Pick<ExportedSlice, 'counts' | 'sent'> {
  const state = stateOf(context, slice)
  if (state?.status === 'exported' || state?.status === 'written') return state
  throw new Error(`slice ${slice.id} is not exported`)
}
