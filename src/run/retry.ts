/** `retry --dead-letter`: what was refused, tried again after the manifest or the cluster was changed. */
import { ExitCode } from '../core/failure.ts'
import { openAdmin } from '../cluster/admin.ts'
import { Lanes } from '../cluster/lanes.ts'
import { readDeadLetters } from '../lines/read-dead-letters.ts'
import type { PlannedMapping } from '../plan/plan.ts'
import { stateOf, type RunContext } from './context.ts'
import { expectLettersClose } from './letters-close.ts'
import { retryLetters, type Retried } from './retry-letters.ts'
import { expectSumsClose } from './sums.ts'
import { tidyUp } from './tidy-up.ts'
import { Tokens } from './token.ts'
import { deadLetterPath, lockWorkFolder } from './work-folder.ts'

export interface RetryResult {
  mappings: { mapping: PlannedMapping; retried: Retried }[]
  exitCode: ExitCode
}

/**
 * Tries the letters of the slices of `context`. Exit code 0 when none is left, else 3.
 *
 * @throws Failure `dead-letter/...`, `lock/held`, `token/...`, `write/...`; the signal's reason. What was stored is kept.
 */
export async function retryDeadLetters(context: RunContext): Promise<RetryResult> {
  const lock = await lockWorkFolder(context.migration)
  try {
    await tidyUp(context)
    // What does not close before would not afterwards.
    await expectLettersClose(context)
    const mappings = await mappingsWithLetters(context)
    const results = mappings.length === 0 ? [] : await retryAll(context, mappings)
    const isLeft = results.some(({ retried: { refused, left } }) => refused + left.size > 0)
    return { mappings: results, exitCode: isLeft ? ExitCode.refusedOrDiffers : ExitCode.done }
  } finally {
    await context.state.save()
    await lock.release()
  }
}

async function mappingsWithLetters(context: RunContext): Promise<PlannedMapping[]> {
  const found = new Map<string, PlannedMapping>()
  for (const { mapping } of context.slices) {
    if (found.has(mapping.id)) continue
    const letters = readDeadLetters(deadLetterPath(context.migration, mapping))
    if (!(await letters.next()).done) found.set(mapping.id, mapping)
    await letters.return(undefined)
  }
  return [...found.values()]
}

async function retryAll(
  context: RunContext,
  mappings: readonly PlannedMapping[],
): Promise<RetryResult['mappings']> {
  const { migration, clock, signal } = context
  const admin = await openAdmin(migration.target, signal)
  const tokens = new Tokens(context)
  try {
    await tokens.obtain(admin)
    const { concurrency, limit } = migration.target.write
    const lanes = new Lanes({ concurrency, limit, clock })
    const results: RetryResult['mappings'] = []
    for (const mapping of mappings) {
      const retried = await retryLetters(context, mapping.id, (database) => tokens.clientFor(database), lanes)
      results.push({ mapping, retried })
    }
    for (const slice of context.slices) {
      const state = stateOf(context, slice)
      if (state?.status === 'written') expectSumsClose(slice, state)
    }
    await expectLettersClose(context)
    return results
  } finally {
    tokens.close()
    await admin?.close()
  }
}
