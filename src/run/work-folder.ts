/** Where a migration keeps what it makes: spool files, dead letters, tokens. All below `spool.dir`. */
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, reasonOf } from '../core/failure.ts'
import type { Migration } from '../manifest/migration.ts'
import type { PlannedMapping, Slice } from '../plan/plan.ts'
import { acquireLock, type Lock } from '../state/lock.ts'

export function spoolFolder({ spool }: Migration): string {
  return join(spool.dir, 'spool')
}

export function spoolPath(migration: Migration, slice: Slice): string {
  return `${join(spoolFolder(migration), slice.id)}.lp.gz`
}

/** The figures of what a slice's batches hold (lines/figures-file.ts): kept, they are what arrived is compared with. */
export function figuresPath({ spool }: Migration, slice: Pick<Slice, 'id'>): string {
  return `${join(spool.dir, 'figures', slice.id)}.ndjson`
}

export function deadLetterPath({ spool }: Migration, mapping: PlannedMapping): string {
  return `${join(spool.dir, 'dead-letter', mapping.id)}.ndjson`
}

/** Sorted runs of points, or of a WAL, of an export under way; removed with it. */
export function sortedRunsPath({ spool }: Migration): string {
  return join(spool.dir, 'runs')
}

/**
 * Makes the work folder this run's alone: two migrations with state files of their own must not write the same spool.
 *
 * @throws Failure `spool/unwritable`, `lock/held`
 */
export async function lockWorkFolder({ spool }: Migration): Promise<Lock> {
  try {
    await mkdir(spool.dir, { recursive: true })
    await access(spool.dir, constants.W_OK)
  } catch (error) {
    throw new Failure('spool/unwritable', `cannot write to the work folder: ${reasonOf(error)}`, {
      where: spool.dir,
      remedy: 'Make it a folder that you may write to, or name another one ("spool: { dir: ... }").',
      cause: error,
    })
  }
  return acquireLock(join(spool.dir, 'work'))
}
