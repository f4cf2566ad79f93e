import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, systemCodeOf } from '../core/failure.ts'
import { formatBytes } from '../core/units.ts'
import type { ExportCounts } from './accounting.ts'
import { BatchWriter, batchFile, type BatchLimits } from './batch-writer.ts'
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
    const open = async () =>
      (writer ??= new BatchWriter(await batchFile(partial), { limits: batch, gzipLevel, signal }))
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
    throw explained(error, path, workDir, temporaryBytes() + (writer?.gzipBytes ?? 0))
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

/** Why there is no more room. */
const NO_ROOM: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file would be larger than is allowed here (ulimit -f)',
}

/** A full disk as a failure; any other error as it is. */
function explained(error: unknown, path: string, workDir: string, bytes: number): unknown {
  const what = NO_ROOM[systemCodeOf(error) ?? '']
  if (error instanceof Failure || what === undefined) return error
  const after = bytes === 0 ? '' : ` after ${formatBytes(bytes)} of spool and sorted runs`
  return new Failure('spool/disk-full', what + after, {
    where: `${path} (sorted runs in ${workDir})`,
    remedy:
      'Make room, or put the work folder on a larger disk ("spool: { dir: ... }"), and run again.\n' +
      'What was half-written has been removed; this slice is exported anew.',
    cause: error,
  })
}
