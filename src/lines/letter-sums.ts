import type { DeadLetter } from './dead-letter.ts'
import { readDeadLetters } from './read-dead-letters.ts'

/** What a dead letter file holds of one slice. */
export interface LetterSums {
  /** Refused by the cluster. */
  lines: number
  points: number
  /** Points that influx-ferry refused, those of damaged places included. */
  ownPoints: number
  /** Damaged places of the source. */
  skipped: number
}

const NONE: LetterSums = { lines: 0, points: 0, ownPoints: 0, skipped: 0 }

/** Sums over a dead letter file that is appended to: each time only what is new is read. */
export class DeadLetterSums {
  readonly path: string
  readonly #slices = new Map<string, LetterSums>()
  #read = 0
  #reading: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  /** The sums of a slice, whose letters are flushed. */
  async of(slice: string): Promise<LetterSums> {
    await (this.#reading = this.#reading.then(() => this.#readOn()))
    return this.#slices.get(slice) ?? NONE
  }

  async #readOn(): Promise<void> {
    for await (const { letter, next } of readDeadLetters(this.path, this.#read)) {
      if (next === undefined) return // of a slice under way
      this.#read = next
      if (letter !== undefined) this.#slices.set(letter.slice, added(this.#slices.get(letter.slice), letter))
    }
  }
}

function added(sums: LetterSums = NONE, { by, points, where }: DeadLetter): LetterSums {
  if (by === 'cluster') return { ...sums, lines: sums.lines + 1, points: sums.points + points }
  const isPlace = where !== undefined && points === 0
  return { ...sums, ownPoints: sums.ownPoints + points, skipped: sums.skipped + (isPlace ? 1 : 0) }
}
