import { open, rename, rm } from 'node:fs/promises'
import { systemCodeOf } from '../core/failure.ts'
import type { DeadLetter } from './dead-letter.ts'
import { readDeadLetters } from './read-dead-letters.ts'

/**
 * Leaves in a dead letter file the letters that count. A run that was killed leaves some that do not: of a slice
 * that will be exported anew, of a batch that will be sent again, and the torn last line. A file with nothing to
 * take out is not touched; a missing one is fine. Other lines that are no letters stay: someone edited them.
 */
export async function pruneDeadLetters(path: string, counts: (letter: DeadLetter) => boolean): Promise<void> {
  const kept = `${path}.${process.pid}.tmp`
  const out = await open(kept, 'wx').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined // not even the folder is there
    throw error
  })
  if (out === undefined) return
  let isOther = false
  try {
    for await (const { text, letter, next } of readDeadLetters(path)) {
      const stays = letter === undefined ? next !== undefined : counts(letter)
      if (stays) await out.write(Buffer.concat([text, Buffer.from('\n')]))
      // What is appended next must not follow on a line without an end.
      if (!stays || next === undefined) isOther = true
    }
    await out.sync()
  } finally {
    await out.close()
  }
  if (isOther) await rename(kept, path)
  else await rm(kept, { force: true })
}
