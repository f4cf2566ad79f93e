/** From a manifest, what the sources hold and what was done already to the plan: a pure function. */
import type { Diagnostic } from '../core/diagnostic.ts'
import { formatWindow, intersect, type TimeWindow } from '../core/time.ts'
import type { Mapping, Migration } from '../manifest/migration.ts'
import type { Catalog, CatalogRetentionPolicy } from '../source/catalog.ts'
import type { SliceState, State } from '../state/state.generated.ts'
import { isSettled } from '../state/state.ts'
import { expandMappings, type ExpandedMapping } from './expand.ts'
import type { Plan, PlannedDatabase, PlannedMapping, Slice } from './plan.ts'
import { mappingOfSliceId, showSlice, sliceOf, slicesOf, windowOfSliceId, withoutWindows } from './slices.ts'

/**
 * The plan, and what is wrong with it. With an error among the diagnostics the plan must not be run.
 *
 * Windows that the state holds as exported or written are not planned again: a range that was widened since gives
 * slices for the new part alone. What the state holds and the manifest no longer asks for is an error.
 */
export function makePlan(
  migration: Migration,
  catalogs: readonly Catalog[],
  state: State | undefined,
): { plan: Plan; diagnostics: Diagnostic[] } {
  const { expanded, diagnostics } = expandMappings(migration, catalogs)
  const notes = catalogs.flatMap(({ source, notes }) => notes.map((note) => `${source}: ${note}`))
  const slices: Slice[] = []
  const done = doneWindows(state)
  for (const { planned, mapping, retentionPolicy } of expanded) {
    const range = intersect(migration.timeRange, mapping.timeRange)
    const found = range === undefined ? [] : slicesOf(planned, retentionPolicy, range)
    if (found.length === 0) notes.push(`${nameOf(planned)}: no data in the range asked for`)
    const own = (done.get(planned.id) ?? []).filter((id) => {
      const slice = state?.slices[id]
      return slice !== undefined && (slice.target === planned.target || !isSettled(slice))
    })
    const split = found.flatMap((slice) => withDone(slice, own))
    slices.push(...split, ...goneFromSource(planned, own, split))
    slices.push(...failedAndGone(planned, range, split, state))
    for (const { where, shard } of orphansIn(retentionPolicy, found)) {
      if (exportsOrphans(migration, planned))
        diagnostics.push(orphanError(migration, mapping, `${nameOf(planned)}: ${where}`))
      else
        notes.push(
          `${nameOf(planned)}: shard ${shard} is left out: it is on disk but not in meta.db, and influxd would not answer from it`,
        )
    }
  }
  diagnostics.push(...contradictions(migration, expanded, state))
  const plan = {
    manifestHash: migration.hash,
    mappings: expanded.map(({ planned }) => planned),
    slices,
    databases: databasesOf(expanded),
    notes,
  }
  return { plan, diagnostics }
}

function doneWindows(state: State | undefined): Map<string, string[]> {
  const done = new Map<string, string[]>()
  for (const [id, slice] of Object.entries(state?.slices ?? {})) {
    if (slice.status !== 'failed')
      done.set(mappingOfSliceId(id), [...(done.get(mappingOfSliceId(id)) ?? []), id])
  }
  return done
}

/** The slice as it is, or, where parts of its window are done, those parts and what is left between them. */
function withDone(slice: Slice, doneIds: readonly string[]): Slice[] {
  if (doneIds.includes(slice.id)) return [slice]
  const within = doneIds.filter((id) => intersect(windowOfSliceId(id), slice.window) !== undefined)
  if (within.length === 0) return [slice]
  const parts = within.map((id) => ({ ...slice, id, window: windowOfSliceId(id) }))
  return [
    ...parts,
    ...withoutWindows(
      slice,
      parts.map(({ window }) => window),
    ),
  ].sort((a, b) => (a.window.start < b.window.start ? -1 : 1))
}

/** What was exported or written while the source still held it (a shard group that expired since): kept, so that it is written to its end. */
function goneFromSource(
  mapping: PlannedMapping,
  doneIds: readonly string[],
  slices: readonly Slice[],
): Slice[] {
  const planned = new Set(slices.map(({ id }) => id))
  return doneIds.filter((id) => !planned.has(id)).map((id) => sliceOf(mapping, windowOfSliceId(id), []))
}

/** What failed and is not in the source any more (a shard group that expired since): planned, so that nobody takes it for done. */
function failedAndGone(
  mapping: PlannedMapping,
  range: TimeWindow | undefined,
  slices: readonly Slice[],
  state: State | undefined,
): Slice[] {
  return Object.entries(state?.slices ?? {}).flatMap(([id, { status }]) => {
    if (status !== 'failed' || mappingOfSliceId(id) !== mapping.id) return []
    const window = windowOfSliceId(id)
    const wanted = range !== undefined && intersect(range, window) !== undefined
    const found = slices.some((slice) => intersect(slice.window, window) !== undefined)
    return wanted && !found ? [sliceOf(mapping, window, [])] : []
  })
}

/** A later wish that contradicts what was done: another target, or a window that is no longer asked for. */
function contradictions(
  migration: Migration,
  expanded: readonly ExpandedMapping[],
  state: State | undefined,
): Diagnostic[] {
  const messages = new Map<string, Mapping | undefined>()
  for (const [id, slice] of Object.entries(state?.slices ?? {})) {
    if (slice.status === 'failed' && !isSettled(slice)) continue
    const window = windowOfSliceId(id)
    const wishes = expanded.filter(({ planned }) => planned.id === mappingOfSliceId(id))
    const same = wishes.find(({ planned, mapping }) => {
      const range = intersect(migration.timeRange, mapping.timeRange)
      const shared = range && intersect(range, window)
      const sameTarget = planned.target === slice.target || !isSettled(slice)
      return sameTarget && shared?.start === window.start && shared.end === window.end
    })
    if (same !== undefined) continue
    const elsewhere = wishes.find(({ planned }) => planned.target !== slice.target)
    const what = `${showSlice(id)}, was ${WAS[slice.status]} for "${slice.target}"`
    if (elsewhere !== undefined)
      messages.set(`${what}; the manifest now says "${elsewhere.planned.target}"`, elsewhere.mapping)
    else if (wishes.length > 0)
      messages.set(`${what}; the manifest's time range no longer holds it`, wishes[0]?.mapping)
    else messages.set(`${what}; the manifest no longer maps it`, undefined)
  }
  return [...messages].slice(0, CONTRADICTIONS_SHOWN).map(([message, mapping], shown) => ({
    severity: 'error',
    code: 'state/contradiction',
    message: shown === CONTRADICTIONS_SHOWN - 1 ? `${message} (${messages.size} slices in all)` : message,
    file: migration.file,
    ...(mapping && { position: { ...mapping.position, length: 1 } }),
    hint: 'Take the change back, or keep this migration and begin another one with its own state file (--state).',
  }))
}

const WAS: Record<SliceState['status'], string> = {
  exported: 'exported',
  sending: 'partly written',
  written: 'written',
  failed: 'partly written',
}

const CONTRADICTIONS_SHOWN = 5

/** Shards on disk that meta.db does not know, in the windows of slices. */
function orphansIn(
  policy: CatalogRetentionPolicy,
  slices: readonly Slice[],
): { shard: number; where: string }[] {
  return policy.shardGroups.flatMap((group) =>
    group.shards
      .filter((shard) => shard.orphan && slices.some(({ window }) => intersect(window, group) !== undefined))
      .map(({ id }) => ({ shard: id, where: `shard ${id} (${formatWindow(group)})` })),
  )
}

/** A wrapped influx_inspect is given the real folders, and exports what lies in them; a plain one gets the slice's files. */
function exportsOrphans({ sources }: Migration, { source }: PlannedMapping): boolean {
  return sources.some(
    (one) =>
      one.name === source &&
      one.kind === 'data-dir' &&
      one.reader === 'influx_inspect' &&
      one.command.length > 1,
  )
}

function orphanError(migration: Migration, mapping: Mapping, what: string): Diagnostic {
  return {
    severity: 'error',
    code: 'source/orphan-shard',
    message: `${what} is on disk but not in meta.db: influxd would not answer from it, and influx_inspect would export it`,
    file: migration.file,
    position: { ...mapping.position, length: 1 },
    hint: 'Use "reader: tsm", give "command" as the plain program, work on a copy without this shard, or narrow the timeRange.',
  }
}

function databasesOf(expanded: readonly ExpandedMapping[]): PlannedDatabase[] {
  const databases = new Map<string, PlannedDatabase>()
  for (const { planned, mapping, retentionPolicy } of expanded) {
    databases.set(planned.target, {
      name: planned.target,
      retentionPeriod:
        mapping.retentionPeriod === 'source' ? (retentionPolicy.duration ?? 0n) : mapping.retentionPeriod,
      maxTables: mapping.maxTables,
      maxColumns: mapping.maxColumns,
      partitionTemplate: mapping.partitionTemplate,
    })
  }
  return [...databases.values()]
}

function nameOf({ source, database, retentionPolicy }: PlannedMapping): string {
  return database === '' ? source : `${source} "${database}"."${retentionPolicy}"`
}
