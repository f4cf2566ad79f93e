/** Rules made from a seed, of names that occur, so that they meet: series and fields become one, tags fields and fields tags. */
import type { FieldType, Transform } from '../../src/manifest/migration.ts'
import { normalizeTransform } from '../../src/manifest/normalize-transform.ts'
import type * as written from '../../src/manifest/manifest.generated.ts'
import type { Random } from './random-columns.ts'

export interface Names {
  measurements: readonly string[]
  tags: readonly string[]
  /** Values of tags. */
  texts: readonly string[]
  fields: readonly string[]
}

const TYPES: readonly FieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean']

type Makers = { [K in keyof written.Transform]-?: () => NonNullable<written.Transform[K]> }

/** `only`: keys that the rules may have; default: all. */
export function randomRules(
  random: Random,
  names: Names,
  only?: readonly (keyof written.Transform)[],
): Transform[] {
  return Array.from({ length: 1 + random.below(3) }, () => randomRule(random, names, only))
}

function randomRule(random: Random, names: Names, only?: readonly (keyof written.Transform)[]): Transform {
  const { pick, below } = {
    pick: <T>(list: readonly T[]) => random.pick(list),
    below: (n: number) => random.below(n),
  }
  const some = (list: readonly string[]) =>
    Array.from({ length: 1 + below(2) }, () => pattern(random, pick(list)))
  const record = <T>(keys: readonly string[], value: () => T): Record<string, T> =>
    Object.fromEntries(Array.from({ length: 1 + below(2) }, () => [pick(keys), value()]))
  const selection = () =>
    Array.from({ length: 1 + below(2) }, () =>
      record(names.tags, () => (random.chance(0.2) ? '' : pattern(random, pick(names.texts)))),
    )
  const makers: Makers = {
    measurement: () => pattern(random, pick(names.measurements)),
    drop: () => random.chance(0.2),
    keepSeries: selection,
    dropSeries: selection,
    keepFields: () => [...some(names.fields), pick(names.fields)],
    dropFields: () => some(names.fields),
    keepTags: () => some(names.tags),
    dropTags: () => some(names.tags),
    cast: () => Object.fromEntries(some(names.fields).map((field) => [field, pick(TYPES)])),
    splitByType: () => record(names.fields, () => record(TYPES, () => pick(names.fields))),
    tagsToFields: () => [pick(names.tags)],
    fieldsToTags: () => [pick(names.fields)],
    renameTags: () => record(names.tags, () => pick(names.tags)),
    renameFields: () => record(names.fields, () => pick(names.fields)),
    setTags: () => record(names.tags, () => pick(names.texts.filter((text) => text !== ''))),
    splitFields: () => record(names.measurements, () => some(names.fields)),
    precision: () => pick(['us', 'ms', 's', 'm', 'h'] as const),
    rename: () => (random.chance(0.5) ? `{measurement}_${below(2)}` : pick(names.measurements)),
  }
  const share: Partial<Record<keyof written.Transform, number>> = { measurement: 0.5 }
  const keys = (Object.keys(makers) as (keyof written.Transform)[]).filter(
    (key) =>
      (only === undefined || key === 'measurement' || only.includes(key)) &&
      random.chance(share[key] ?? (only === undefined ? 0.12 : 0.4)),
  )
  return normalizeTransform(Object.fromEntries(keys.map((key) => [key, makers[key]()])))
}

function pattern(random: Random, text: string): string {
  if (random.chance(0.7)) return text
  const at = random.below(text.length + 1)
  return random.chance(0.5) ? `${text.slice(0, at)}*` : `*${text.slice(at)}`
}
