/** The candidate most like `word`, when it is like enough to be what was meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length < 3) return undefined
  let best: string | undefined
  let bestDistance = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance || (best === undefined && isAbbreviation(word, candidate))) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions and replacements that make `a` into `b` (Levenshtein), row by row. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replace = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const insert = (current[column - 1] ?? 0) + 1
      const remove = (previous[column] ?? 0) + 1
      current.push(Math.min(replace, insert, remove))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

function isAbbreviation(word: string, candidate: string): boolean {
  return word.length >= 3 && candidate.toLowerCase().startsWith(word.toLowerCase())
}
