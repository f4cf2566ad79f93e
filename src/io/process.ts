/** Running other programs. The only file that knows execa. */
import { execa, type Options } from 'execa'
import { Failure, systemCodeOf } from '../core/failure.ts'

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

export function notFound(program: string, cause: unknown): Failure {
  const reason = systemCodeOf(cause) === 'EACCES' ? 'is not executable' : 'was not found'
  return new Failure('process/not-found', `${program} ${reason}`, {
    remedy: `Install it, put its folder on PATH, or give its full path in the manifest ("command: [/path/to/${program}]").`,
    cause,
  })
}
