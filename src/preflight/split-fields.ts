/** Fields of a wide table in groups, by the beginnings of their names, for a rule's `splitFields`. */

export interface WideTable {
  fields: readonly string[]
  /** Fields that are in the cluster already, and stay. */
  others: readonly string[]
  /** How many of `fields` may stay in the table, and how many a further table may have (at least one). */
  stays: number
  room: number
}

interface Piece {
  /** A name, or the beginning of names and a star. */
  pattern: string
  size: number
}

/** @returns patterns by measurement, each with no more fields than there is room for; what is in none of them stays. */
export function splitFields(
  { fields, others, stays, room }: WideTable,
  nextMeasurement: () => string,
): Record<string, string[]> {
  const split: Record<string, string[]> = {}
  let left = Math.max(0, stays)
  let current: string[] | undefined
  for (const { pattern, size } of piecesOf(fields.toSorted(), '', room, others)) {
    if (size > left) {
      left = room
      split[nextMeasurement()] = current = []
    }
    left -= size
    current?.push(pattern)
  }
  return split
}

/** Pieces of at most `room` fields: `cpu_*` where all that begin so fit in, else a word or a character more of each. */
function piecesOf(
  fields: readonly string[],
  prefix: string,
  room: number,
  others: readonly string[],
): Piece[] {
  const groups = new Map<string, string[]>()
  for (const field of fields) {
    const start = field.slice(0, endOfWord(field, prefix.length))
    const group = groups.get(start)
    if (group === undefined) groups.set(start, [field])
    else group.push(field)
  }
  return [...groups].flatMap(([start, own]): Piece[] => {
    if (own.length === 1 || start === prefix || start.includes('*'))
      return own.map((field) => ({ pattern: field, size: 1 }))
    const isOnly = !others.some((other) => other.startsWith(start))
    if (own.length <= room && isOnly) return [{ pattern: `${start}*`, size: own.length }]
    return piecesOf(own, start, room, others)
  })
}

/** Where the next word of a name ends, with the `_`, `.` or `-` behind it; or the next character, in the last word. */
function endOfWord(field: string, from: number): number {
  const word = /[_.-]/.exec(field.slice(from))
  return word === null ? Math.min(from + 1, field.length) : from + word.index + 1
}
