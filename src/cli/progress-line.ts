import { countOf, formatBytes, formatCount } from '../core/units.ts'
import type { Progress } from '../run/events.ts'

interface Sample {
  at: number
  bytes: number
  done: number
}

/** Milliseconds that the rate looks back. */
const WINDOW = 15_000

/** Turns progress into a line; rate and time left are those of the last quarter of a minute. */
export class ProgressLine {
  #samples: Sample[] = []

  /** `58%  7/12 slices  1,200,000 rows  84 MB/s  about 3 min left` */
  show(progress: Progress, now: number): string {
    const { slices, slicesTotal, rows, done, total, bytes } = progress
    this.#samples.push({ at: now, bytes, done })
    this.#samples = this.#samples.filter(({ at }) => now - at <= WINDOW)
    const [oldest] = this.#samples
    const seconds = oldest === undefined ? 0 : (now - oldest.at) / 1000
    const parts = [
      `${total === 0 ? 0 : Math.floor((100 * done) / total)}%`.padStart(4),
      `${slices}/${countOf(slicesTotal, 'slice')}`,
      `${formatCount(rows)} rows`,
    ]
    if (oldest !== undefined && seconds >= 1) {
      parts.push(`${formatBytes(Math.round((bytes - oldest.bytes) / seconds))}/s`)
      const speed = (done - oldest.done) / seconds
      if (speed > 0 && done < total) parts.push(`about ${formatSeconds((total - done) / speed)} left`)
    }
    return parts.join('  ')
  }
}

/** `45 s`, `3 min`, `2 h 10 min`: as exact as a forecast can be. */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
