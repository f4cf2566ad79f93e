/** Running other programs. The only file that knows execa. */
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Options } from 'execa'
import { Failure, systemCodeOf } from '../core/failure.ts'

/** It is a hundred files, and most runs start no program. */
const load = () => import('execa')

export interface RunOptions {
  /** Written to standard input; the way secrets reach a program. */
  input?: string
  env?: Record<string, string>
  /** Milliseconds. */
  timeout?: number
  signal?: AbortSignal
}

export interface Finished {
  exitCode: number
  stdout: string
  stderr: string
}

/**
 * Runs `command` (program and leading arguments, as the manifest gives it) with `args` appended, to its end.
 * A non-zero exit code is an answer, not an error. Arguments must not hold secrets: `ps` shows them.
 *
 * @throws Failure `process/not-found`, `process/timeout`, `process/signal`
 */
export async function runToEnd(
  command: readonly string[],
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const [program = '', ...leading] = command
  const execaOptions: Options = {
    reject: false,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.env && { env: options.env }),
    ...(options.timeout !== undefined && { timeout: options.timeout }),
    ...(options.signal && { cancelSignal: options.signal }),
  }
  const { execa } = await load()
  const result = await execa(program, [...leading, ...args], execaOptions)
  if (result.isCanceled) throw options.signal?.reason
  if (result.timedOut)
    throw new Failure(
      'process/timeout',
      `${program} gave no answer within ${(options.timeout ?? 0) / 1000} s`,
    )
  if (systemCodeOf(result.cause) !== undefined && result.exitCode === undefined)
    throw notFound(program, result.cause)
  if (result.exitCode === undefined)
    throw new Failure('process/signal', `${program} was ended by ${result.signal ?? 'a signal'}`)
  return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) }
}

export interface StreamingProcess {
  /** Raw bytes. Both must be read to their ends, or the program is held up. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** The program is gone; its output may not have been read yet. Never rejects. */
  readonly exited: Promise<void>
  /** Gone, and its output read. Never rejects. */
  readonly ended: Promise<StreamingEnd>
  /** SIGTERM, and SIGKILL when it is still there five seconds later. */
  kill(): void
}

/** `exitCode` is undefined when a signal ended the program, or when it could not be started (`failure`). */
export interface StreamingEnd {
  exitCode: number | undefined
  signal: string | undefined
  failure: Failure | undefined
}

/**
 * Runs a program whose output is too large to hold. An abort of `signal` ends it; with `pidFile`, a path in a folder
 * of ours, so does the end of this process, however it comes (kill -9 too).
 */
export async function spawnStreaming(
  command: readonly string[],
  args: readonly string[],
  { signal, pidFile }: { signal: AbortSignal; pidFile?: string },
): Promise<StreamingProcess> {
  const { execa } = await load()
  const [program = ''] = command
  const guard = pidFile === undefined ? undefined : startGuard(execa, pidFile)
  // Its number is written before it is started: there is no moment in which nobody knows it.
  const started =
    pidFile === undefined ? command : ['sh', '-c', 'echo $$ >"$0"; exec "$@"', pidFile, ...command]
  const [starter = '', ...leading] = started
  const child = execa(starter, [...leading, ...args], {
    reject: false,
    buffer: false,
    encoding: 'buffer',
    stdin: 'ignore',
    cancelSignal: signal,
    forceKillAfterDelay: KILL_AFTER,
  })
  const ended = child.then((result): StreamingEnd => {
    guard?.kill('SIGKILL')
    const unstarted = result.exitCode === undefined && result.signal === undefined && !result.isCanceled
    // What a shell answers for a program that is not there; a longer command's own words may say more.
    const unknown = guard !== undefined && result.exitCode === NOT_FOUND && command.length === 1
    return {
      exitCode: result.exitCode,
      signal: result.signal,
      failure: unstarted || unknown ? notFound(program, result.cause) : undefined,
    }
  })
  const exited = Promise.race([once(child, 'exit'), ended]).then(
    () => undefined,
    () => undefined,
  )
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    ended,
    kill: () => void child.kill(),
  }
}

/** Milliseconds between SIGTERM and SIGKILL. */
const KILL_AFTER = 5000

/** exec(1) of a POSIX shell. */
const NOT_FOUND = 127

/**
 * A shell that waits for the end of its standard input, which only this process holds open, and then ends the process
 * whose number is in the file, or will be in a moment. It is stopped by SIGKILL: closing its input is what it waits for.
 */
function startGuard(execa: Awaited<ReturnType<typeof load>>['execa'], pidFile: string) {
  return execa('sh', ['-c', GUARD, 'sh', pidFile], {
    reject: false,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    forceKillAfterDelay: false,
  })
}

/** Ctrl-C reaches it as well, and is not the end yet. */
const GUARD = `trap '' INT
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -s "$1" ] && break
  sleep 0.2
done
kill "$(cat "$1")"`

export function notFound(program: string, cause: unknown): Failure {
  const reason = systemCodeOf(cause) === 'EACCES' ? 'is not executable' : 'was not found'
  return new Failure('process/not-found', `${program} ${reason}`, {
    remedy: `Install it, put its folder on PATH, or give its full path in the manifest:\ncommand: [/path/to/${program}]`,
    cause,
  })
}
