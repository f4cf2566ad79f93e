import { intersect, type TimeWindow } from '../core/time.ts'
import type { Mapping, Migration } from '../manifest/migration.ts'
import { matchesPattern } from '../manifest/target-name.ts'
import type { PlannedMapping, Slice } from '../plan/plan.ts'

/**
 * The manifest's mapping that a slice is of: as in plan/expand.ts, the first one that names its database and retention
 * policy; of several for parts of time, the one whose part it is.
 */
export function mappingOf(
  { mappings }: Pick<Migration, 'mappings'>,
  { mapping, window }: Pick<Slice, 'mapping' | 'window'>,
): Mapping {
  const named = mappings.filter((one) => names(one, mapping))
  const found = named.find(({ timeRange }) => meets(timeRange, window)) ?? named[0]
  if (found === undefined) throw new Error(`the manifest has no mapping for ${mapping.id}`)
  return found
}

function names(mapping: Mapping, { source, database, retentionPolicy }: PlannedMapping): boolean {
  return (
    mapping.source === source &&
    matchesPattern(mapping.database ?? '*', database) &&
    matchesPattern(mapping.retentionPolicy ?? '*', retentionPolicy)
  )
}

function meets(range: TimeWindow, window: TimeWindow): boolean {
  return intersect(range, window) !== undefined
}
