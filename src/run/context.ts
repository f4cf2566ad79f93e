/** What every phase of a run works with. */
import type { Clock } from '../io/clock.ts'
import type { Mapping, Migration, Source } from '../manifest/migration.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import type { StateFile } from '../state/state-file.ts'
import type { SliceState } from '../state/state.generated.ts'
import type { Observer, Phase } from './events.ts'
import type { TsmReading } from './tsm-reading.ts'

export interface RunContext {
  migration: Migration
  plan: Plan
  /** The slices of this run: those of the plan, or of the mappings named by `--mapping`. */
  slices: readonly Slice[]
  state: StateFile
  phases: ReadonlySet<Phase>
  /** `--update`: existing databases may be changed to what the manifest asks for. */
  update: boolean
  /** Verifying is asked for: what was compared already is compared again. */
  verifyAgain: boolean
  clock: Clock
  signal: AbortSignal
  observe: Observer
  /** Given by a run, to its preflight and its export. */
  reading?: TsmReading
}

export function stateOf(context: RunContext, slice: Slice): SliceState | undefined {
  return context.state.state.slices[slice.id]
}

/** Slices that are not exported yet, or failed and are tried again (transfer: staged). */
export function slicesToExport(context: RunContext): Slice[] {
  return context.migration.transfer === 'direct' ? [] : slicesToBegin(context)
}

/** Slices with spooled batches that are not acknowledged yet. */
export function slicesToWrite(context: RunContext): Slice[] {
  return context.slices.filter((slice) => stateOf(context, slice)?.status === 'exported')
}

/** Slices that are written as they are read: those under way first. */
export function slicesToSend(context: RunContext): Slice[] {
  const underWay = context.slices.filter((slice) => stateOf(context, slice)?.status === 'sending')
  return context.migration.transfer === 'direct' ? [...underWay, ...slicesToBegin(context)] : underWay
}

/** Slices whose source files this run reads. */
export function slicesToRead(context: RunContext): Slice[] {
  const { phases } = context
  return [
    ...(phases.has('export') ? slicesToExport(context) : []),
    ...(phases.has('write') ? slicesToSend(context) : []),
  ]
}

function slicesToBegin(context: RunContext): Slice[] {
  return context.slices.filter((slice) => {
    const state = stateOf(context, slice)
    return state === undefined || state.status === 'failed'
  })
}

export function sourceOf({ migration }: RunContext, slice: Slice): Source {
  const source = migration.sources.find(({ name }) => name === slice.mapping.source)
  if (source === undefined)
    throw new Error(`the plan names a source that the manifest does not have: ${slice.mapping.source}`)
  return source
}

/** What the manifest says about a slice. */
export function mappingOf({ migration }: RunContext, slice: Slice): Mapping {
  return mappingOfSlice(migration, slice)
}

/** Target databases of the slices of this run. */
export function targetsOf(context: RunContext): Set<string> {
  return new Set(context.slices.map(({ mapping }) => mapping.target))
}
