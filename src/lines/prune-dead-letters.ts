import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { systemCodeOf } from '../core/failure.ts'
import type { DeadLetter } from './dead-letter.ts'

/**
 * Leaves in a dead letter file the letters that count. A run that was killed leaves some that do not: of a slice
 * that will be exported anew, of a batch that will be sent again, and the torn last line. A file with nothing to
 * take out is not touched; a missing one is fine.
 */
export async function pruneDeadLetters(path: string, counts: (letter: DeadLetter) => boolean): Promise<void> {
  const kept = `${path}.${process.pid}.tmp`
  const out = await open(kept, 'wx').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined // not even the folder is there
    throw error
  })
  if (out === undefined) return
  let dropped = 0
  try {
    for await (const line of linesOf(path)) {
      const letter = parse(line)
      if (letter !== undefined && counts(letter)) await out.write(`${line}\n`)
      else dropped += 1
    }
    await out.sync()
  } finally {
    await out.close()
  }
  if (dropped > 0) await rename(kept, path)
  else await rm(kept, { force: true })
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

function parse(line: string): DeadLetter | undefined {
  try {
    return JSON.parse(line) as DeadLetter
  } catch {
    return undefined
  }
}
