import { inspect, styleText } from 'node:util'
import { Failure } from '../core/failure.ts'

/** What went wrong, where, and what to do now. A stack is shown for a defect, or with `--debug`. */
export function showFailure(error: unknown, debug: boolean): string {
  if (!(error instanceof Failure)) {
    return (
      `${styleText('red', 'error:')} influx-ferry has a defect; the state was saved and a rerun goes on from it.\n` +
      `${inspect(error)}\nPlease report this with the lines above.\n`
    )
  }
  const { code, message, where, remedy } = error
  const lines = [
    `${styleText('red', 'error:')} ${message} ${styleText('dim', `(${code})`)}`,
    where && `  at ${where}`,
    remedy && `  ${remedy.replaceAll('\n', '\n  ')}`,
    debug && error.cause !== undefined && `\n${inspect(error.cause)}`,
  ]
  return `${lines.filter((line) => typeof line === 'string' && line !== '').join('\n')}\n`
}
