/** Cutting a retention policy into slices. */
import { hashOf } from '../core/canonical-json.ts'
import { formatWindow, intersect, type TimeWindow } from '../core/time.ts'
import type { CatalogFile, CatalogRetentionPolicy, ShardGroup } from '../source/catalog.ts'
import type { PlannedMapping, Slice } from './plan.ts'

/**
 * One slice a shard group, cut to `range`; shard groups whose windows overlap (a changed shard duration, truncated
 * shards) become one slice, so that a point belongs to exactly one. A window without a byte on disk gives none.
 */
export function slicesOf(
  mapping: PlannedMapping,
  policy: CatalogRetentionPolicy,
  range: TimeWindow,
): Slice[] {
  return mergeOverlapping(policy.shardGroups).flatMap(({ groups, ...whole }) => {
    const window = intersect(whole, range)
    const files = groups.flatMap(({ shards }) =>
      shards
        .filter(({ orphan }) => !orphan)
        .flatMap((shard) => [...shard.tsmFiles, ...shard.tombstoneFiles, ...shard.walFiles]),
    )
    if (window === undefined || files.every(({ bytes }) => bytes === 0)) return []
    return [sliceOf(mapping, window, files)]
  })
}

export function sliceOf(mapping: PlannedMapping, window: TimeWindow, files: CatalogFile[]): Slice {
  return { id: `${mapping.id}/${window.start}_${window.end}`, mapping, window, files }
}

/** The window of a slice id. */
export function windowOfSliceId(id: string): TimeWindow {
  const [start = '0', end = '0'] = id.slice(id.lastIndexOf('/') + 1).split('_')
  return { start: BigInt(start), end: BigInt(end) }
}

export function mappingOfSliceId(id: string): string {
  return id.slice(0, id.lastIndexOf('/'))
}

/** A slice id as people read it: `plant-1/plant/autogen, 2024-03-04T00:00:00Z .. 2024-03-11T00:00:00Z`. */
export function showSlice(id: string): string {
  if (!/\/-?\d+_-?\d+$/.test(id)) return id
  return `${decodeURIComponent(mappingOfSliceId(id))}, ${formatWindow(windowOfSliceId(id))}`
}

/** Tells whether the source files of a slice are those that were seen before: path, bytes and modification time. */
export function fingerprintOf({ files }: Slice): string {
  return hashOf(files.map(({ path, bytes, modified }) => [path, bytes, modified]))
}

/** What is left of a slice when `done` windows of the same mapping are taken out of it. */
export function withoutWindows(slice: Slice, done: readonly TimeWindow[]): Slice[] {
  let left: TimeWindow[] = [slice.window]
  for (const gone of done) {
    left = left.flatMap((window) => {
      if (intersect(window, gone) === undefined) return [window]
      return [
        { start: window.start, end: gone.start },
        { start: gone.end, end: window.end },
      ].filter(({ start, end }) => start < end)
    })
  }
  return left.map((window) => (window === slice.window ? slice : sliceOf(slice.mapping, window, slice.files)))
}

function mergeOverlapping(groups: readonly ShardGroup[]): (TimeWindow & { groups: ShardGroup[] })[] {
  const merged: (TimeWindow & { groups: ShardGroup[] })[] = []
  const known = groups.filter(({ shards }) => shards.some(({ orphan }) => !orphan))
  for (const group of known.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
    const last = merged.at(-1)
    if (last === undefined || last.end <= group.start)
      merged.push({ start: group.start, end: group.end, groups: [group] })
    else {
      last.groups.push(group)
      if (group.end > last.end) last.end = group.end
    }
  }
  return merged
}

/** Tells whether a slice's points go through the same transforms as before; `undefined`: through none. */
export function transformsHash({ mapping: { transforms } }: Slice): string | undefined {
  return transforms === undefined ? undefined : hashOf(transforms)
}
