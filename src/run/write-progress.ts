import type { Slice } from '../plan/plan.ts'
import type { BatchOutcome } from '../state/state.ts'
import { stateOf, type RunContext } from './context.ts'

/** Progress of the writing, in gzipped bytes acknowledged, those of earlier runs included. */
export class WriteProgress {
  readonly #context: RunContext
  readonly #slices: number
  readonly #total: number
  readonly #before: number
  #finished = 0
  #told = 0
  /** Rows and bytes acknowledged in this run. */
  rows = 0
  bytes = 0

  constructor(context: RunContext, slices: readonly Slice[]) {
    this.#context = context
    this.#slices = slices.length
    const states = slices
      .map((slice) => stateOf(context, slice))
      .filter((state) => state?.status === 'exported')
    this.#total = states.reduce((sum, { counts }) => sum + counts.gzipBytes, 0)
    this.#before = states.reduce((sum, { sent }) => sum + sent.bytes, 0)
    this.#tell()
  }

  acknowledged({ lines, bytes }: BatchOutcome): void {
    this.rows += lines
    this.bytes += bytes
    if (this.#context.clock.now() - this.#told >= TELL_EVERY) this.#tell()
  }

  finish(): void {
    this.#finished += 1
    this.#tell()
  }

  #tell(): void {
    this.#told = this.#context.clock.now()
    this.#context.observe({
      type: 'progress',
      phase: 'write',
      progress: {
        slices: this.#finished,
        slicesTotal: this.#slices,
        rows: this.rows,
        done: this.#before + this.bytes,
        total: this.#total,
        bytes: this.bytes,
      },
    })
  }
}

/** Milliseconds between two reports. */
const TELL_EVERY = 200
