/** Where a migration keeps what it makes: spool files, dead letters, tokens. All below `spool.dir`. */
import { join } from 'node:path'
import type { Migration } from '../manifest/migration.ts'
import type { PlannedMapping, Slice } from '../plan/plan.ts'

export function spoolFolder({ spool }: Migration): string {
  return join(spool.dir, 'spool')
}

export function spoolPath(migration: Migration, slice: Slice): string {
  return `${join(spoolFolder(migration), slice.id)}.lp.gz`
}

export function deadLetterPath({ spool }: Migration, mapping: PlannedMapping): string {
  return `${join(spool.dir, 'dead-letter', mapping.id)}.ndjson`
}

/** Sorted runs of points, or of a WAL, of an export under way; removed with it. */
export function sortedRunsPath({ spool }: Migration): string {
  return join(spool.dir, 'runs')
}
