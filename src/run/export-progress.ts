import type { Slice } from '../plan/plan.ts'
import type { RunContext } from './context.ts'
import type { Phase } from './events.ts'

/**
 * Progress of the reading, for the export or for what is written as it is read. The work is known in bytes of source files and seen in bytes of line protocol; how many
 * of these one of those gives is learnt from the slices that are finished (tsm-facts: 27 to 47 for TSM).
 */
export class ExportProgress {
  readonly #context: RunContext
  readonly #sizes: Map<string, number>
  readonly #total: number
  #slice: CurrentSlice = { bytes: 0, read: 0, part: undefined }
  readonly #finished = { slices: 0, bytes: 0, read: 0, rows: 0 }
  /** Bytes of source files, and of the line protocol that came of them. */
  #learnt = { bytes: 0, read: 0 }
  readonly #phase: Phase
  #slices: number
  #told = 0

  constructor(context: RunContext, slices: readonly Slice[], phase: Phase) {
    this.#context = context
    this.#phase = phase
    this.#slices = slices.length
    this.#sizes = new Map(
      slices.map(({ id, files }) => [id, files.reduce((sum, { bytes }) => sum + bytes, 0)]),
    )
    this.#total = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  start(slice: Slice): void {
    this.#slice = { bytes: this.#sizes.get(slice.id) ?? 0, read: 0, part: undefined }
    this.#tell()
  }

  advance(bytesRead: number): void {
    this.#slice.read = bytesRead
    if (this.#context.clock.now() - this.#told >= TELL_EVERY) this.#tell()
  }

  /** Of readers that know which part of the slice's files is done, 0 to 1. */
  advanceTo(part: number): void {
    this.#slice.part = part
    this.advance(Math.round(part * this.#slice.bytes))
  }

  /** The slice is read to its end; the next one may be started. */
  passed(): void {
    if (this.#slice.part === undefined) {
      this.#learnt.bytes += this.#slice.bytes
      this.#learnt.read += this.#slice.read
    }
    this.#finished.bytes += this.#slice.bytes
    this.#finished.read += this.#slice.read
    this.#slice = { bytes: 0, read: 0, part: undefined }
  }

  /** Rows are where they should be: in a spool, or acknowledged. */
  arrived(rows: number): void {
    this.#finished.rows += rows
    if (this.#context.clock.now() - this.#told >= TELL_EVERY) this.#tell()
  }

  /** All of a slice's rows are. */
  finish(): void {
    this.#finished.slices += 1
    this.#tell()
  }

  #tell(): void {
    this.#told = this.#context.clock.now()
    const { slices, bytes, read, rows } = this.#finished
    const learnt = this.#learnt
    const expansion = learnt.bytes === 0 ? USUAL_EXPANSION : learnt.read / learnt.bytes
    const { part } = this.#slice
    const passed = part === undefined ? this.#slice.read / Math.max(expansion, 1) : part * this.#slice.bytes
    const current = Math.min(this.#slice.bytes * ALMOST, passed)
    this.#context.observe({
      type: 'progress',
      phase: this.#phase,
      progress: {
        slices,
        slicesTotal: this.#slices,
        rows,
        done: bytes + current,
        total: this.#total,
        bytes: read + this.#slice.read,
      },
    })
  }
}

interface CurrentSlice {
  /** Of source files. */
  bytes: number
  /** Of line protocol, or of source files. */
  read: number
  part: number | undefined
}

/** Milliseconds between two reports. */
const TELL_EVERY = 200
const USUAL_EXPANSION = 35
/** A slice whose size was guessed too small stays just short of finished. */
const ALMOST = 0.99
