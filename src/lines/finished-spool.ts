import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, systemCodeOf } from '../core/failure.ts'
import { formatBytes } from '../core/units.ts'
import type { ExportCounts } from './accounting.ts'
import { BatchWriter, type BatchLimits } from './batch-writer.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import { writeSpoolIndex } from './spool-file.ts'

export interface SpoolTarget {
  /** Slice id. */
  slice: string
  batch: BatchLimits
  gzipLevel: number
  /** Final spool file; its index is `${path}.index.json`. */
  path: string
  /** For what does not fit into memory; emptied first, removed at the end and on failure. */
  workDir: string
  deadLetters: DeadLetterSink
  signal: AbortSignal
}

/** What the sums of an export have beside what its batches tell. */
export type SourceCounts = Omit<ExportCounts, 'points' | 'rows' | 'batches' | 'rawBytes' | 'gzipBytes'>

/**
 * Makes a slice's spool: `fill` opens the writer when it has rows to write, and all is there and safe on disk in the end,
 * or nothing.
 *
 * @throws Failure `export/sum`, `spool/disk-full`
 */
export async function finishedSpool(
  { slice, batch, gzipLevel, path, workDir, deadLetters, signal }: SpoolTarget,
  fill: (open: () => Promise<BatchWriter>) => Promise<SourceCounts>,
  temporaryBytes: () => number = () => 0,
): Promise<ExportCounts> {
  const partial = `${path}.partial`
  let writer: BatchWriter | undefined
  try {
    await mkdir(dirname(path), { recursive: true })
    // A run that was killed leaves its sorted runs.
    await rm(workDir, { recursive: true, force: true })
    await mkdir(workDir, { recursive: true })
    // An index of an earlier export must not stand beside a new spool.
    await rm(`${path}.index.json`, { force: true })
    const open = async () => (writer ??= await BatchWriter.create(partial, batch, gzipLevel, signal))
    const read = await fill(open)
    const written = await open()
    await written.finish()
    const counts = countsOf(slice, read, written)
    await rename(partial, path)
    await deadLetters.flush()
    await writeSpoolIndex(path, { version: 1, slice, batches: written.batches, counts })
    return counts
  } catch (error) {
    await writer?.abandon()
    await rm(partial, { force: true })
    throw isDiskFull(error)
      ? diskFull(path, workDir, temporaryBytes() + (writer?.gzipBytes ?? 0), error)
      : error
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

function countsOf(slice: string, read: SourceCounts, writer: BatchWriter): ExportCounts {
  const { pointsRead, overwritten, deleted, filtered, refusedPoints } = read
  const { points, rows, rawBytes, gzipBytes, batches } = writer
  if (pointsRead !== points + overwritten + deleted + filtered + refusedPoints) {
    throw new Failure('export/sum', 'the sums of the export do not close', {
      where: `${slice}: ${pointsRead} points read, but ${points} in rows + ${overwritten} overwritten + ${deleted} deleted + ${filtered} filtered + ${refusedPoints} refused`,
      remedy: 'This is a defect of influx-ferry; nothing was sent. Please report it with these numbers.',
    })
  }
  return { ...read, points, rows, batches: batches.length, rawBytes, gzipBytes }
}

function isDiskFull(error: unknown): boolean {
  return !(error instanceof Failure) && ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(error) ?? '')
}

function diskFull(path: string, workDir: string, bytes: number, cause: unknown): Failure {
  return new Failure(
    'spool/disk-full',
    `the disk is full after ${formatBytes(bytes)} of spool and sorted runs`,
    {
      where: `${path} (sorted runs in ${workDir})`,
      remedy:
        'Make room, or put the spool on a larger disk, and run again: this slice is exported anew. What was half-written has been removed.',
      cause,
    },
  )
}
