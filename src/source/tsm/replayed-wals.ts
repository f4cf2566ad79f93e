/** WALs that were replayed once and are asked for again: by the preflight first, then by the export of the same files. */
import type { TimeWindow } from '../../core/time.ts'
import { closeWal, type Wal } from './wal.ts'

export class ReplayedWals {
  readonly #kept = new Map<string, Wal>()
  readonly #memory: number

  /** `memory`: bytes for all that are kept. */
  constructor(memory: number) {
    this.#memory = memory
  }

  /** What was kept of these segments, once: it is the caller's to close. */
  take(segments: readonly string[], window: TimeWindow): Wal | undefined {
    const key = keyOf(segments, window)
    const wal = this.#kept.get(key)
    if (wal === undefined) return undefined
    this.#kept.delete(key)
    return { ...wal, runs: wal.runs.map((run) => run.rewound()) }
  }

  /** Keeps it, or closes it: where there is no room, or runs are in files, or something was noted, which is to be said again. */
  keep(segments: readonly string[], window: TimeWindow, wal: Wal): void {
    const before = this.take(segments, window)
    if (before !== undefined) closeWal(before)
    const kept = [wal, ...this.#kept.values()].reduce((sum, one) => sum + memoryOf(one), 0)
    if (wal.noted || kept > this.#memory) closeWal(wal)
    else this.#kept.set(keyOf(segments, window), wal)
  }

  close(): void {
    for (const wal of this.#kept.values()) closeWal(wal)
    this.#kept.clear()
  }
}

function keyOf(segments: readonly string[], { start, end }: TimeWindow): string {
  return [start, end, ...segments].join('\0')
}

function memoryOf({ runs }: Wal): number {
  return runs.reduce((sum, { memory = Infinity }) => sum + memory, 0)
}
