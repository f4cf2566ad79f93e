import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Failure, reasonOf } from '../core/failure.ts'
import type { DeadLetter, DeadLetterSink } from './dead-letter.ts'

const PENDING_CHARACTERS = 1 << 18

/** A dead letter file: one JSON document a line, appended to. */
export interface DeadLetterFile extends DeadLetterSink {
  /** Letters added since it was opened. */
  readonly count: number
  /** Flushes and closes. */
  close(): Promise<void>
}

/**
 * Opens (or creates, with its folder) a dead letter file for appending. Letters are written in blocks, and
 * are safe on disk once `flush` has returned.
 *
 * @throws Failure `dead-letter/unwritable`, also from `add`, `flush` and `close`
 */
export async function openDeadLetters(path: string): Promise<DeadLetterFile> {
  let pending = ''
  let count = 0
  const guarded = <T>(action: () => T): T => {
    try {
      return action()
    } catch (error) {
      throw new Failure('dead-letter/unwritable', `cannot write the dead letter: ${reasonOf(error)}`, {
        where: path,
        remedy: 'Make room or give write permission there, and run again.',
        cause: error,
      })
    }
  }
  const file = guarded(() => {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, 'a', 0o600)
  })
  const write = (): void => {
    const bytes = Buffer.from(pending)
    pending = ''
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
  }
  const flush = async (): Promise<void> => {
    guarded(() => {
      write()
      fsyncSync(file)
    })
  }
  return {
    get count() {
      return count
    },
    add(letter: DeadLetter): void {
      count += 1
      pending += `${JSON.stringify(letter)}\n`
      if (pending.length > PENDING_CHARACTERS) guarded(write)
    },
    flush,
    async close(): Promise<void> {
      await flush()
      closeSync(file)
    },
  }
}
