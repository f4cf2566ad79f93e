/** The points of one key as a WAL gives them: in any order, repeated, deleted in between. Sorted, each time once, at the end. */
import { Failure } from '../../core/failure.ts'
import type { TimeWindow } from '../../core/time.ts'
import type { RunBlock, WalMemory } from '../../kernel/wal-memory.ts'
import { nameOfType, type BlockType } from './block-store.ts'
import { describePlace } from './damage.ts'

/** As influxd's TSM blocks; less when values are long. */
const BLOCK_POINTS = 1000
const BLOCK_BYTES = 256 * 1024

export interface WalCounts {
  /** Points written to the WAL; of these, replaced by a later value in the same run, deleted, and outside of the window. */
  points: number
  overwritten: number
  deleted: number
  outside: number
}

export class WalPoints {
  /** Of the points that are left. */
  type: BlockType = 0
  readonly #memory: WalMemory
  readonly #window: TimeWindow
  readonly #counts: WalCounts
  #key: Buffer = Buffer.alloc(0)
  #segment = ''
  #length = 0

  constructor(memory: WalMemory, window: TimeWindow, counts: WalCounts) {
    this.#memory = memory
    this.#window = window
    this.#counts = counts
  }

  start(key: Buffer, segment: string): void {
    this.#key = key
    this.#segment = segment
    this.#length = 0
    this.type = 0
  }

  /** `count` points that lie at an address of the memory, in the WAL's encoding. */
  add(type: BlockType, address: number, count: number): void {
    // influxd cannot load such a WAL (entry.add gives ErrFieldTypeConflict, and the shard does not open).
    if (this.#length > 0 && this.type !== type)
      throw new Failure(
        'export/wal-type-conflict',
        `the WAL holds ${nameOfType(this.type)} and ${nameOfType(type)} values of one field`,
        {
          where: describePlace({ path: this.#segment, key: this.#key }),
          remedy: 'influxd does not open this shard either. Restore the segments from a backup.',
        },
      )
    if (this.#length === 0) this.#memory.begin((this.type = type))
    this.#memory.add(address, count)
    this.#length += count
  }

  /** Removes what has come so far within `[min, max]`. */
  remove(min: bigint, max: bigint): void {
    if (this.#length === 0) return
    const deleted = this.#memory.remove(min, max)
    this.#counts.deleted += deleted
    this.#length -= deleted
  }

  /** What is left, in time order, the last of each time, within the window. */
  blocks(): RunBlock[] {
    if (this.#length === 0) return []
    this.#counts.outside += this.#memory.limit(this.#window.start, this.#window.end - 1n)
    this.#counts.overwritten += this.#memory.sort().overwritten
    return this.#memory.blocks(BLOCK_POINTS, BLOCK_BYTES)
  }
}
