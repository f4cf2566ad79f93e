/** Rules about two mappings: one point must belong to one mapping, one target to one source policy. */
import { formatWindow, intersect, type TimeWindow } from '../core/time.ts'
import { error, type Finding, type Path } from './finding.ts'
import type { Manifest, Mapping } from './manifest.generated.ts'
import { exactTarget, matchesPattern } from './target-name.ts'
import { windowOf } from './time-range.ts'

const SETTINGS = ['retentionPeriod', 'maxTables', 'maxColumns', 'partitionTemplate'] as const

export function* mappingPairRules({ mappings, timeRange }: Manifest): Generator<Finding> {
  const all = windowOf(timeRange)
  const windowIn = (mapping: Mapping) => {
    const own = windowOf(mapping.timeRange)
    return all && own && intersect(all, own)
  }
  for (const [at, later] of mappings.entries()) {
    for (const [before, earlier] of mappings.slice(0, at).entries()) {
      const found = [
        ...pairRules({
          earlier,
          before,
          later,
          at,
          earlierWindow: windowIn(earlier),
          laterWindow: windowIn(later),
        }),
      ]
      yield* found
      if (found.some(({ severity }) => severity === 'error')) break
    }
  }
}

interface Pair {
  earlier: Mapping
  /** Index of the earlier one. */
  before: number
  later: Mapping
  at: number
  earlierWindow: TimeWindow | undefined
  laterWindow: TimeWindow | undefined
}

function* pairRules(pair: Pair): Generator<Finding> {
  const { earlier, before, later, at, earlierWindow, laterWindow } = pair
  const path: Path = ['mappings', at]
  const isSameData = earlier.source === later.source && namesOf(earlier) === namesOf(later)
  if (isSameData && isExact(later)) {
    const shared = earlierWindow && laterWindow && intersect(earlierWindow, laterWindow)
    if (shared !== undefined)
      yield error(
        'mapping/overlap',
        path,
        `mappings[${before}] moves ${namesOf(later)} already, in ${formatWindow(shared)}`,
        'a point is moved by one mapping: give them time ranges that do not meet, or remove one',
      )
    else yield* settingRules(pair)
  } else if (takesAllOf(earlier, later)) {
    yield error(
      'mapping/shadowed',
      path,
      `nothing is left for this mapping: mappings[${before}] (${namesOf(earlier)}) comes first and takes ${namesOf(later)}`,
      'put the more exact mapping first',
    )
  } else if (
    takesAllOf(later, earlier) &&
    earlierWindow &&
    laterWindow &&
    !isWithin(laterWindow, earlierWindow)
  ) {
    yield {
      severity: 'warning',
      code: 'mapping/partly-left-out',
      message: `this mapping leaves ${namesOf(earlier)} to mappings[${before}], which moves only ${formatWindow(earlierWindow)}`,
      path,
      hint: 'what lies outside that range is not moved; add a mapping for it if it should be',
    }
  }
  const target = exactTarget(later)
  if (!isSameData && target !== undefined && target === exactTarget(earlier))
    yield error(
      'mapping/target-collision',
      [...path, 'target'],
      `mappings[${before}] fills "${target}" already: points of the two would replace each other`,
      'give each source database and retention policy a target of its own',
    )
}

/** Two parts of one policy's time go into one database: it can have only one set of settings. */
function* settingRules({ earlier, before, later, at }: Pair): Generator<Finding> {
  if (exactTarget(earlier) !== exactTarget(later)) return
  for (const key of SETTINGS) {
    if (JSON.stringify(earlier[key]) !== JSON.stringify(later[key]))
      yield error(
        'mapping/settings-differ',
        ['mappings', at, key],
        `"${key}" differs from mappings[${before}], which fills the same database`,
        'write the same in both',
      )
  }
}

function takesAllOf(one: Mapping, other: Mapping): boolean {
  return (
    one.source === other.source &&
    !isExact(one) &&
    matchesPattern(one.database ?? '*', other.database ?? '') &&
    matchesPattern(one.retentionPolicy ?? '*', other.retentionPolicy ?? '')
  )
}

function isExact({ database, retentionPolicy }: Mapping): boolean {
  return !`${database ?? ''}${retentionPolicy ?? ''}`.includes('*')
}

function isWithin(inner: TimeWindow, outer: TimeWindow): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

function namesOf({ database, retentionPolicy }: Mapping): string {
  if (database === undefined) return 'what names no database'
  return retentionPolicy === undefined ? `"${database}"` : `"${database}"."${retentionPolicy}"`
}
