import { Failure } from '../core/failure.ts'
import type { TimeWindow } from '../core/time.ts'
import type { Clock } from '../io/clock.ts'
import { Overloaded, type QueryClient, type Series } from '../cluster/query.ts'

/** Milliseconds: the documented backoff (base 1 s, doubled, at most 30 s, full jitter), as often as is documented. */
const BACKOFF_BASE = 1000
const BACKOFF_CAP = 30_000
const RETRY_AFTER_CAP = 300_000
const RETRIES = 5
/** Milliseconds between attempts with a token that is not active yet. */
const ACTIVATION_STEP = 3000

export interface PatientQueryOptions {
  client: QueryClient
  database: string
  clock: Clock
  signal: AbortSignal
  /** Until when (milliseconds since the epoch) a refused token is waited for; `undefined`: not at all. */
  activeBy?: number | undefined
  /** Between 0 and 1; for tests. */
  random?: () => number
}

/** Questions to one database: asked again while the server has no time, and for less time at once where it is too much. */
export class PatientQuery {
  readonly #options: PatientQueryOptions
  /** What was too much, halved: longer windows are not tried again. */
  #longest: bigint | undefined

  constructor(options: PatientQueryOptions) {
    this.#options = options
  }

  /** @throws Failure as {@link QueryClient.ask} does; an overloaded server's after five repeats */
  async ask(statements: readonly string[], bodyLimit?: number): Promise<Series[][]> {
    const { client, database, clock, signal, activeBy, random = Math.random } = this.#options
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await client.ask(database, statements, signal, bodyLimit)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof Failure)) throw error
        if (error.code === 'query/unauthorized' && activeBy !== undefined && clock.now() < activeBy)
          await clock.sleep(ACTIVATION_STEP, signal)
        else if (error instanceof Overloaded && attempt < RETRIES) {
          const jitter = random() * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** attempt)
          await clock.sleep(Math.max(jitter, Math.min(error.retryAfter ?? 0, RETRY_AFTER_CAP)), signal)
        } else throw error
      }
    }
  }

  /**
   * Asks for a window with `work`, or for the two halves of it, and so on, where it is too much for the server.
   * What `work` does for parts of a window must add up, and be done only when its answer is whole.
   */
  async over(window: TimeWindow, work: (window: TimeWindow) => Promise<void>, depth = 0): Promise<void> {
    const length = window.end - window.start
    if (this.#longest !== undefined && length > this.#longest) return this.#halves(window, work, depth)
    try {
      return await work(window)
    } catch (error) {
      // A server that has no time for an eighth of it has none at all.
      const tooMuch =
        error instanceof Overloaded ? depth < 3 : error instanceof Failure && error.code === 'query/too-large'
      if (!tooMuch || length < 2n) throw error
      this.#longest = length / 2n + 1n
      return this.#halves(window, work, depth)
    }
  }

  async #halves(
    { start, end }: TimeWindow,
    work: (window: TimeWindow) => Promise<void>,
    depth: number,
  ): Promise<void> {
    const middle = start + (end - start) / 2n
    await this.over({ start, end: middle }, work, depth + 1)
    await this.over({ start: middle, end }, work, depth + 1)
  }
}
