/** A spool that is not what was exported: the slice is exported anew, where the source still holds it. */
import { Failure } from '../core/failure.ts'
import { openSpool } from '../lines/spool-file.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import { slicesToWrite, type RunContext } from './context.ts'
import { spoolPath } from './work-folder.ts'

/** Looks at the spool of every slice that waits to be written. @throws Failure when the source has none of it any more */
export async function dropDamagedSpools(context: RunContext): Promise<void> {
  if (!context.phases.has('export')) return
  for (const slice of slicesToWrite(context)) {
    const failure = await lookAt(context, slice)
    if (failure === undefined) continue
    dropSpool(context, slice, failure)
    context.observe({
      type: 'warning',
      message: `${showSlice(slice.id)}: ${failure.message} (${failure.where ?? ''}); the slice is exported anew`,
    })
  }
}

/**
 * Puts down that the slice has no spool. Batches of it that the cluster holds already are sent once more, with the
 * same values.
 *
 * @throws Failure the given one, with another remedy, when the shard is gone from the source
 */
export function dropSpool({ state }: RunContext, slice: Slice, failure: Failure): void {
  const { code, message, where, remedy } = failure
  if (slice.files.length === 0) {
    throw new Failure(code, `${message}, and the source no longer holds its shard`, {
      ...(where !== undefined && { where }),
      remedy: 'Restore the spool and its index, or the shard of the source, from a copy, and run again.',
      cause: failure,
    })
  }
  const { target } = slice.mapping
  state.apply({ type: 'slice-failed', slice: slice.id, target, code, message, where, remedy })
}

async function lookAt({ migration }: RunContext, slice: Slice): Promise<Failure | undefined> {
  try {
    const spool = await openSpool(spoolPath(migration, slice))
    await spool.close()
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}
