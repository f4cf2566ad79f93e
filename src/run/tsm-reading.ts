/** What reads TSM files in a run, and is begun before the export needs it: threads, and the WALs that the preflight replays. */
import { availableParallelism } from 'node:os'
import type { Migration } from '../manifest/migration.ts'
import { ReplayedWals } from '../source/tsm/replayed-wals.ts'
import { inlineTasks, TaskThreads, type TaskRunner } from './export-threads.ts'
import { kernelMemory } from './export-tsm.ts'
import { createEngine } from './read-task.ts'

/** Of TSM files and WAL: threads start at once. */
const WARM_UP_BYTES = 16 << 20
/** Bytes for a worker beside its batches. */
const LEAST_MEMORY = 32 << 20
/** Which part of the memory has replayed WALs that wait for their export. */
const WAITING_PART = 8

export class TsmReading {
  readonly replayedWals: ReplayedWals
  readonly #migration: Migration
  readonly #signal: AbortSignal
  #tasks: TaskRunner | undefined

  constructor({ migration, signal }: { migration: Migration; signal: AbortSignal }) {
    this.replayedWals = new ReplayedWals(migration.spool.memory / WAITING_PART)
    this.#migration = migration
    this.#signal = signal
  }

  /** As many workers as there are cores, and as `spool.memory` is enough for. */
  get tasks(): TaskRunner {
    return (this.#tasks ??= this.#taskRunner())
  }

  /** These files are to be read. */
  warmUp(files: Iterable<{ bytes: number }>): void {
    let sum = 0
    for (const { bytes } of files) sum += bytes
    if (sum > WARM_UP_BYTES) this.tasks.warmUp()
  }

  async close(): Promise<void> {
    this.replayedWals.close()
    await this.#tasks?.stop()
  }

  #taskRunner(): TaskRunner {
    const { spool, target } = this.#migration
    const { memory, workers = availableParallelism() } = spool
    const enoughFor = Math.floor(memory / (LEAST_MEMORY + 3 * target.write.batch.bytes))
    const most = Math.max(1, Math.min(workers, enoughFor))
    if (most > 1) return new TaskThreads(most)
    return inlineTasks(createEngine(kernelMemory(memory)), this.#signal)
  }
}
