import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MergedRows } from './merged-rows.ts'
import { PointStore } from './point-store.ts'
import type { Overwritten, RowCursor } from './rows.ts'
import { RunRows, writeRun } from './run-file.ts'
import { StoredRows } from './stored-rows.ts'

/** Runs merged at once: each has a file open and a buffer. */
const FAN_IN = 64

export interface SortedRowsOptions {
  /** Bytes for points, dictionaries and sorting. */
  memory: number
  /** For sorted runs, which are called `<name>-<number>`. */
  folder: string
  name: string
  signal: AbortSignal
}

/** Points in, in any order; rows out, sorted and unique, the last value wins. What does not fit into memory waits on disk. */
export class SortedRows {
  readonly store: PointStore
  readonly overwritten: Overwritten = { points: 0 }
  /** Of sorted runs, in all. */
  runBytes = 0
  readonly #options: SortedRowsOptions
  /** Oldest first. */
  #runs: string[] = []
  #nextRun = 0

  constructor(options: SortedRowsOptions) {
    this.#options = options
    this.store = new PointStore(options.memory)
  }

  /** Empties the store: its ids are void afterwards. */
  async spill(): Promise<void> {
    await this.#writeRun(new StoredRows(this.store, this.overwritten))
    this.store.clear()
  }

  /** All rows, once all points are in the store. */
  async merged(use: (rows: RowCursor) => Promise<unknown>): Promise<void> {
    while (this.#runs.length >= FAN_IN) await this.#mergePass()
    await this.#merging(this.#runs, [new StoredRows(this.store, this.overwritten)], use)
  }

  async #writeRun(rows: RowCursor): Promise<string> {
    const { folder, name, signal } = this.#options
    const path = join(folder, `${name}-${this.#nextRun++}`)
    this.#runs.push(path)
    this.runBytes += await writeRun(path, rows, signal)
    return path
  }

  /** Merges neighbours, so that the order of the runs stays the order in which they were read. */
  async #mergePass(): Promise<void> {
    const before = this.#runs
    this.#runs = []
    for (let first = 0; first < before.length; first += FAN_IN) {
      const group = before.slice(first, first + FAN_IN)
      await this.#merging(group, [], (rows) => this.#writeRun(rows))
      for (const path of group) await rm(path)
    }
  }

  async #merging(
    runs: string[],
    newest: RowCursor[],
    use: (rows: RowCursor) => Promise<unknown>,
  ): Promise<void> {
    const bufferBytes = Math.max(4096, Math.min(1 << 20, Math.floor(this.#options.memory / 4 / FAN_IN)))
    const opened: RunRows[] = []
    try {
      for (const path of runs) opened.push(new RunRows(path, bufferBytes))
      const only = opened.length === 0 ? newest[0] : undefined
      await use(only ?? new MergedRows([...opened, ...newest], this.overwritten))
    } finally {
      for (const run of opened) run.close()
    }
  }
}
