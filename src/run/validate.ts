/** The validate phase: what can be known to fail is found before the first byte is moved. */
import { rm, mkdir } from 'node:fs/promises'
import { messageOf, Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import { ping } from '../cluster/http.ts'
import { pruneDeadLetters } from '../lines/prune-dead-letters.ts'
import { probeInfluxInspect } from '../source/influx-inspect.ts'
import { removeLiveCopy } from '../source/tsm/live-copy.ts'
import { isAcknowledged } from '../state/state.ts'
import { fingerprintOf } from '../plan/slices.ts'
import { slicesToExport, slicesToWrite, sourceOf, stateOf, type RunContext } from './context.ts'
import { deadLetterPath, spoolPath } from './work-folder.ts'

/** @returns what was looked at, in words. */
export async function validatePhase(context: RunContext): Promise<string> {
  await expectWorkFolder(context)
  await expectPrograms(context)
  if (['create', 'token', 'write'].some((phase) => context.phases.has(phase as 'write'))) {
    await ping(context.migration.target, context.signal)
  }
  await tidyUp(context)
  retargetUnsent(context)
  noteChangedSources(context)
  return `${countOf(context.slices.length, 'slice')} of ${countOf(context.plan.mappings.length, 'mapping')}`
}

async function expectWorkFolder({ migration }: RunContext): Promise<void> {
  try {
    await mkdir(migration.spool.dir, { recursive: true })
  } catch (error) {
    throw new Failure('spool/unwritable', `cannot create the work folder: ${messageOf(error)}`, {
      where: migration.spool.dir,
      remedy: 'Mend its permissions, or name another folder ("spool: { dir: ... }").',
      cause: error,
    })
  }
}

async function expectPrograms(context: RunContext): Promise<void> {
  if (!context.phases.has('export')) return
  const sources = new Set(slicesToExport(context).map((slice) => sourceOf(context, slice)))
  for (const source of sources) {
    if (source.kind === 'data-dir' && source.reader === 'influx_inspect')
      await probeInfluxInspect(source.command, context.signal)
  }
}

/** A spool does not depend on its target: what was exported and not yet sent may go elsewhere. */
function retargetUnsent(context: RunContext): void {
  for (const slice of slicesToWrite(context)) {
    const { target } = slice.mapping
    if (stateOf(context, slice)?.target !== target)
      context.state.apply({ type: 'slice-retargeted', slice: slice.id, target })
  }
}

/** A killed run leaves dead letters of batches that nobody acknowledged, spools of slices just written, and snapshots. */
async function tidyUp(context: RunContext): Promise<void> {
  const { migration, state } = context
  for (const source of migration.sources)
    if (source.kind === 'data-dir' && source.snapshotDir !== undefined)
      await removeLiveCopy(source.snapshotDir)
  for (const slice of context.slices) {
    if (stateOf(context, slice)?.status !== 'written') continue
    await rm(spoolPath(migration, slice), { force: true })
    await rm(`${spoolPath(migration, slice)}.index.json`, { force: true })
  }
  const files = new Set(context.plan.mappings.map((mapping) => deadLetterPath(migration, mapping)))
  for (const file of files) {
    await pruneDeadLetters(file, ({ slice, batch }) => {
      const status = state.state.slices[slice]?.status
      if (batch === undefined) return status === 'exported' || status === 'written'
      return isAcknowledged(state.state, slice, batch)
    })
  }
}

/** What was exported stays as it is; the user is told that the source went on. */
function noteChangedSources(context: RunContext): void {
  const changed = context.slices.filter((slice) => {
    const state = stateOf(context, slice)
    return (
      state !== undefined &&
      state.status !== 'failed' &&
      slice.files.length > 0 &&
      state.fingerprint !== fingerprintOf(slice)
    )
  })
  if (changed.length === 0) return
  context.observe({
    type: 'warning',
    message:
      `the source files of ${countOf(changed.length, 'slice')} changed after they were exported (${changed[0]?.id ?? ''}); ` +
      'what was exported then is what is moved',
  })
}
