import type { Clock } from '../../src/io/clock.ts'

/** Sleeping takes no time, and moves the clock on; what was slept is remembered. */
export class FastClock implements Clock {
  readonly slept: number[] = []
  #now: number

  constructor(now = Date.parse('2024-01-01T00:00:00Z')) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.slept.push(milliseconds)
    this.#now += milliseconds
    // Others get their turn, as they would in a real sleep.
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
  }
}
