/** The export phase: every slice that is not spooled yet, one after another. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from '../core/failure.ts'
import { formatWindow } from '../core/time.ts'
import { countOf, formatBytes } from '../core/units.ts'
import { openDeadLetters } from '../lines/dead-letter-file.ts'
import type { Comments } from '../lines/line-parser.ts'
import { spoolSlice } from '../lines/spool-slice.ts'
import type { Slice } from '../plan/plan.ts'
import { fingerprintOf } from '../plan/slices.ts'
import { checkUnchanged } from '../source/check-unchanged.ts'
import {
  exportWithInfluxInspect,
  probeInfluxInspect,
  type InfluxInspectAbilities,
} from '../source/influx-inspect.ts'
import { readLineProtocolFiles } from '../source/line-protocol-files.ts'
import { slicesToExport, sourceOf, type RunContext } from './context.ts'
import { deadLetterPath, sortedRunsPath, spoolPath } from './work-folder.ts'
import { ExportProgress } from './export-progress.ts'

/** @returns what was exported, in words. A slice that fails is put down in the state, and the others go on. */
export async function exportPhase(context: RunContext): Promise<string> {
  const slices = slicesToExport(context)
  const progress = new ExportProgress(context, slices)
  const abilities = new Map<string, InfluxInspectAbilities>()
  let rows = 0
  let bytes = 0
  let failed = 0
  for (const slice of slices) {
    context.signal.throwIfAborted()
    const started = context.clock.now()
    progress.start(slice)
    try {
      const counts = await exportSlice(context, slice, abilities, progress)
      const fingerprint = fingerprintOf(slice)
      context.state.apply({
        type: 'slice-exported',
        slice: slice.id,
        target: slice.mapping.target,
        fingerprint,
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
      progress.finish(counts.rows)
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof Failure) || !isOfOneSlice(error)) throw error
      await recordFailure(context, slice, error)
      failed += 1
    }
  }
  const failures = failed === 0 ? '' : `, ${countOf(failed, 'slice')} failed`
  return `${countOf(slices.length - failed, 'slice')}, ${countOf(rows, 'row')}, ${formatBytes(bytes)} spooled${failures}`
}

/** A damaged TSM file or a sum that does not close says nothing about the next slice; a full disk or a missing program does. */
function isOfOneSlice({ code }: Failure): boolean {
  return code.startsWith('export/')
}

async function recordFailure(context: RunContext, slice: Slice, failure: Failure): Promise<void> {
  const { code, message, where } = failure
  context.state.apply({
    type: 'slice-failed',
    slice: slice.id,
    target: slice.mapping.target,
    code,
    message,
    where,
  })
  await context.state.save()
  const remedy = failure.remedy === undefined ? '' : ` ${failure.remedy}`
  context.observe({
    type: 'slice-failed',
    slice: slice.id,
    code,
    message: `${message}${where ? ` (${where})` : ''}.${remedy}`,
  })
}

async function exportSlice(
  context: RunContext,
  slice: Slice,
  abilities: Map<string, InfluxInspectAbilities>,
  progress: ExportProgress,
) {
  const { migration, signal } = context
  const path = spoolPath(migration, slice)
  await mkdir(dirname(path), { recursive: true })
  const letters = deadLetterPath(migration, slice.mapping)
  await mkdir(dirname(letters), { recursive: true })
  const deadLetters = await openDeadLetters(letters)
  try {
    const { chunks, comments } = await openLines(context, slice, abilities)
    const counts = await spoolSlice(chunks, {
      slice: slice.id,
      window: slice.window,
      memory: migration.spool.memory,
      batch: migration.target.write.batch,
      gzipLevel: migration.spool.gzipLevel,
      path,
      workDir: sortedRunsPath(migration),
      deadLetters,
      signal,
      comments,
      onProgress: (bytesRead) => progress.advance(bytesRead),
    })
    const changed = await checkUnchanged(slice.files)
    if (changed !== undefined) {
      throw new Failure('export/source-changed', `${changed.path} changed while it was being exported`, {
        where: `${slice.mapping.id} ${formatWindow(slice.window)}`,
        remedy:
          'Stop influxd, or export from a copy (a restored backup, a hard-linked copy of the data directory), and run again.',
      })
    }
    return counts
  } finally {
    await deadLetters.close()
  }
}

/** The slice's points as 1.x line protocol, and which lines are comments. */
async function openLines(
  context: RunContext,
  slice: Slice,
  abilities: Map<string, InfluxInspectAbilities>,
): Promise<{ chunks: AsyncIterable<Uint8Array>; comments: Comments }> {
  const { migration, signal } = context
  const { database, retentionPolicy } = slice.mapping
  const source = sourceOf(context, slice)
  switch (source.kind) {
    case 'line-protocol':
      return { chunks: readLineProtocolFiles(source, { database, retentionPolicy }, signal), comments: 'any' }
    case 'data-dir': {
      const able = abilities.get(source.name) ?? (await probeInfluxInspect(source.command, signal))
      abilities.set(source.name, able)
      const { chunks } = exportWithInfluxInspect({
        command: source.command,
        abilities: able,
        source,
        database,
        retentionPolicy,
        window: slice.window,
        files: slice.files,
        workDir: migration.spool.dir,
        signal,
      })
      return { chunks, comments: able.lponly ? 'none' : 'influx_inspect' }
    }
  }
}
