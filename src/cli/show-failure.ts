import { inspect, styleText } from 'node:util'
import { Failure, reasonOf } from '../core/failure.ts'
import { fold } from '../manifest/cells.ts'

/** Columns of a place that is not a terminal, and the most that are read with ease. */
const WIDTH = 110

/** What went wrong, where, and what to do now, for standard error. A stack is shown for a defect, or with `--debug`. */
export function showFailure(error: unknown, debug: boolean): string {
  const style = (format: 'red' | 'dim', text: string) => styleText(format, text, { stream: process.stderr })
  const failure = error instanceof Failure ? error : ofSystem(error)
  if (failure === undefined) {
    return (
      `${style('red', 'error:')} influx-ferry has a defect; the state was saved and a rerun goes on from it.\n` +
      `${inspect(error)}\nPlease report this with the lines above.\n`
    )
  }
  const { code, message, where, remedy } = failure
  const width = Math.min(process.stderr.columns ?? WIDTH, WIDTH) - 2
  const lines = [
    `${style('red', 'error:')} ${message} ${style('dim', `(${code})`)}`,
    where && `  at ${where}`,
    ...(remedy ?? '').split('\n').flatMap((line) => fold(line, width).map((part) => `  ${part}`.trimEnd())),
    debug && failure.cause !== undefined && `\n${inspect(failure.cause)}`,
  ]
  return `${lines.filter((line) => typeof line === 'string' && line !== '').join('\n')}\n`
}

/** An error of the operating system that no one has foreseen is no defect: a full disk, a missing right, a bad disk. */
function ofSystem(error: unknown): Failure | undefined {
  const { syscall, path, code } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException
  if (syscall === undefined || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return undefined
  return new Failure('system/refused', `the system refused "${syscall}": ${reasonOf(error)}`, {
    ...(path !== undefined && { where: path }),
    remedy: 'Mend that and run again: the state was saved, and a rerun goes on from it.',
    cause: error,
  })
}
