import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeLeftProfiles } from '../cluster/influxctl-profile.ts'
import { removeLeftBehind } from '../io/left-behind.ts'
import { pruneDeadLetters } from '../lines/prune-dead-letters.ts'
import { settleRewritten } from '../lines/rewritten-dead-letters.ts'
import { removeLiveCopy } from '../source/tsm/live-copy.ts'
import { isAcknowledged } from '../state/state.ts'
import { stateOf, type RunContext } from './context.ts'
import { deadLetterPath, spoolFolder, spoolPath } from './work-folder.ts'

/**
 * Removes what killed runs leave: dead letters of batches that nobody acknowledged, spools of slices just written,
 * drafts of files, influxctl profiles, snapshots of sources. What an export leaves, the next export of its slice replaces.
 */
export async function tidyUp(context: RunContext): Promise<void> {
  const { migration } = context
  await removeLeftBehind(migration.spool.dir, '', /\.(\d+)\.tmp$/, true)
  if (migration.target.admin.kind === 'influxctl') await removeLeftProfiles()
  for (const source of migration.sources)
    if (source.kind === 'data-dir' && source.snapshotDir !== undefined)
      await removeLiveCopy(source.snapshotDir)
  await removeSentSpools(context)
  await settleRetriedLetters(context)
  await pruneLetters(context)
}

/** A retry that was killed may have moved letters in the state, and not in their file. */
export async function settleRetriedLetters({ migration, plan, state }: RunContext): Promise<void> {
  for (const mapping of plan.mappings)
    await settleRewritten(deadLetterPath(migration, mapping), state.state.deadLetters?.[mapping.id])
}

/**
 * Leaves the letters of batches that are acknowledged, and those of the reading of slices that are read to their end and
 * will not be read again. No dead letter may be open.
 */
export async function pruneLetters({ migration, plan, state }: RunContext): Promise<void> {
  const files = new Set(plan.mappings.map((mapping) => deadLetterPath(migration, mapping)))
  for (const file of files) {
    await pruneDeadLetters(file, ({ slice, batch }) => {
      const status = state.state.slices[slice]?.status
      if (batch === undefined) return status === 'exported' || status === 'written'
      return isAcknowledged(state.state, slice, batch)
    })
  }
}

async function removeSentSpools(context: RunContext): Promise<void> {
  const { migration } = context
  const folder = spoolFolder(migration)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const there = new Set(
    entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)),
  )
  if (there.size === 0) return
  for (const slice of context.slices) {
    if (stateOf(context, slice)?.status !== 'written') continue
    const path = spoolPath(migration, slice)
    for (const file of [path, `${path}.index.json`]) if (there.has(file)) await rm(file, { force: true })
  }
}
