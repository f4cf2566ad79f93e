import type { Slice } from '../plan/plan.ts'
import { stateOf, type RunContext } from './context.ts'

/** Progress of the comparing, in points that should be there. */
export class VerifyProgress {
  readonly #context: RunContext
  readonly #slices: number
  readonly #total: number
  #done = 0
  #rows = 0
  #finished = 0

  constructor(context: RunContext, slices: readonly Slice[]) {
    this.#context = context
    this.#slices = slices.length
    this.#total = slices.reduce((sum, slice) => sum + sentOf(context, slice).points, 0)
  }

  finish(slice: Slice): void {
    this.#finished += 1
    const { points, lines } = sentOf(this.#context, slice)
    this.#done += points
    this.#rows += lines
    this.#context.observe({
      type: 'progress',
      phase: 'verify',
      progress: {
        ...{ slices: this.#finished, slicesTotal: this.#slices, rows: this.#rows },
        ...{ done: this.#done, total: this.#total, bytes: 0 },
      },
    })
  }
}

function sentOf(context: RunContext, slice: Slice): { points: number; lines: number } {
  const state = stateOf(context, slice)
  return state?.status === 'written' ? state.sent : { points: 0, lines: 0 }
}
