/** Dead letters by reason, read as a stream: what is kept is bounded, however many there are. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '../core/failure.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import { lineOf, readDeadLetters } from '../lines/read-dead-letters.ts'
import type { LetterReason, ReportedLetters } from './report.generated.ts'

/** Reasons told apart; one may hold a value of the line, so that every letter had one of its own. */
const REASONS_KEPT = 200
const REASONS_LISTED = 50
const EXAMPLES_KEPT = 3
/** Characters of a reason or line. */
const SHOWN = 400

const OTHERS = 'other reasons'

/** Reads a folder's dead letters, and with every further {@link read} only what was added since. */
export class LetterTally {
  readonly #folder: string
  #reasons = new Map<string, LetterReason>()
  /** Bytes read, by file. */
  #read = new Map<string, number>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @throws what the file system says, but not for a folder that is not there */
  async read(): Promise<ReportedLetters> {
    const files = await filesOf(this.#folder)
    // Letters are only ever added while a run goes on; before it, those that do not count are taken out.
    const isShorter = [...this.#read].some(([path, size]) => (files.get(path) ?? 0) < size)
    if (isShorter) {
      this.#reasons = new Map()
      this.#read = new Map()
    }
    for (const [path, size] of files) {
      const start = this.#read.get(path) ?? 0
      if (size <= start) continue
      for await (const { letter, next } of readDeadLetters(path, start, size - 1)) {
        if (next === undefined) break // torn, or not wholly written yet
        this.#read.set(path, next)
        if (letter !== undefined) this.#add(letter)
      }
    }
    return this.#result()
  }

  #add(letter: DeadLetter): void {
    const { by, points } = letter
    const wanted = letter.reason.slice(0, SHOWN)
    const isNew = !this.#reasons.has(`${by} ${wanted}`)
    const reason = isNew && this.#reasons.size >= REASONS_KEPT ? OTHERS : wanted
    const one = this.#reasons.get(`${by} ${reason}`) ?? { reason, by, letters: 0, points: 0, examples: [] }
    this.#reasons.set(`${by} ${reason}`, one)
    one.letters += 1
    one.points += points
    if (one.examples.length < EXAMPLES_KEPT) one.examples.push(exampleOf(letter))
  }

  #result(): ReportedLetters {
    const all = [...this.#reasons.values()].sort((a, b) => b.letters - a.letters)
    const rare = all.slice(REASONS_LISTED)
    const [first] = rare
    const reasons = all.slice(0, REASONS_LISTED)
    if (first !== undefined) reasons.push({ ...first, ...sumOf(rare), reason: OTHERS })
    return { folder: this.#folder, ...sumOf(all), reasons }
  }
}

function sumOf(reasons: readonly LetterReason[]): { letters: number; points: number } {
  return {
    letters: reasons.reduce((sum, { letters }) => sum + letters, 0),
    points: reasons.reduce((sum, { points }) => sum + points, 0),
  }
}

function exampleOf(letter: DeadLetter): LetterReason['examples'][number] {
  const { slice, where } = letter
  const line = lineOf(letter)
    .subarray(0, 4 * SHOWN)
    .toString('utf8')
  return { slice, line: cut(line), ...(where !== undefined && { where: cut(where) }) }
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} ...` : text
}

async function filesOf(folder: string): Promise<Map<string, number>> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw error
  })
  const paths = names.filter((name) => name.endsWith('.ndjson')).map((name) => join(folder, name))
  return new Map(
    await Promise.all(paths.sort().map(async (path) => [path, (await stat(path)).size] as const)),
  )
}
