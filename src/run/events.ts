/** What a run tells while it works: the events of `schemas/event.schema.json`. */
export type { Phase, PreflightEvent, Progress, RunEvent } from './event.generated.ts'
import type { Phase, RunEvent } from './event.generated.ts'

/** In the order they are run. */
export const PHASES: readonly Phase[] = ['validate', 'export', 'create', 'token', 'write', 'verify']

export type Observer = (event: RunEvent) => void

/** Code of the failure that an interruption is. */
export const INTERRUPTED = 'run/interrupted'
