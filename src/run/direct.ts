/** `transfer: direct`: slices whose batches are sent as they are made, with no spool in between. */
import { Failure, isOfOneSlice } from '../core/failure.ts'
import { hashOf } from '../core/canonical-json.ts'
import { version } from '../core/version.ts'
import type { Lanes } from '../cluster/lanes.ts'
import { writeAsMade, type BatchesUnderWay } from '../cluster/write-batches.ts'
import type { ExportCounts } from '../lines/accounting.ts'
import type { BatchDestination } from '../lines/batch-writer.ts'
import { openDeadLetters, type DeadLetterFile } from '../lines/dead-letter-file.ts'
import type { DeadLetterSink } from '../lines/dead-letter.ts'
import { FigureBook } from '../lines/figure-book.ts'
import { writeSliceFigures } from '../lines/figures-file.ts'
import type { Slice } from '../plan/plan.ts'
import { fingerprintOf, showSlice, transformsHash } from '../plan/slices.ts'
import { addCheck, checkOf, differenceOf, isAcknowledged, isSettled } from '../state/state.ts'
import type { Recipe, SendingSlice } from '../state/state.generated.ts'
import { mappingOf, sourceOf, stateOf, type RunContext } from './context.ts'
import { ExportJob, recordFailure } from './export.ts'
import { DeadLetterFiles } from './letters-close.ts'
import type { RejectionLimits } from './max-rejected.ts'
import { sliceLetters } from './letter-sink.ts'
import { expectSumsClose } from './sums.ts'
import { pruneLetters } from './tidy-up.ts'
import type { ClientFor } from './token.ts'
import { deadLetterPath, figuresPath } from './work-folder.ts'

export interface Sent {
  rows: number
  /** Gzipped. */
  bytes: number
  /** Slices. */
  failed: number
}

/**
 * Reads the slices one after another and sends their batches; the next one is read while the last batches of one are
 * under way. A slice that fails to be read is put down in the state, and the others go on.
 *
 * @throws Failure `write/...`, `spool/disk-full`, `dead-letter/...`; the signal's reason
 */
export async function sendSlices(
  context: RunContext,
  slices: readonly Slice[],
  clientFor: ClientFor,
  lanes: Lanes,
  limits: RejectionLimits,
): Promise<Sent> {
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const job = await ExportJob.open(context, slices, 'write')
  const sending = new SendingJob({ ...context, signal }, job, clientFor, lanes, limits)
  const ending = new Set<Promise<void>>()
  try {
    await beginAnew(context, job, slices)
    for (const slice of slices) {
      signal.throwIfAborted()
      if (limits.exceeded) break
      const { ended, isRead } = await sending.start(slice)
      const stopped = (error: unknown) => {
        // What other slices have under way is finished.
        if (!limits.exceeded) stop.abort(error)
      }
      const end = ended.catch(stopped).finally(() => ending.delete(end))
      ending.add(end)
      if (!isRead) await end
    }
  } catch (error) {
    stop.abort(error)
  } finally {
    await Promise.all(ending)
    await job.close()
  }
  context.signal.throwIfAborted()
  stop.signal.throwIfAborted()
  await limits.expectWithin()
  return sending.sent
}

/** What else the batches of a slice depend on is its window, which is in its id. */
async function recipeOf(
  { migration, ...context }: RunContext,
  job: ExportJob,
  slice: Slice,
): Promise<Recipe> {
  const source = sourceOf({ migration, ...context }, slice)
  const files = await job.filesOf(slice)
  const { lines, bytes } = migration.target.write.batch
  const transforms = transformsHash(slice)
  const command = source.kind === 'data-dir' && source.reader === 'influx_inspect' ? source.command : []
  const reader = source.kind === 'data-dir' ? [source.reader, source.onCorruption, ...command] : [source.kind]
  return {
    files: hashOf(files.map(({ path, bytes, modified }) => [path, bytes, modified])),
    reader: reader.join(' '),
    batchLines: lines,
    batchBytes: bytes,
    // A large WAL is cut into runs, and batches are cut with it.
    memory: migration.spool.memory,
    version,
    ...(transforms !== undefined && { transforms }),
  }
}

/**
 * Begins anew with slices under way whose batches would not be the same again: what was acknowledged of them tells nothing
 * about what is made now. Before any dead letter is open, so that theirs can be taken out.
 */
async function beginAnew(context: RunContext, job: ExportJob, slices: readonly Slice[]): Promise<void> {
  let some = false
  for (const slice of slices) {
    const state = stateOf(context, slice)
    if (state?.status === 'failed' && isSettled(state)) warn(context, slice, ['it failed'], OTHER_FILES)
    if (state?.status !== 'sending') continue
    const recipe = await recipeOf(context, job, slice).catch((error: unknown) => {
      if (isOfOneSlice(error)) return undefined // thrown again when it is read
      throw error
    })
    if (recipe === undefined) continue
    const why = differenceOf(state.recipe, recipe)
    if (why.length === 0 && state.target === slice.mapping.target) continue
    begin(context, slice, recipe)
    some = true
    if (!isSettled(state)) continue
    if (state.recipe.transforms !== recipe.transforms) warn(context, slice, why, OTHER_TRANSFORMS)
    else warn(context, slice, why, state.recipe.files !== recipe.files ? OTHER_FILES : NO_HARM)
  }
  if (!some) return
  await context.state.save()
  await pruneLetters(context)
}

/** What comes of points that are sent twice. */
const NO_HARM = 'which changes nothing'
const OTHER_FILES =
  'and what was deleted or changed at the source in between may stay as it was in the cluster'
const OTHER_TRANSFORMS = 'and what the transforms of then had made of them stays in the cluster'

function warn({ observe }: RunContext, slice: Slice, why: readonly string[], harm: string): void {
  observe({
    type: 'warning',
    message:
      `${showSlice(slice.id)} is sent from the start again: ${why.join(', ')} after a part of it was written. ` +
      `The same points are sent once more, ${harm}`,
  })
}

function begin({ state }: RunContext, slice: Slice, recipe: Recipe): void {
  const { target } = slice.mapping
  state.apply({ type: 'slice-sending', slice: slice.id, target, fingerprint: fingerprintOf(slice), recipe })
}

class SendingJob {
  readonly sent: Sent = { rows: 0, bytes: 0, failed: 0 }
  readonly #context: RunContext
  readonly #job: ExportJob
  readonly #clientFor: ClientFor
  readonly #lanes: Lanes
  readonly #limits: RejectionLimits
  readonly #files: DeadLetterFiles

  constructor(
    context: RunContext,
    job: ExportJob,
    clientFor: ClientFor,
    lanes: Lanes,
    limits: RejectionLimits,
  ) {
    this.#limits = limits
    this.#files = new DeadLetterFiles(context)
    this.#context = context
    this.#job = job
    this.#clientFor = clientFor
    this.#lanes = lanes
  }

  /** Resolves when the slice is read: `ended`, when it is written, or put down as failed. */
  async start(slice: Slice): Promise<{ ended: Promise<void>; isRead: boolean }> {
    const started = this.#context.clock.now()
    this.#job.progress.start(slice)
    const file = await openDeadLetters(deadLetterPath(this.#context.migration, slice.mapping))
    const mapping = mappingOf(this.#context, slice)
    const deadLetters = sliceLetters(slice, file, {
      transforms: transformsHash(slice),
      limits: this.#limits,
      failOnInexpressible: mapping.onInexpressible === 'fail',
    })
    const batches = this.#open(slice, deadLetters)
    const again = new BatchesMadeAgain()
    let counts: ExportCounts | undefined
    let failure: unknown
    try {
      if (stateOf(this.#context, slice)?.status !== 'sending')
        begin(this.#context, slice, await recipeOf(this.#context, this.#job, slice))
      again.expected = this.#sending(slice).check
      const destination = this.#destinationOf(slice, batches, again)
      const figures = new FigureBook()
      counts = await this.#job.makeBatches(slice, { destination, figures }, deadLetters, batches.signal)
      await writeSliceFigures(figuresPath(this.#context.migration, slice), figures.result())
      this.#job.progress.passed()
    } catch (error) {
      failure = error
    }
    const ended = this.#end(slice, batches, file, async () => {
      if (counts === undefined) throw failure
      again.expectSame(slice)
      await this.#close(slice, counts, started)
    })
    return { ended, isRead: counts !== undefined }
  }

  #open(slice: Slice, deadLetters: DeadLetterSink): BatchesUnderWay {
    const { migration, clock, signal, state } = this.#context
    const { client, token } = this.#clientFor(slice.mapping.target)
    const { maxRetries, tokenActivation } = migration.target.write
    return writeAsMade({
      database: slice.mapping.target,
      slice: slice.id,
      ...{ client, lanes: this.#lanes, clock, signal, maxRetries, tokenActivation, deadLetters },
      tokenCreatedAt: token.createdAt,
      onAcknowledged: (batch, outcome, member) => {
        const check = checkOf(batch, member)
        const at = clock.now()
        state.apply({ type: 'batch-acknowledged', slice: slice.id, batch, outcome, at, check })
        this.sent.rows += outcome.lines
        this.sent.bytes += outcome.bytes
        this.#limits.acknowledged(slice, outcome)
        this.#job.progress.arrived(outcome.lines)
      },
    })
  }

  /** Batches are numbered as they come; those that an earlier run saw acknowledged are not sent. */
  #destinationOf(slice: Slice, batches: BatchesUnderWay, again: BatchesMadeAgain): BatchDestination {
    let next = 0
    const nothing = () => Promise.resolve()
    return {
      write: async (member, sums) => {
        const batch = next++
        if (this.#limits.exceeded) throw new Failure('rejected/too-many', 'too much is refused')
        if (isAcknowledged(this.#context.state.state, slice.id, batch)) again.add(checkOf(batch, member))
        else await batches.write(batch, sums, member)
      },
      finish: nothing,
      abandon: nothing,
    }
  }

  /** Waits for the batches under way; what they failed with comes first, then what the reading failed with. */
  async #end(
    slice: Slice,
    batches: BatchesUnderWay,
    deadLetters: DeadLetterFile,
    close: () => Promise<void>,
  ): Promise<void> {
    try {
      try {
        await batches.settled()
      } finally {
        await deadLetters.close()
      }
      await close()
    } catch (error) {
      this.#context.signal.throwIfAborted()
      if (!isOfOneSlice(error)) throw error
      this.sent.failed += 1
      await recordFailure(this.#context, slice, error)
    }
  }

  async #close(slice: Slice, counts: ExportCounts, started: number): Promise<void> {
    const { state, clock, observe } = this.#context
    const { sent } = this.#sending(slice)
    expectSumsClose(slice, { counts, sent })
    await this.#files.expectClosed(slice, counts, sent)
    state.apply({ type: 'slice-written', slice: slice.id, counts })
    await state.save()
    this.#limits.exported(slice, counts)
    this.#job.progress.finish()
    observe({ type: 'slice-written', slice: slice.id, sent, seconds: (clock.now() - started) / 1000 })
  }

  #sending(slice: Slice): SendingSlice {
    const state = stateOf(this.#context, slice)
    if (state?.status !== 'sending') throw new Error(`slice ${slice.id} is not being sent`)
    return state
  }
}

/** Holds the batches that were made again, and not sent, against those that were acknowledged. */
class BatchesMadeAgain {
  expected = 0
  #check = 0

  add(check: number): void {
    this.#check = addCheck(this.#check, check)
  }

  /** @throws Failure `export/not-the-same` */
  expectSame(slice: Slice): void {
    if (this.#check === this.expected) return
    throw new Failure(
      'export/not-the-same',
      'the batches that an earlier run wrote were not the same when they were made again',
      {
        where: showSlice(slice.id),
        remedy:
          'Something changed the source and left sizes and times of its files as they were. Run again: the slice is sent from the start.',
      },
    )
  }
}
