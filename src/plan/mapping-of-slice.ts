import { intersect } from '../core/time.ts'
import type { Mapping, Migration } from '../manifest/migration.ts'
import { matches, targetOf } from './expand.ts'
import type { Slice } from './plan.ts'

/** The mapping of the manifest that a planned slice comes from: of several that name its data, the one with its target and time. */
export function mappingOfSlice(migration: Migration, { mapping, window }: Slice): Mapping {
  const { source, database, retentionPolicy, target } = mapping
  const found = migration.mappings.find(
    (one) =>
      one.source === source &&
      matches(one.database, database) &&
      matches(one.retentionPolicy, retentionPolicy) &&
      targetOf(one, database, retentionPolicy) === target &&
      intersect(one.timeRange, window) !== undefined,
  )
  if (found === undefined) throw new Error(`the manifest does not map ${mapping.id} to ${target}`)
  return found
}
