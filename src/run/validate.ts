/** The validate phase: what can be known to fail is found before the first byte is moved. */
import { countOf } from '../core/units.ts'
import type { ClusterAdmin } from '../cluster/cluster.ts'
import type { ClusterFacts } from '../preflight/cluster-facts.ts'
import type { CatalogFile } from '../source/catalog.ts'
import { probeInfluxInspect } from '../source/influx-inspect.ts'
import { fingerprintOf } from '../plan/slices.ts'
import { slicesToRead, slicesToWrite, sourceOf, stateOf, type RunContext } from './context.ts'
import { dropOtherTransforms, noteOtherTransforms } from './changed-transforms.ts'
import { dropDamagedSpools } from './damaged-spool.ts'
import { preflightOfRun } from './preflight.ts'
import { tidyUp } from './tidy-up.ts'

/** @returns what was looked at, in words, and what was learnt of the cluster. */
export async function validatePhase(
  context: RunContext,
  openAdmin: () => Promise<ClusterAdmin | undefined>,
): Promise<{ summary: string; cluster: ClusterFacts | undefined }> {
  context.reading?.warmUp(tsmFilesOf(context))
  await expectPrograms(context)
  await dropDamagedSpools(context)
  dropOtherTransforms(context)
  noteOtherTransforms(context)
  await tidyUp(context)
  const cluster = await preflightOfRun(context, openAdmin)
  retargetUnsent(context)
  noteChangedSources(context)
  const { slices, plan } = context
  return {
    summary: `${countOf(slices.length, 'slice')} of ${countOf(plan.mappings.length, 'mapping')}`,
    cluster,
  }
}

function tsmFilesOf(context: RunContext): CatalogFile[] {
  return slicesToRead(context).flatMap((slice) => {
    const source = sourceOf(context, slice)
    return source.kind === 'data-dir' && source.reader === 'tsm' ? slice.files : []
  })
}

async function expectPrograms(context: RunContext): Promise<void> {
  const sources = new Set(slicesToRead(context).map((slice) => sourceOf(context, slice)))
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

/** What was exported stays as it is; the user is told that the source went on. */
function noteChangedSources(context: RunContext): void {
  const changed = context.slices.filter((slice) => {
    const state = stateOf(context, slice)
    return (
      state !== undefined &&
      (state.status === 'exported' || state.status === 'written') &&
      slice.files.length > 0 &&
      state.fingerprint !== fingerprintOf(slice)
    )
  })
  if (changed.length === 0) return
  context.observe({
    type: 'warning',
    message:
      `the source files of ${countOf(changed.length, 'slice')} changed after they were read (${changed[0]?.id ?? ''}); ` +
      'what was read then is what is moved',
  })
}
