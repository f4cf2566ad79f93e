import type { Clock } from '../io/clock.ts'

/** Bytes a second over everybody who takes. Requests are spread evenly: each waits until those before it are paid off. */
export class RateLimit {
  readonly #bytesPerSecond: number | undefined
  readonly #clock: Clock
  /** When everything taken so far is paid off, milliseconds. */
  #paidOff = 0

  /** `undefined` is no limit. */
  constructor(bytesPerSecond: number | undefined, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond
    this.#clock = clock
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === undefined) return
    const now = this.#clock.now()
    const start = Math.max(now, this.#paidOff)
    this.#paidOff = start + (bytes / this.#bytesPerSecond) * 1000
    if (start > now) await this.#clock.sleep(start - now, signal)
  }
}
