import type { Migration } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import type { StateFile } from '../state/state-file.ts'

/** A run under way, for those who look at it from outside. */
export interface Followed {
  migration: Migration
  /** Slices of the plan. */
  slices: readonly Slice[]
  /** Its `state` is another value after every event. */
  state: Pick<StateFile, 'path' | 'state'>
  /** Commands that do it again. */
  reproduce: string[]
}
