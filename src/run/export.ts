/** The export phase: every slice that is not spooled yet, one after another. */
import { Failure, isOfOneSlice } from '../core/failure.ts'
import { formatWindow } from '../core/time.ts'
import { countOf, formatBytes } from '../core/units.ts'
import type { ExportCounts } from '../lines/accounting.ts'
import { openDeadLetters } from '../lines/dead-letter-file.ts'
import type { DeadLetterSink } from '../lines/dead-letter.ts'
import { FigureBook } from '../lines/figure-book.ts'
import { writeSliceFigures } from '../lines/figures-file.ts'
import type { BatchesTo, SpoolTarget } from '../lines/finished-spool.ts'
import type { Comments } from '../lines/line-parser.ts'
import { spoolSlice } from '../lines/spool-slice.ts'
import { compileTransforms } from '../lines/transform/series-transform.ts'
import type { Slice } from '../plan/plan.ts'
import { fingerprintOf, transformsHash } from '../plan/slices.ts'
import type { CatalogFile } from '../source/catalog.ts'
import { checkUnchanged } from '../source/check-unchanged.ts'
import {
  exportWithInfluxInspect,
  probeInfluxInspect,
  type InfluxInspectAbilities,
} from '../source/influx-inspect.ts'
import { readLineProtocolFiles } from '../source/line-protocol-files.ts'
import type { WalNote } from '../source/tsm/wal-segment.ts'
import { slicesToExport, sourceOf, type RunContext } from './context.ts'
import { ExportProgress } from './export-progress.ts'
import { exportTsm } from './export-tsm.ts'
import { DeadLetterFiles } from './letters-close.ts'
import { RejectionLimits } from './max-rejected.ts'
import { sliceLetters } from './letter-sink.ts'
import { Snapshots, type SliceSource } from './snapshots.ts'
import { TsmReading } from './tsm-reading.ts'
import { deadLetterPath, figuresPath, sortedRunsPath, spoolPath } from './work-folder.ts'

/** @returns what was exported, in words. A slice that fails is put down in the state, and the others go on. */
export async function exportPhase(context: RunContext): Promise<string> {
  const slices = slicesToExport(context)
  const limits = new RejectionLimits(context)
  await limits.expectWithin()
  const job = await ExportJob.open(context, slices, 'export')
  const files = new DeadLetterFiles(context)
  let rows = 0
  let bytes = 0
  let failed = 0
  try {
    for (const slice of slices) {
      context.signal.throwIfAborted()
      const started = context.clock.now()
      job.progress.start(slice)
      try {
        const counts = await job.exportSlice(slice, limits)
        await files.expectClosed(slice, counts)
        const fingerprint = fingerprintOf(slice)
        context.state.apply({
          type: 'slice-exported',
          slice: slice.id,
          target: slice.mapping.target,
          fingerprint,
          transforms: transformsHash(slice),
          counts,
        })
        await context.state.save()
        context.observe({
          type: 'slice-exported',
          slice: slice.id,
          counts,
          seconds: (context.clock.now() - started) / 1000,
        })
        rows += counts.rows
        bytes += counts.gzipBytes
        job.progress.passed()
        job.progress.arrived(counts.rows)
        job.progress.finish()
        limits.exported(slice, counts)
        await limits.expectWithin()
      } catch (error) {
        context.signal.throwIfAborted()
        await limits.expectWithin()
        if (!isOfOneSlice(error)) throw error
        await recordFailure(context, slice, error)
        failed += 1
      }
    }
  } finally {
    await job.close()
  }
  const failures = failed === 0 ? '' : `, ${countOf(failed, 'slice')} failed`
  return `${countOf(slices.length - failed, 'slice')}, ${countOf(rows, 'row')}, ${formatBytes(bytes)} spooled${failures}`
}

export async function recordFailure(context: RunContext, slice: Slice, failure: Failure): Promise<void> {
  const { code, message, where, remedy } = failure
  context.state.apply({
    type: 'slice-failed',
    slice: slice.id,
    target: slice.mapping.target,
    code,
    message,
    where,
    remedy,
  })
  await context.state.save()
  context.observe({
    type: 'slice-failed',
    slice: slice.id,
    code,
    message: `${message}${where ? ` (${where})` : ''}.${remedy === undefined ? '' : ` ${remedy}`}`,
  })
}

/** What the slices that are read by a phase share. */
export class ExportJob {
  readonly progress: ExportProgress
  readonly #snapshots: Snapshots
  readonly #context: RunContext
  readonly #abilities = new Map<string, InfluxInspectAbilities>()
  /** The same for all slices: WebAssembly does not give memory back. */
  readonly #reading: TsmReading

  private constructor(
    context: RunContext,
    slices: readonly Slice[],
    snapshots: Snapshots,
    phase: 'export' | 'write',
  ) {
    this.#context = context
    this.#reading = context.reading ?? new TsmReading(context)
    this.progress = new ExportProgress(context, slices, phase)
    this.#snapshots = snapshots
  }

  /** Makes the snapshots that sources ask for; {@link close} removes them. */
  static async open(
    context: RunContext,
    slices: readonly Slice[],
    phase: 'export' | 'write',
  ): Promise<ExportJob> {
    return new ExportJob(context, slices, await Snapshots.of(context, slices), phase)
  }

  async close(): Promise<void> {
    await this.#reading.close()
    await this.#snapshots.remove()
  }

  async exportSlice(slice: Slice, limits: RejectionLimits): Promise<ExportCounts> {
    const { migration, signal } = this.#context
    const file = await openDeadLetters(deadLetterPath(migration, slice.mapping))
    const transforms = transformsHash(slice)
    const letters = sliceLetters(slice, file, { transforms, limits })
    try {
      const to = { path: spoolPath(migration, slice), figures: new FigureBook() }
      const counts = await this.makeBatches(slice, to, letters, signal)
      await writeSliceFigures(figuresPath(migration, slice), to.figures.result())
      return counts
    } finally {
      await file.close()
    }
  }

  /** The files that the slice is read from. @throws Failure `export/...` when there are none */
  async filesOf(slice: Slice): Promise<readonly CatalogFile[]> {
    const source = sourceOf(this.#context, slice)
    if (slice.files.length === 0)
      throw new Failure(
        'export/shard-gone',
        'the source no longer holds its shard, and it was not exported before',
        {
          where: slice.mapping.id,
          remedy: 'Restore the shard from a backup; or, to go without it, take its time out of "timeRange".',
        },
      )
    return source.kind === 'data-dir' ? (await this.#snapshots.filesOf(source, slice)).files : slice.files
  }

  /** Reads the slice, one slice at a time. */
  makeBatches(
    slice: Slice,
    to: BatchesTo & { figures?: FigureBook },
    deadLetters: DeadLetterSink,
    signal: AbortSignal,
  ): Promise<ExportCounts> {
    const { migration } = this.#context
    return this.#read(slice, {
      slice: slice.id,
      batch: migration.target.write.batch,
      gzipLevel: migration.spool.gzipLevel,
      ...to,
      workDir: sortedRunsPath(migration),
      deadLetters,
      signal,
    })
  }

  async #read(slice: Slice, target: SpoolTarget): Promise<ExportCounts> {
    const { signal } = target
    const { database, retentionPolicy } = slice.mapping
    const source = sourceOf(this.#context, slice)
    const files = await this.filesOf(slice)
    if (source.kind === 'line-protocol') {
      const chunks = readLineProtocolFiles(source, { database, retentionPolicy }, signal)
      return this.#readLines(slice, files, target, chunks, 'any')
    }
    if (source.reader === 'influx_inspect') {
      const from = await this.#snapshots.filesOf(source, slice)
      const { chunks, comments } = await this.#inspect(slice, from, signal)
      return this.#readLines(slice, from.files, target, chunks, comments)
    }
    const { memory } = this.#context.migration.spool
    this.#reading.warmUp(files)
    const counts = await exportTsm({
      ...target,
      paths: files.map(({ path }) => path),
      window: slice.window,
      memory,
      tasks: this.#reading.tasks,
      replayedWals: this.#reading.replayedWals,
      transforms: slice.mapping.transforms ?? [],
      skipDamage: source.onCorruption === 'skip',
      onNote: (note) => this.#context.observe({ type: 'note', message: wordsOf(note) }),
      onProgress: (part) => this.progress.advanceTo(part),
    })
    await expectUnchanged(slice, files)
    return counts
  }

  async #readLines(
    slice: Slice,
    files: readonly CatalogFile[],
    target: SpoolTarget,
    chunks: AsyncIterable<Uint8Array>,
    comments: Comments,
  ): Promise<ExportCounts> {
    const counts = await spoolSlice(chunks, {
      ...target,
      window: slice.window,
      memory: this.#context.migration.spool.memory,
      comments,
      transform: compileTransforms(slice.mapping.transforms ?? []),
      onProgress: (bytesRead) => this.progress.advance(bytesRead),
    })
    await expectUnchanged(slice, files)
    return counts
  }

  /** The slice's points as 1.x line protocol, and which lines are comments. */
  async #inspect(slice: Slice, { source, files }: SliceSource, signal: AbortSignal) {
    const { migration } = this.#context
    const { database, retentionPolicy } = slice.mapping
    const abilities = this.#abilities.get(source.name) ?? (await probeInfluxInspect(source.command, signal))
    this.#abilities.set(source.name, abilities)
    const { chunks } = exportWithInfluxInspect({
      command: source.command,
      abilities,
      source,
      database,
      retentionPolicy,
      window: slice.window,
      files,
      workDir: migration.spool.dir,
      signal,
    })
    return { chunks, comments: abilities.lponly ? ('none' as const) : ('influx_inspect' as const) }
  }
}

async function expectUnchanged(slice: Slice, files: readonly CatalogFile[]): Promise<void> {
  const changed = await checkUnchanged(files)
  if (changed === undefined) return
  throw new Failure('export/source-changed', `${changed.path} changed while it was being exported`, {
    where: `${slice.mapping.id} ${formatWindow(slice.window)}`,
    remedy:
      'Stop influxd, or let influx-ferry read from a snapshot ("snapshot: hardlink"), or from a copy, and run again.',
  })
}

/** What a crash left in the WAL, in words. */
function wordsOf({ kind, segment, position, bytes }: WalNote): string {
  return kind === 'torn-end'
    ? `${segment} ends inside an entry, as after a crash: read up to byte ${position}; ${formatBytes(bytes)} were never acknowledged as written`
    : `${segment} has a hole of ${formatBytes(bytes)} at byte ${position}, as influxd leaves after a crash: passed over`
}
