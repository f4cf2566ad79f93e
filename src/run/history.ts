/** The run's own history: what is told of phases and warnings is kept in the state, for reports. */
import type { RunContext } from './context.ts'
import { INTERRUPTED, type RunEvent } from './events.ts'

/** The context with an observer that also puts down in the state what it hears. */
export function withHistory(context: RunContext): RunContext {
  const { state, clock } = context
  const keep = (event: RunEvent) => {
    if (event.type === 'phase-started')
      state.apply({ type: 'phase-started', at: new Date(clock.now()).toISOString(), phase: event.phase })
    else if (event.type === 'phase-done')
      state.apply({ type: 'phase-ended', seconds: event.seconds, outcome: 'done' })
    else if (event.type === 'phase-failed') {
      const outcome = event.code === INTERRUPTED ? 'interrupted' : 'failed'
      state.apply({ type: 'phase-ended', seconds: event.seconds, outcome })
    } else if (event.type === 'warning') state.apply({ type: 'warned', message: event.message })
  }
  return {
    ...context,
    observe(event) {
      keep(event)
      if (event.type !== 'progress' || event.phase !== 'write') return context.observe(event)
      const { acknowledged } = state.state.runs.at(-1) ?? {}
      context.observe({ ...event, ...(acknowledged !== undefined && { acknowledged }) })
    },
  }
}
