import type { DeadLetter } from '../lines/dead-letter.ts'
import { readDeadLetters } from '../lines/read-dead-letters.ts'
import type { Slice } from '../plan/plan.ts'
import { isAcknowledged } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { deadLetterPath } from './work-folder.ts'

/** Letters of a slice that count: those of batches that nobody acknowledged are sent, and refused, again. */
export async function* lettersOf({ migration, state }: RunContext, slice: Slice): AsyncGenerator<DeadLetter> {
  for await (const { letter } of readDeadLetters(deadLetterPath(migration, slice.mapping))) {
    if (letter?.slice !== slice.id) continue
    if (letter.batch === undefined || isAcknowledged(state.state, slice.id, letter.batch)) yield letter
  }
}
