/** Rules about transforms: what contradicts itself, comes too late, or makes a name that cannot be. */
import { formatRfc3339 } from '../core/time.ts'
import { error, type Finding, type Path } from './finding.ts'
import type { Manifest, TimeRange, Transform } from './manifest.generated.ts'
import { normalizeTransform } from './normalize-transform.ts'
import { transformNameRules } from './rules-transform-names.ts'
import { couldBothFit, matchesPattern } from './target-name.ts'
import { windowOf } from './time-range.ts'

export function* transformRules({ mappings, timeRange }: Manifest): Generator<Finding> {
  for (const [at, mapping] of mappings.entries()) {
    const rules = mapping.transforms ?? []
    for (const [number, rule] of rules.entries()) {
      const path: Path = ['mappings', at, 'transforms', number]
      yield* effectRules(rule, path)
      yield* contradictionRules(rule, path)
      yield* lateRules(rule, path)
      yield* transformNameRules(rule, path)
      yield* selectionRules(rules.slice(0, number), rule, path)
      yield* precisionRules(rule, [mapping.timeRange, timeRange], path)
    }
  }
}

function* effectRules(rule: Transform, path: Path): Generator<Finding> {
  const { measurement: _, drop, ...others } = rule
  const keys = Object.keys(others)
  if (drop !== true && keys.length === 0)
    yield error('transform/nothing', path, 'this rule changes nothing', 'say what it does, or take it out')
  if (drop === true && keys.length > 0)
    yield error(
      'transform/drop-and-more',
      [...path, 'drop'],
      `the measurement is not moved at all: "${keys.join('", "')}" would do nothing`,
      'take "drop: true" out, or all the others',
    )
}

/** What is kept and dropped at once. */
function* contradictionRules(rule: Transform, path: Path): Generator<Finding> {
  for (const [keep, drop] of [
    ['keepFields', 'dropFields'],
    ['keepTags', 'dropTags'],
    ['keepSeries', 'dropSeries'],
  ] as const) {
    const kept = new Set(rule[keep]?.map((one) => JSON.stringify(one)))
    for (const [number, one] of (rule[drop] ?? []).entries()) {
      if (kept.has(JSON.stringify(one)))
        yield error(
          'transform/kept-and-dropped',
          [...path, drop, number],
          `${typeof one === 'string' ? `"${one}"` : 'this'} is in "${keep}" as well`,
          'take it out of one of them',
        )
    }
  }
}

/** What is no longer there when its turn comes. */
function* lateRules(rule: Transform, path: Path): Generator<Finding> {
  const tags = isLeft(rule.keepTags, rule.dropTags)
  const fields = isLeft(rule.keepFields, rule.dropFields)
  const gone = (key: keyof Transform, name: string, why: string, at?: number): Finding => ({
    ...error(
      'transform/too-late',
      [...path, key, at ?? name],
      `"${name}" is ${why} before "${key}" has its turn`,
      'keys of a rule are applied in the documented order; a rule before this one can do it first',
    ),
    ...(at === undefined && { at: 'key' as const }),
  })
  for (const [at, name] of (rule.tagsToFields ?? []).entries())
    if (!tags(name)) yield gone('tagsToFields', name, 'dropped', at)
  for (const [at, name] of (rule.fieldsToTags ?? []).entries())
    if (!fields(name)) yield gone('fieldsToTags', name, 'dropped', at)
  for (const name of Object.keys(rule.renameTags ?? {})) {
    if (rule.tagsToFields?.includes(name)) yield gone('renameTags', name, 'made a field')
    else if (!tags(name) && rule.fieldsToTags?.includes(name) !== true)
      yield gone('renameTags', name, 'dropped')
  }
  const made = new Set([
    ...(rule.tagsToFields ?? []),
    ...Object.values(rule.splitByType ?? {}).flatMap((names) =>
      Object.values(names as Record<string, string>),
    ),
  ])
  for (const name of Object.keys(rule.renameFields ?? {})) {
    if (rule.fieldsToTags?.includes(name)) yield gone('renameFields', name, 'made a tag')
    else if (!fields(name) && !made.has(name)) yield gone('renameFields', name, 'dropped')
  }
  for (const name of Object.keys(rule.splitByType ?? {}))
    if (!fields(name)) yield gone('splitByType', name, 'dropped')
}

function isLeft(keep: string[] | undefined, drop: string[] | undefined): (name: string) => boolean {
  return (name) =>
    (keep === undefined || keep.some((pattern) => matchesPattern(pattern, name))) &&
    !(drop ?? []).some((pattern) => matchesPattern(pattern, name))
}

/** Series are chosen before a value is seen: not by a tag that an earlier rule makes of a field. */
function* selectionRules(earlier: readonly Transform[], rule: Transform, path: Path): Generator<Finding> {
  const made = new Map<string, string>()
  for (const { measurement = '*', fieldsToTags = [], renameTags = {}, rename, splitFields } of earlier) {
    // Under whatever name the measurement has by then.
    if (rename !== undefined || splitFields !== undefined) for (const tag of made.keys()) made.set(tag, '*')
    const pattern = rename === undefined && splitFields === undefined ? measurement : '*'
    for (const tag of fieldsToTags) made.set(tag, pattern)
    for (const [tag, name] of Object.entries(renameTags)) if (made.has(tag)) made.set(name, pattern)
  }
  for (const key of ['keepSeries', 'dropSeries'] as const) {
    for (const [number, one] of (rule[key] ?? []).entries()) {
      for (const tag of Object.keys(one)) {
        const pattern = made.get(tag)
        if (pattern === undefined || !couldBothFit(pattern, rule.measurement ?? '*')) continue
        yield {
          ...error(
            'transform/choice-by-value',
            [...path, key, number, tag],
            `"${tag}" was a field: series cannot be chosen by it`,
            "a field's values differ from row to row; choose by a tag of the source",
          ),
          at: 'key',
        }
      }
    }
  }
}

/** Points cut to a time before the range would be in a slice that is not theirs. */
function* precisionRules(rule: Transform, ranges: (TimeRange | undefined)[], path: Path): Generator<Finding> {
  const { precision } = normalizeTransform(rule)
  if (precision === undefined) return
  for (const timeRange of ranges) {
    const window = windowOf(timeRange)
    for (const side of ['start', 'end'] as const) {
      const time = window?.[side]
      if (timeRange?.[side] === undefined || time === undefined || time % precision === 0n) continue
      yield error(
        'transform/range-cut',
        [...path, 'precision'],
        `times are cut to ${rule.precision ?? ''}, and the time range has a ${side} between: ${formatRfc3339(time)}`,
        'let the range start and end at a whole one',
      )
    }
  }
}
