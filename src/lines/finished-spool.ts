import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, systemCodeOf } from '../core/failure.ts'
import { formatBytes } from '../core/units.ts'
import type { ExportCounts } from './accounting.ts'
import { BatchWriter, batchFile, type BatchDestination, type BatchLimits } from './batch-writer.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import type { FigureBook } from './figure-book.ts'
import { writeSpoolIndex } from './spool-file.ts'

/** With what a slice's batches are made, and where they go: into a spool, or to who takes them as they are made. */
export type SpoolTarget = SliceTarget & BatchesTo

interface SliceTarget {
  /** Slice id. */
  slice: string
  batch: BatchLimits
  gzipLevel: number
  /** For what does not fit into memory; emptied first, removed at the end and on failure. */
  workDir: string
  deadLetters: DeadLetterSink
  /** Gets the figures of all fields of the rows. */
  figures?: FigureBook
  signal: AbortSignal
}

export type BatchesTo = SpoolPath | { destination: BatchDestination }

interface SpoolPath {
  /** Final spool file; its index is `${path}.index.json`. */
  path: string
}

/** What the sums of an export have beside what its batches tell. */
export type SourceCounts = Omit<ExportCounts, 'points' | 'rows' | 'batches' | 'rawBytes' | 'gzipBytes'>

/**
 * Makes a slice's spool: `fill` opens the writer when it has rows to write, and all is there and safe on disk in the end,
 * or nothing. A destination that was given instead of a path has got every batch in the end; on a failure, some.
 *
 * @throws Failure `export/sum`, `spool/disk-full`
 */
export async function finishedSpool(
  target: SpoolTarget,
  fill: (open: () => Promise<BatchWriter>) => Promise<SourceCounts>,
  temporaryBytes: () => number = () => 0,
): Promise<ExportCounts> {
  const { slice, batch, gzipLevel, workDir, deadLetters, figures, signal } = target
  const output = 'path' in target ? spoolAt(target.path) : givenTo(target.destination)
  let writer: BatchWriter | undefined
  try {
    // A run that was killed leaves its sorted runs.
    await rm(workDir, { recursive: true, force: true })
    await mkdir(workDir, { recursive: true })
    await output.prepare()
    const open = async () =>
      (writer ??= new BatchWriter(await output.open(), { limits: batch, gzipLevel, figures, signal }))
    const read = await fill(open)
    const written = await open()
    await written.finish()
    const counts = countsOf(slice, read, written)
    await output.keep()
    await deadLetters.flush()
    await output.complete({ version: 1, slice, batches: written.batches, counts })
    return counts
  } catch (error) {
    await writer?.abandon()
    await output.discard()
    throw explained(error, target, temporaryBytes(), writer?.gzipBytes ?? 0)
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

/** The steps of what becomes of the batches, in their order. */
interface Output {
  prepare(): Promise<void>
  open(): Promise<BatchDestination>
  /** Every batch was written. */
  keep(): Promise<void>
  /** And the dead letters are on disk. */
  complete(index: Parameters<typeof writeSpoolIndex>[1]): Promise<void>
  discard(): Promise<void>
}

function spoolAt(path: string): Output {
  const partial = `${path}.partial`
  return {
    prepare: async () => {
      await mkdir(dirname(path), { recursive: true })
      // An index of an earlier export must not stand beside a new spool.
      await rm(`${path}.index.json`, { force: true })
    },
    open: () => batchFile(partial),
    keep: () => rename(partial, path),
    complete: (index) => writeSpoolIndex(path, index),
    discard: () => rm(partial, { force: true }),
  }
}

function givenTo(destination: BatchDestination): Output {
  const nothing = () => Promise.resolve()
  const open = () => Promise.resolve(destination)
  return { prepare: nothing, open, keep: nothing, complete: nothing, discard: nothing }
}

function countsOf(slice: string, read: SourceCounts, writer: BatchWriter): ExportCounts {
  const { pointsRead, overwritten, deleted, filtered, refusedPoints, dropped = 0, added = 0 } = read
  const { points, rows, rawBytes, gzipBytes, batches } = writer
  if (pointsRead + added !== points + overwritten + deleted + filtered + refusedPoints + dropped) {
    const transformed =
      read.dropped === undefined ? '' : ` + ${dropped} dropped - ${added} added by transforms`
    throw new Failure('export/sum', 'the sums of the export do not close', {
      where: `${slice}: ${pointsRead} points read, but ${points} in rows + ${overwritten} overwritten + ${deleted} deleted + ${filtered} filtered + ${refusedPoints} refused${transformed}`,
      remedy: 'This is a defect of influx-ferry: please report it with these numbers.',
    })
  }
  const longStrings = (read.longStrings ?? 0) + writer.longStrings
  return {
    ...read,
    ...(longStrings > 0 && { longStrings }),
    ...{ points, rows, batches: batches.length, rawBytes, gzipBytes },
  }
}

/** Why there is no more room. */
const NO_ROOM: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file would be larger than is allowed here (ulimit -f)',
}

/** A full disk as a failure; any other error as it is. */
function explained(error: unknown, target: SpoolTarget, sorted: number, spooled: number): unknown {
  const what = NO_ROOM[systemCodeOf(error) ?? '']
  if (error instanceof Failure || what === undefined) return error
  const { workDir } = target
  const where = 'path' in target ? `${target.path} (sorted runs in ${workDir})` : workDir
  const bytes = 'path' in target ? sorted + spooled : sorted
  const after = bytes === 0 ? '' : ` after ${formatBytes(bytes)} of spool and sorted runs`
  const half =
    'path' in target
      ? 'What was half-written has been removed; this slice is exported anew.'
      : 'What was acknowledged is not sent again.'
  return new Failure('spool/disk-full', what + after, {
    where,
    remedy: `Make room, or put the work folder on a larger disk ("spool: { dir: ... }"), and run again.\n${half}`,
    cause: error,
  })
}
