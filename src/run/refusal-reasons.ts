/** Why points were refused, from dead letters: the most frequent reasons first, each with an example. */
import { formatCount } from '../core/units.ts'
import type { Mapping } from '../manifest/migration.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import { readDeadLetters } from '../lines/read-dead-letters.ts'

export interface Reason {
  reason: string
  points: number
  /** A letter of it. */
  example: DeadLetter
}

/** Reasons kept apart; those beyond are one. */
const REASONS_KEPT = 1000
const SHOWN = 3
/** Columns of an example's line. */
const WIDTH = 100

/** The reasons of the letters that `counts`, in one pass over each file. */
export async function reasonsIn(
  paths: readonly string[],
  counts: (letter: DeadLetter) => boolean,
): Promise<Reason[]> {
  const reasons = new Map<string, Reason>()
  for (const path of paths)
    for await (const { letter } of readDeadLetters(path)) {
      if (letter === undefined || !counts(letter)) continue
      const { points } = letter
      // Where a line stood is no reason.
      const reason = reasons.size < REASONS_KEPT ? letter.reason.replace(/^line \d+: /, '') : 'other reasons'
      const known = reasons.get(reason)
      if (known === undefined) reasons.set(reason, { reason, points, example: letter })
      else known.points += points
    }
  return [...reasons.values()].sort((a, b) => b.points - a.points)
}

/** A line or two for each of the first ones. */
export function showReasons(reasons: readonly Reason[]): string[] {
  const shown = reasons
    .slice(0, SHOWN)
    .flatMap(({ reason, points, example }) => [
      `  ${formatCount(points)}: ${reason}`,
      ...(example.line === '' ? [] : [`    ${showLine(example)}`]),
    ])
  const rest = reasons.length - SHOWN
  return rest > 0 ? [...shown, `  ... and ${rest} other reason${rest === 1 ? '' : 's'}`] : shown
}

/** The line of a letter, as one that fits a terminal. */
export function showLine({ line, encoding }: DeadLetter): string {
  const text =
    encoding === undefined
      ? line.replace(CONTROLS, (one) => JSON.stringify(one).slice(1, -1))
      : `base64 ${line}`
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text
}

const CONTROLS = /[\u0000-\u001f]/g

/** A mapping as the manifest has it: `plant-1 plant.*`. */
export function showMapping({ source, database, retentionPolicy }: Mapping): string {
  const names = [database, retentionPolicy].filter((name) => name !== undefined)
  return names.length === 0 ? source : `${source} ${names.join('.')}`
}
