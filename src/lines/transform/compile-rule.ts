/** One rule of a manifest as a function of a series. Its keys are applied in the documented order. */
import type { Transform } from '../../manifest/migration.ts'
import { wildcard } from '../../manifest/target-name.ts'
import { byteString } from './byte-string.ts'
import { inRowOf, type InRow, type Part, type PartField, type PartTag } from './series-part.ts'

type Step = (part: Part) => void

/** The function may change the part that it is given. What has no field left is no series any more. */
export function compileRule(rule: Transform): (part: Part) => Part[] {
  const measurement = patternOf(rule.measurement)
  const isKept = compileSelection(rule)
  const steps = stepsOf(rule)
  const split = compileSplit(rule)
  const { precision } = rule
  const rename = rule.rename === undefined ? undefined : byteString(rule.rename)
  return (part) => {
    if (!measurement.test(part.measurement)) return [part]
    if (rule.drop || !isKept(part)) return []
    for (const step of steps) step(part)
    const parts = split(part)
    for (const one of parts) one.precision = coarser(one.precision, precision)
    // What was split off has its name from there.
    if (rename !== undefined) part.measurement = rename.replaceAll('{measurement}', () => part.measurement)
    return parts.filter(({ fields }) => fields.length > 0)
  }
}

function patternOf(text: string): RegExp {
  return wildcard(byteString(text))
}

function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const compiled = patterns.map(patternOf)
  return (name) => compiled.some((pattern) => pattern.test(name))
}

function entriesOf<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).map(([name, value]) => [byteString(name), value])
}

function compileSelection({ keepSeries, dropSeries }: Transform): (part: Part) => boolean {
  const keeps = keepSeries?.map(compileTagValues)
  const drops = dropSeries?.map(compileTagValues) ?? []
  return (part) =>
    (keeps === undefined || keeps.some((fits) => fits(part))) && !drops.some((fits) => fits(part))
}

/** Whether all of the tags fit. A tag that is not there fits '' alone, and '' no other. */
function compileTagValues(values: Record<string, string>): (part: Part) => boolean {
  const patterns = entriesOf(values).map(
    ([key, value]) => [key, value === '' ? '' : patternOf(value)] as const,
  )
  return ({ tags }) =>
    patterns.every(([key, pattern]) => {
      const text = tags.get(key)?.text ?? ''
      return pattern === '' || text === '' ? pattern === text : pattern.test(text)
    })
}

function stepsOf(rule: Transform): Step[] {
  const steps: Step[] = []
  const { keepFields, dropFields, keepTags, dropTags } = rule
  const filterFields = (isKept: (name: string) => boolean) =>
    steps.push((part) => (part.fields = part.fields.filter(({ name }) => isKept(name))))
  const filterTags = (isKept: (key: string) => boolean) =>
    steps.push((part) => (part.tags = new Map([...part.tags].filter(([key]) => isKept(key)))))
  if (keepFields !== undefined) filterFields(anyOf(keepFields))
  if (dropFields !== undefined) filterFields(noneOf(dropFields))
  if (keepTags !== undefined) filterTags(anyOf(keepTags))
  if (dropTags !== undefined) filterTags(noneOf(dropTags))
  return [...steps, ...castOf(rule), ...splitByTypeOf(rule), ...betweenTagsAndFields(rule), ...namesOf(rule)]
}

function noneOf(patterns: readonly string[]): (name: string) => boolean {
  const isOne = anyOf(patterns)
  return (name) => !isOne(name)
}

/** The first pattern that fits counts. */
function* castOf({ cast }: Transform): Generator<Step> {
  const casts = Object.entries(cast).map(([pattern, type]) => ({ pattern: patternOf(pattern), type }))
  if (casts.length === 0) return
  yield ({ fields }) => {
    for (const field of fields)
      field.type = casts.find(({ pattern }) => pattern.test(field.name))?.type ?? field.type
  }
}

function* splitByTypeOf({ splitByType }: Transform): Generator<Step> {
  const splits = new Map(entriesOf(splitByType))
  if (splits.size === 0) return
  yield ({ fields }) => {
    for (const field of fields) {
      const name = splits.get(field.name)?.[field.type]
      if (name !== undefined) field.name = byteString(name)
    }
  }
}

function* betweenTagsAndFields({ tagsToFields, fieldsToTags }: Transform): Generator<Step> {
  for (const key of tagsToFields.map(byteString)) yield (part) => makeField(part, key)
  for (const name of fieldsToTags.map(byteString)) yield (part) => makeTag(part, name)
}

/** What was a tag goes before the fields, so that a field of this name wins over it. A row without fields is none any more. */
function makeField(part: Part, key: string): void {
  const tag = part.tags.get(key)
  if (tag === undefined) return
  part.tags.delete(key)
  const rows = [...new Set(part.fields.flatMap(({ value }) => ('from' in value ? [value.from] : value.rows)))]
  if (rows.length === 0) return
  const fields = part.fields.map(inRowOf)
  const isRow: InRow = (has) => fields.some((isIn) => isIn(has))
  const values: PartField['value'][] = tag.fields.map(({ from }) => ({
    from,
    isIn: (has) => has(from) && isRow(has),
  }))
  if (tag.text !== '') {
    const isIn: InRow = (has) => isRow(has) && !tag.fields.some(({ from }) => has(from))
    values.unshift({ constant: tag.text, isIn, rows })
  }
  part.fields.unshift(...values.map((value) => ({ name: key, type: 'string' as const, value })))
}

function makeTag(part: Part, name: string): void {
  const own = part.fields.filter((field) => field.name === name)
  if (own.length === 0) return
  part.fields = part.fields.filter((field) => field.name !== name)
  const text = own.map(({ value }) => ('from' in value ? '' : value.constant)).findLast((one) => one !== '')
  const fields = own
    .flatMap(({ type, value }) => ('from' in value ? [{ from: value.from, type }] : []))
    .sort((a, b) => a.from - b.from)
  part.tags.set(name, overlaid(part.tags.get(name), { text: text ?? '', fields }))
}

/** A tag in place of another one, which stays for rows that do not have the new one. */
function overlaid(below: PartTag | undefined, tag: PartTag): PartTag {
  if (below === undefined || tag.text !== '') return tag
  return { text: below.text, fields: [...below.fields, ...tag.fields] }
}

function* namesOf({ renameTags, renameFields, setTags }: Transform): Generator<Step> {
  const newKeys = new Map(entriesOf(renameTags))
  if (newKeys.size > 0) yield (part) => (part.tags = renamed(part.tags, newKeys))
  const newNames = new Map(entriesOf(renameFields))
  if (newNames.size > 0)
    yield ({ fields }) => {
      for (const field of fields) {
        const name = newNames.get(field.name)
        if (name !== undefined) field.name = byteString(name)
      }
    }
  for (const [key, value] of entriesOf(setTags)) {
    const tag: PartTag = { text: byteString(value), fields: [] }
    yield ({ tags }) => tags.set(key, tag)
  }
}

/** A tag that gets a new name takes the place of one that has it. Two may swap their names. */
function renamed(tags: Map<string, PartTag>, newKeys: ReadonlyMap<string, string>): Map<string, PartTag> {
  const result = new Map([...tags].filter(([key]) => !newKeys.has(key)))
  for (const [key, newKey] of newKeys) {
    const tag = tags.get(key)
    const name = byteString(newKey)
    if (tag !== undefined) result.set(name, overlaid(result.get(name), tag))
  }
  return result
}

/** What stays comes first, and is the part that was given. A field goes to the first measurement that asks for it. */
function compileSplit({ splitFields }: Transform): (part: Part) => Part[] {
  const groups = entriesOf(splitFields).map(([measurement, patterns]) => ({
    measurement,
    fits: anyOf(patterns),
  }))
  if (groups.length === 0) return (part) => [part]
  return (part) => {
    const group = ({ name }: PartField) =>
      groups.find(({ fits }) => fits(name))?.measurement ?? part.measurement
    const byMeasurement = new Map<string, PartField[]>()
    for (const field of part.fields) {
      const fields = byMeasurement.get(group(field))
      if (fields === undefined) byMeasurement.set(group(field), [field])
      else fields.push(field)
    }
    const others = groups.flatMap(({ measurement }) => {
      const fields = byMeasurement.get(measurement)
      const isOther = measurement !== part.measurement && fields !== undefined
      return isOther ? [{ ...part, measurement, fields, tags: new Map(part.tags) }] : []
    })
    part.fields = byMeasurement.get(part.measurement) ?? []
    return [part, ...others]
  }
}

/** Of two precisions, one is a multiple of the other. */
function coarser(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one > other ? one : other
}

/** Whether several series may become one. */
export function mayJoinSeries(rules: readonly Transform[]): boolean {
  return rules.some(
    ({ keepTags, dropTags, tagsToFields, fieldsToTags, renameTags, setTags, splitFields, rename }) =>
      keepTags !== undefined ||
      dropTags !== undefined ||
      rename !== undefined ||
      tagsToFields.length + fieldsToTags.length > 0 ||
      [renameTags, setTags, splitFields].some((names) => Object.keys(names).length > 0),
  )
}
