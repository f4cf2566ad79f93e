/** Rules about the names that a transform makes. */
import { error, type Finding, type Path } from './finding.ts'
import type { Transform } from './manifest.generated.ts'

type Kind = 'measurement' | 'tag' | 'field'

export function* transformNameRules(rule: Transform, path: Path): Generator<Finding> {
  yield* renameRules(rule.rename, [...path, 'rename'])
  const { renameTags = {}, renameFields = {}, setTags = {}, splitByType = {}, splitFields = {} } = rule
  for (const [key, kind, names] of [
    ['renameTags', 'tag', renameTags],
    ['renameFields', 'field', renameFields],
  ] as const) {
    for (const [from, to] of Object.entries(names)) yield* nameRules(to, kind, [...path, key, from])
    yield* sameNameRules(names, kind, [...path, key])
  }
  for (const tag of Object.keys(setTags)) {
    yield* nameRules(tag, 'tag', [...path, 'setTags', tag], 'key')
    if (Object.values(renameTags).includes(tag))
      yield error(
        'transform/renamed-and-set',
        [...path, 'setTags', tag],
        `a tag gets the name "${tag}" by "renameTags", and is replaced right after`,
        'take one of them out',
      )
  }
  for (const [field, names] of Object.entries(splitByType))
    for (const [type, name] of Object.entries(names as Record<string, string>))
      yield* nameRules(name, 'field', [...path, 'splitByType', field, type])
  yield* splitRules(splitFields, [...path, 'splitFields'])
}

function* renameRules(rename: string | undefined, path: Path): Generator<Finding> {
  if (rename === undefined) return
  for (const [placeholder] of rename.matchAll(/\{[^{}]*\}/g))
    if (placeholder !== '{measurement}')
      yield {
        ...error(
          'transform/unknown-placeholder',
          path,
          `${placeholder} is not known`,
          'there is {measurement}',
        ),
        within: placeholder,
      }
  yield* nameRules(rename, 'measurement', path)
}

function* splitRules(splitFields: Record<string, string[]>, path: Path): Generator<Finding> {
  const taken = new Map<string, string>()
  for (const [measurement, patterns] of Object.entries(splitFields)) {
    yield* nameRules(measurement, 'measurement', [...path, measurement], 'key')
    if (measurement.includes('{measurement}'))
      yield {
        ...error(
          'transform/unknown-placeholder',
          [...path, measurement],
          'only "rename" knows {measurement}',
          'write a name, in a rule for one measurement; rules after this one can rename it',
        ),
        at: 'key',
      }
    for (const [number, pattern] of patterns.entries()) {
      const other = taken.get(pattern)
      if (other !== undefined)
        yield error(
          'transform/field-in-two',
          [...path, measurement, number],
          `"${pattern}" goes to "${other}" already`,
          'a field goes to one measurement',
        )
      else taken.set(pattern, measurement)
    }
  }
}

function* sameNameRules(names: Record<string, string>, kind: Kind, path: Path): Generator<Finding> {
  const first = new Map<string, string>()
  for (const [from, to] of Object.entries(names)) {
    const other = first.get(to)
    if (other === undefined) first.set(to, from)
    else if (kind === 'tag')
      yield error(
        'transform/same-name',
        [...path, from],
        `"${other}" is called "${to}" already`,
        'one tag would be lost: give them two names',
      )
    else
      yield {
        severity: 'warning',
        code: 'transform/fields-become-one',
        message: `"${other}" and "${from}" become one field`,
        path: [...path, from],
        hint: `of two values at one time, that of "${[other, from].sort().at(-1) ?? ''}" is kept: the name that sorts later`,
      }
  }
}

/** What v3 has no way to write, or keeps to itself. */
function* nameRules(name: string, kind: Kind, path: Path, at: 'key' | 'value' = 'value'): Generator<Finding> {
  const wrong =
    name === ''
      ? 'is empty'
      : /[\t\n\r\0]/.test(name)
        ? 'holds a tab, a newline or a NUL'
        : name.endsWith('\\')
          ? 'ends in a backslash'
          : kind !== 'measurement' && name === 'time'
            ? 'is the name of the time itself'
            : kind === 'measurement' && name.startsWith('#')
              ? 'starts a comment in line protocol'
              : undefined
  if (wrong !== undefined)
    yield { ...error('transform/bad-name', path, `"${name}" ${wrong}: no ${kind} can be called so`), at }
}
