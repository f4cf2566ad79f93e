/** Slices that went through other transforms than the manifest has now. */
import { Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice, transformsHash } from '../plan/slices.ts'
import { slicesToWrite, stateOf, type RunContext } from './context.ts'
import { dropSpool } from './damaged-spool.ts'

/**
 * What is exported and not sent is exported anew, where the source still holds it. To be called before slices are exported.
 *
 * @throws Failure `export/other-transforms` when it would be written and is not exported in this run
 */
export function dropOtherTransforms(context: RunContext): void {
  const slices = slicesToWrite(context).filter((slice) => isOther(context, slice) && isUnsent(context, slice))
  const [first] = slices
  if (first === undefined) return
  const failure = new Failure(
    'export/other-transforms',
    'it was exported before the transforms of its mapping were changed',
    {
      where: showSlice(first.id),
      remedy: 'Let this run export, too (without --only, or with export in it).',
    },
  )
  if (!context.phases.has('export')) {
    if (context.phases.has('write')) throw failure
    return
  }
  for (const slice of slices) dropSpool(context, slice, failure)
  const message = `the transforms changed: ${countOf(slices.length, 'slice')} exported and not sent yet ${slices.length === 1 ? 'is' : 'are'} exported anew`
  context.observe({ type: 'note', message })
}

/** What is written, or partly, stays as it is. */
export function noteOtherTransforms(context: RunContext): void {
  const slices = context.slices.filter((slice) => isOther(context, slice) && !isUnsent(context, slice))
  const [first] = slices
  if (first === undefined) return
  const were = slices.length === 1 ? 'was' : 'were'
  context.observe({
    type: 'warning',
    message:
      `${countOf(slices.length, 'slice')} ${were} written before the transforms were changed, and stay so (${showSlice(first.id)}); ` +
      'to write them under the transforms of now: influx-ferry rerun',
  })
}

function isOther(context: RunContext, slice: Slice): boolean {
  const state = stateOf(context, slice)
  return (
    (state?.status === 'exported' || state?.status === 'written') &&
    state.transforms !== transformsHash(slice)
  )
}

function isUnsent(context: RunContext, slice: Slice): boolean {
  const state = stateOf(context, slice)
  return state?.status === 'exported' && state.sent.batches.length === 0
}
