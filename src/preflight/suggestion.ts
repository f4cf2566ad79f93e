/** All remedies together: for each mapping one list of rules and the keys to set, and what else there is to do. */
import type { MappingKeys, MappingRef, PreflightFinding, Rule } from './finding.ts'

export interface Suggestion {
  mappings: MappingSuggestion[]
  /** Keys of the manifest itself. */
  manifest: { transfer?: 'direct' }
  /** What no YAML resolves. */
  words: string[]
}

export interface MappingSuggestion extends MappingRef {
  /** To be put behind the mapping's own. */
  transforms: Rule[]
  keys: MappingKeys
}

/** Of the errors: a warning needs nothing. */
export function suggestionOf(findings: readonly PreflightFinding[]): Suggestion {
  const mappings = new Map<string, MappingSuggestion>()
  const suggestion: Suggestion = { mappings: [], manifest: {}, words: [] }
  const of = ({ planned, index }: MappingRef): MappingSuggestion => {
    const key = `${index} ${planned.id}`
    let own = mappings.get(key)
    if (own === undefined) mappings.set(key, (own = { planned, index, transforms: [], keys: {} }))
    return own
  }
  const errors = findings.filter(({ severity }) => severity === 'error')
  for (const remedy of errors.flatMap(({ remedies }) => remedies)) {
    switch (remedy.kind) {
      case 'rule':
        addRule(of(remedy.mapping).transforms, remedy.rule)
        break
      case 'keys':
        addKeys(of(remedy.mapping).keys, remedy.keys)
        break
      case 'manifest':
        Object.assign(suggestion.manifest, remedy.keys)
        break
      case 'words':
        if (!suggestion.words.includes(remedy.text)) suggestion.words.push(remedy.text)
    }
  }
  suggestion.mappings = [...mappings.values()]
  return suggestion
}

/** One rule a measurement, its keys in the order in which they are applied. */
function addRule(rules: Rule[], { measurement, ...more }: Rule): void {
  const index = rules.findIndex((rule) => rule.measurement === measurement)
  const known = rules[index] ?? { measurement }
  const rule = Object.fromEntries(
    KEYS.flatMap((key) => {
      const [a, b] = [known[key], more[key]]
      if (a === undefined && b === undefined) return []
      return [[key, typeof b === 'object' ? { ...(a as object), ...b } : (b ?? a)]]
    }),
  )
  const whole = { measurement, ...rule }
  if (index < 0) rules.push(whole)
  else rules[index] = whole
}

const KEYS = ['cast', 'splitByType', 'renameTags', 'renameFields', 'splitFields', 'rename'] as const

/** Of two limits, the higher one. */
function addKeys(keys: MappingKeys, more: MappingKeys): void {
  const { maxColumns = 0, maxTables = 0 } = keys
  Object.assign(keys, more)
  if (keys.maxColumns !== undefined) keys.maxColumns = Math.max(maxColumns, keys.maxColumns)
  if (keys.maxTables !== undefined) keys.maxTables = Math.max(maxTables, keys.maxTables)
}
