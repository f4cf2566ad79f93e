/** Keeping a created token's secret outside of state and logs: a 0600 file, or a command's standard input. */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import { runToEnd } from '../io/process.ts'

export interface KeptToken {
  secret: string
  /** Milliseconds since the epoch. */
  writtenAt: number
  notes: string[]
}

/** `undefined` when there is no such file, or nothing in it. @throws Failure `token/unreadable` */
export async function readKeptToken(path: string): Promise<KeptToken | undefined> {
  try {
    const { mtimeMs, mode } = await stat(path)
    const secret = (await readFile(path, 'utf8')).trim()
    if (secret === '') return undefined
    const notes = (mode & 0o077) === 0 ? [] : [`others can read the token in ${path}: chmod 600 it`]
    return { secret, writtenAt: mtimeMs, notes }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new Failure('token/unreadable', `cannot read the kept token: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Make it readable, or remove it: a new token is created then.',
      cause: error,
    })
  }
}

/** Before a token is created: what cannot be kept must not be made. @throws Failure `token/no-place` */
export async function preparePlace(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Failure('token/no-place', `there is no place to keep a new token: ${reasonOf(error)}`, {
      where: dirname(path),
      remedy: 'Make the folder writable, or name another file ("keep: { file: ... }").',
      cause: error,
    })
  }
}

/** `where` is a path, or a command (program and arguments) that gets the secret and a newline. @throws Failure `token/not-kept` */
export async function keepToken(
  where: string | string[],
  secret: string,
  id: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (typeof where === 'string') {
      await writeFileAtomically(where, `${secret}\n`, 0o600)
      return
    }
    const { exitCode } = await runToEnd(where, [], { input: `${secret}\n`, signal, timeout: 60_000 })
    if (exitCode !== 0) throw new Error(`it ended with exit code ${exitCode}`)
  } catch (error) {
    signal.throwIfAborted()
    const place = typeof where === 'string' ? where : `the command ${where[0] ?? ''}`
    throw new Failure('token/not-kept', `the new token could not be kept: ${reasonOf(error)}`, {
      where: place,
      remedy: `Mend ${place} and run again: a new token is created.${id === undefined ? '' : ` Revoke the lost one: ${id}`}`,
      cause: error,
    })
  }
}
