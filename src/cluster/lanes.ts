/**
 * How many batches are under way at once, over all slices: as many as the manifest allows, fewer while the cluster
 * says that it is overloaded.
 */
import { setMaxListeners } from 'node:events'
import type { Clock } from '../io/clock.ts'
import { RateLimit } from './rate-limit.ts'

export interface LanesOptions {
  concurrency: number
  /** Bytes a second over all lanes; `undefined`: no limit. */
  limit: number | undefined
  clock: Clock
  /** Between 0 and 1; for tests. */
  random?: () => number
  /** Told when there are more or fewer open lanes, and before a request is made again. */
  onChange?: (lanes: { open: number; retries: number }) => void
}

export interface LaneGroup {
  /** Aborted, with the reason, when one of the group failed or the group was stopped. */
  readonly signal: AbortSignal
  /** Begins work as soon as a lane is free, and resolves then. @throws the reason when the group is stopped */
  start(work: (signal: AbortSignal) => Promise<void>): Promise<void>
  stop(reason: unknown): void
  /** Resolves when nothing is under way any more. @throws the first error, or the reason of the stop */
  settled(): Promise<void>
}

/** Milliseconds: the documented backoff (base 1 s, doubled, at most 30 s, full jitter). */
const BACKOFF_BASE = 1000
const BACKOFF_CAP = 30_000
/** A Retry-After beyond this is taken for a mistake. */
const RETRY_AFTER_CAP = 300_000

export class Lanes {
  readonly concurrency: number
  readonly #clock: Clock
  readonly #rate: RateLimit
  readonly #random: () => number
  readonly #onChange: LanesOptions['onChange']
  readonly #waiting: (() => void)[] = []
  #open: number
  #busy = 0
  #successes = 0
  #slowedDown = 0
  #retries = 0
  /** When a batch was last stored, or the lanes were made; milliseconds. */
  lastStored: number

  constructor({ concurrency, limit, clock, random = Math.random, onChange }: LanesOptions) {
    this.#onChange = onChange
    this.concurrency = concurrency
    this.#open = concurrency
    this.#clock = clock
    this.#rate = new RateLimit(limit, clock)
    this.#random = random
    this.lastStored = clock.now()
  }

  /** Lanes that may be busy now. */
  get open(): number {
    return this.#open
  }

  /** How often the lanes were halved; remembered before a request, given to {@link overloaded} after it. */
  get slowedDown(): number {
    return this.#slowedDown
  }

  /**
   * Does `work` for every item, each in a lane of its own; an item is taken only when a lane is free. The first
   * error stops the rest; it is thrown when nothing is under way any more.
   */
  async each<T>(
    items: Iterable<T>,
    work: (item: T, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const group = this.group(signal)
    try {
      const rest = items[Symbol.iterator]()
      let over = false
      while (!over) {
        await group.start(async (stop) => {
          const next = rest.next()
          if (next.done === true) over = true
          else await work(next.value, stop)
        })
      }
    } catch (error) {
      group.stop(error)
    }
    await group.settled()
  }

  /** Work that ends together: for items that come by and by. {@link LaneGroup.settled} must be called in the end. */
  group(signal: AbortSignal): LaneGroup {
    const stop = new AbortController()
    // One listener for every lane, which Node.js would take for a leak beyond ten.
    setMaxListeners(0, signal, stop.signal)
    const onAbort = () => stop.abort(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const running = new Set<Promise<void>>()
    return {
      signal: stop.signal,
      start: async (work) => {
        await this.#enter(stop.signal)
        const job = work(stop.signal)
          .catch((error: unknown) => stop.abort(error))
          .finally(() => {
            running.delete(job)
            this.#leave()
          })
        running.add(job)
      },
      stop: (reason) => stop.abort(reason),
      settled: async () => {
        await Promise.all(running)
        signal.removeEventListener('abort', onAbort)
        stop.signal.throwIfAborted()
      },
    }
  }

  /** Waits for the rate limit's turn. */
  throttle(bytes: number, signal: AbortSignal): Promise<void> {
    return this.#rate.take(bytes, signal)
  }

  /** A batch was stored: after as many as there are lanes, one lane more. */
  stored(): void {
    this.lastStored = this.#clock.now()
    this.#successes += 1
    if (this.#successes < this.#open || this.#open >= this.concurrency) return
    this.#successes = 0
    this.#open += 1
    this.#admit()
    this.#tell()
  }

  /** Halves the lanes, once for all requests that were under way together. */
  overloaded(slowedDownBefore: number): void {
    this.#successes = 0
    if (slowedDownBefore !== this.#slowedDown) return
    this.#slowedDown += 1
    this.#open = Math.max(1, Math.floor(this.#open / 2))
  }

  /**
   * Sleeps before the next attempt of a request: `attempt` counts from 0. Afterwards the lane stays shut while there
   * are more busy lanes than open ones.
   */
  async backOff(attempt: number, retryAfter: number | undefined, signal: AbortSignal): Promise<void> {
    this.#retries += 1
    this.#tell()
    const jitter = this.#random() * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** attempt)
    await this.#clock.sleep(Math.max(jitter, Math.min(retryAfter ?? 0, RETRY_AFTER_CAP)), signal)
    if (this.#busy <= this.#open) return
    this.#leave()
    try {
      await this.#enter(signal, true)
    } catch (error) {
      this.#busy += 1 // `each` gives the lane back
      throw error
    }
  }

  #tell(): void {
    this.#onChange?.({ open: this.#open, retries: this.#retries })
  }

  async #enter(signal: AbortSignal, first = false): Promise<void> {
    signal.throwIfAborted()
    if (this.#busy < this.#open && (first || this.#waiting.length === 0)) {
      this.#busy += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', onAbort)
        this.#busy += 1
        resolve()
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (first) this.#waiting.unshift(admit)
      else this.#waiting.push(admit)
    })
  }

  #leave(): void {
    this.#busy -= 1
    this.#admit()
  }

  #admit(): void {
    while (this.#busy < this.#open) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      next()
    }
  }
}
