import { countOf, formatBytes, formatCount, formatSeconds } from '../core/units.ts'
import type { Progress } from '../run/events.ts'

interface Sample {
  at: number
  bytes: number
  done: number
}

/** Milliseconds that the rate looks back. */
const WINDOW = 15_000
/** Milliseconds without anything new after which that is said. */
const STALLED = 10_000

/** Turns progress into a line; rate and time left are those of the last quarter of a minute. */
export class ProgressLine {
  #samples: Sample[] = []
  #latest: { progress: Progress; at: number } | undefined

  /** The line as it is now; `undefined` before there is any progress. Says for how long nothing new has come. */
  again(now: number): string | undefined {
    if (this.#latest === undefined) return undefined
    const { progress, at } = this.#latest
    if (now - at < STALLED) return undefined
    return `${this.#state(progress).join('  ')}  nothing new for ${formatSeconds((now - at) / 1000)}`
  }

  /** `58%  7/12 slices  1,200,000 rows  84 MB/s  about 3 min left` */
  show(progress: Progress, now: number): string {
    const { done, total, bytes } = progress
    this.#latest = { progress, at: now }
    this.#samples.push({ at: now, bytes, done })
    this.#samples = this.#samples.filter(({ at }) => now - at <= WINDOW)
    const [oldest] = this.#samples
    const seconds = oldest === undefined ? 0 : (now - oldest.at) / 1000
    const parts = this.#state(progress)
    if (oldest !== undefined && seconds >= 1) {
      if (bytes > 0) parts.push(`${formatBytes(Math.round((bytes - oldest.bytes) / seconds))}/s`)
      const speed = (done - oldest.done) / seconds
      if (speed > 0 && done < total) parts.push(`about ${formatSeconds((total - done) / speed)} left`)
    }
    return parts.join('  ')
  }

  #state({ slices, slicesTotal, rows, done, total }: Progress): string[] {
    return [
      `${total === 0 ? 0 : Math.floor((100 * done) / total)}%`.padStart(4),
      `${slices}/${countOf(slicesTotal, 'slice')}`,
      `${formatCount(rows)} rows`,
    ]
  }
}
