import { ExitCode, Failure } from '../core/failure.ts'
import { INTERRUPTED } from '../run/events.ts'

/**
 * A signal that SIGINT and SIGTERM abort, once: the work under way stops cleanly and the state is saved. A second
 * one ends the process at once; the state file is whole even then.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted)
    const interrupted = new Failure(INTERRUPTED, `interrupted (${name}); the state is saved`, {
      remedy: 'Run the same command again: it goes on where this one stopped.',
      exit: ExitCode.interrupted,
    })
    controller.abort(interrupted)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller.signal
}
