import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { systemCodeOf } from '../core/failure.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import type { Slice } from '../plan/plan.ts'
import { isAcknowledged } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { deadLetterPath } from './work-folder.ts'

/** Letters of a slice that count: those of batches that nobody acknowledged are sent, and refused, again. */
export async function* lettersOf({ migration, state }: RunContext, slice: Slice): AsyncGenerator<DeadLetter> {
  const path = deadLetterPath(migration, slice.mapping)
  try {
    for await (const line of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Infinity,
    })) {
      const letter = letterOf(line)
      if (letter?.slice !== slice.id) continue
      if (letter.batch === undefined || isAcknowledged(state.state, slice.id, letter.batch)) yield letter
    }
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

/** A torn last line is no letter. */
function letterOf(line: string): DeadLetter | undefined {
  try {
    return JSON.parse(line) as DeadLetter
  } catch {
    return undefined
  }
}
