/**
 * What transforms make of rows, the obvious way: each row through each rule, key by key, then all of them into one map,
 * later ones over earlier ones. Nothing of src/lines/transform is used.
 */
import type { Transform } from '../../src/manifest/migration.ts'
import { canonicalKey, canonicalValue } from './points.ts'
import type { V3Row } from './v3-line-protocol.ts'

type Row = Pick<V3Row, 'measurement' | 'tags' | 'fields' | 'time'>

export interface Transformed {
  /** As `pointsOf` says them. */
  points: string[]
  dropped: number
  added: number
  refused: number
  overwritten: number
}

interface Field {
  name: string
  /** What it is to be cast to. */
  type: string
  /** `f64:1.5` */
  value: string
  /** Its place among the fields of the source's row; -1: it was a tag. */
  source: number
}

interface Part {
  measurement: string
  /** Of what was a field: the field. */
  tags: Map<string, string | Field>
  fields: Field[]
  precision: bigint
}

const TYPES: Record<string, string> = {
  f64: 'float',
  i64: 'integer',
  u64: 'unsigned',
  bool: 'boolean',
  string: 'string',
}

export function transformed(rows: readonly Row[], rules: readonly Transform[]): Transformed {
  const result: Transformed = { points: [], dropped: 0, added: 0, refused: 0, overwritten: 0 }
  const values = new Map<string, string | undefined>()
  for (const row of [...rows].sort(inOrderOfSource)) {
    const fields = [...row.fields]
      .sort(([a], [b]) => compare(a, b))
      .map(([name, value], source) => ({ name, value, source, type: typeOf(value) }))
    const whole = {
      measurement: row.measurement,
      tags: new Map(row.tags),
      fields: [...fields],
      precision: 1n,
    }
    let parts: Part[] = [whole]
    for (const rule of rules) parts = parts.flatMap((part) => throughRule(part, rule))
    const sent = parts.flatMap((part) => part.fields.map(({ source }) => source))
    const whence = new Set(sent.filter((source) => source >= 0))
    result.dropped += fields.length - whence.size
    result.added += sent.length - whence.size
    for (const part of parts) {
      const tags = tagsOf(part)
      if (tags === undefined) {
        result.refused += part.fields.length
        continue
      }
      const time = row.time - (((row.time % part.precision) + part.precision) % part.precision)
      for (const { name, value, type } of [...part.fields].sort((a, b) => a.source - b.source)) {
        const key = canonicalKey(part.measurement, tags, name, time)
        const cast = castValue(value, type)
        if (values.has(key)) result.overwritten += 1
        values.set(key, cast)
      }
    }
  }
  for (const [key, value] of values) {
    if (value === undefined) result.refused += 1
    else result.points.push(`${key} = ${value}`)
  }
  result.points.sort()
  return result
}

const PREFIXES = Object.fromEntries(Object.entries(TYPES).map(([prefix, type]) => [type, prefix]))

/** Rows of points as `readBack` and `pointsOf` say them. */
export function rowsOfPoints(points: readonly string[]): Row[] {
  const rows = new Map<string, Row>()
  const text = '("(?:[^"\\\\]|\\\\.)*")'
  for (const point of points) {
    const [, series = '', measurement = '', tags = '', field = '', time = '', value = '', type = ''] =
      new RegExp(`^(${text}((?:,${text}=${text})*)) ${text} @(-?\\d+) = ([^]*) \\((\\w+)\\)$`)
        .exec(point)
        ?.filter((_, i) => i < 4 || i > 5) ?? []
    const key = `${series} ${time}`
    const row = rows.get(key) ?? {
      measurement: JSON.parse(measurement) as string,
      tags: [...tags.matchAll(new RegExp(`${text}=${text}`, 'g'))].map(
        ([, name = '', text = '']) => [JSON.parse(name), JSON.parse(text)] as [string, string],
      ),
      fields: [],
      time: BigInt(time),
    }
    const plainValue = type === 'string' ? (JSON.parse(value) as string) : value
    row.fields.push([JSON.parse(field) as string, `${PREFIXES[type] ?? ''}:${plainValue}`])
    rows.set(key, row)
  }
  return [...rows.values()]
}

/** As a TSM index has the series; then by time. */
function inOrderOfSource(a: Row, b: Row): number {
  return compare(storedKey(a), storedKey(b)) || (a.time < b.time ? -1 : 1)
}

function storedKey({ measurement, tags }: Row): string {
  const escape = (name: string) => name.replace(/[,= ]/g, '\\$&')
  const sorted = [...tags].sort(([a], [b]) => compare(a, b))
  return `${measurement.replace(/[, ]/g, '\\$&')}${sorted.map(([key, value]) => `,${escape(key)}=${escape(value)}`).join('')}#!~#`
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function typeOf(value: string): string {
  return TYPES[value.slice(0, value.indexOf(':'))] ?? ''
}

function fits(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (!text.startsWith(first)) return false
  if (rest.length === 0) return text === first
  for (let at = first.length; at <= text.length; at++) if (fits(rest.join('*'), text.slice(at))) return true
  return false
}

function throughRule(part: Part, rule: Transform): Part[] {
  if (!fits(rule.measurement, part.measurement)) return [part]
  if (rule.drop) return []
  const tag = (key: string) => {
    const value = part.tags.get(key) ?? ''
    return typeof value === 'string' ? value : ''
  }
  const isSeries = (one: Record<string, string>) =>
    Object.entries(one).every(([key, pattern]) =>
      pattern === '' || tag(key) === '' ? tag(key) === pattern : fits(pattern, tag(key)),
    )
  const { keepSeries, dropSeries, keepFields, dropFields, keepTags, dropTags } = rule
  if (keepSeries !== undefined && !keepSeries.some(isSeries)) return []
  if (dropSeries?.some(isSeries) === true) return []
  const isIn = (patterns: readonly string[], name: string) => patterns.some((pattern) => fits(pattern, name))
  if (keepFields !== undefined) part.fields = part.fields.filter(({ name }) => isIn(keepFields, name))
  if (dropFields !== undefined) part.fields = part.fields.filter(({ name }) => !isIn(dropFields, name))
  for (const key of [...part.tags.keys()]) {
    if (keepTags !== undefined && !isIn(keepTags, key)) part.tags.delete(key)
    if (dropTags !== undefined && isIn(dropTags, key)) part.tags.delete(key)
  }
  for (const field of part.fields) {
    const cast = Object.entries(rule.cast).find(([pattern]) => fits(pattern, field.name))
    if (cast !== undefined) field.type = cast[1]
  }
  for (const field of part.fields) {
    const names: Record<string, string> = rule.splitByType[field.name] ?? {}
    field.name = names[field.type] ?? field.name
  }
  if (part.fields.length === 0) return []
  for (const key of rule.tagsToFields) {
    const value = part.tags.get(key)
    part.tags.delete(key)
    if (value === undefined || value === '') continue
    if (typeof value === 'string')
      part.fields.unshift({ name: key, type: 'string', value: `string:${value}`, source: -1 })
    else part.fields.unshift({ ...value, name: key, type: 'string' })
  }
  for (const name of rule.fieldsToTags) {
    const own = part.fields.filter((field) => field.name === name)
    part.fields = part.fields.filter((field) => field.name !== name)
    const last = own.sort((a, b) => a.source - b.source).at(-1)
    if (last !== undefined) part.tags.set(name, last)
  }
  part.tags = renamed(part.tags, rule.renameTags)
  for (const field of part.fields) field.name = rule.renameFields[field.name] ?? field.name
  for (const [key, value] of Object.entries(rule.setTags)) part.tags.set(key, value)
  const parts = new Map([[part.measurement, { ...part, fields: [] as Field[] }]])
  for (const field of part.fields) {
    const split = Object.entries(rule.splitFields).find(([, patterns]) => isIn(patterns, field.name))
    const measurement = split?.[0] ?? part.measurement
    const target = parts.get(measurement) ?? { ...part, measurement, tags: new Map(part.tags), fields: [] }
    target.fields.push(field)
    parts.set(measurement, target)
  }
  for (const one of parts.values())
    if ((rule.precision ?? 1n) > one.precision) one.precision = rule.precision ?? 1n
  const stayed = parts.get(part.measurement)
  if (stayed !== undefined)
    stayed.measurement = (rule.rename ?? '{measurement}').split('{measurement}').join(part.measurement)
  return [...parts.values()].filter(({ fields }) => fields.length > 0)
}

function renamed(tags: Part['tags'], names: Record<string, string>): Part['tags'] {
  const result = new Map([...tags].filter(([key]) => names[key] === undefined))
  for (const [key, name] of Object.entries(names)) {
    const value = tags.get(key)
    if (value !== undefined) result.set(name, value)
  }
  return result
}

/** `undefined` when a field that became one cannot be cast, or written. */
function tagsOf({ tags }: Part): Record<string, string> | undefined {
  const texts: Record<string, string> = {}
  for (const [key, tag] of tags) {
    let text: string
    if (typeof tag === 'string') text = tag
    else {
      const cast = castValue(tag.value, tag.type)
      if (cast === undefined) return undefined
      text = plain(cast)
    }
    // v3 has no way to write it.
    if (/[\t\n]|\\$/.test(text)) return undefined
    if (text !== '') texts[key] = text
  }
  return texts
}

/** The value in `1.5 (float)`. */
export function plain(canonical: string): string {
  const [, value = '', type] = /^([^]*) \((\w+)\)$/.exec(canonical) ?? []
  return type === 'string' ? (JSON.parse(value) as string) : value
}

/** As `canonicalValue` says it; `undefined` when it cannot be cast. */
export function castValue(value: string, to: string): string | undefined {
  const from = typeOf(value)
  const text = value.slice(value.indexOf(':') + 1)
  const is = (cast: number | bigint | string | boolean | undefined) =>
    cast === undefined ? undefined : canonicalValue(to, cast)
  if (from === to) return is(text)
  if (to === 'string') return is(text)
  const trimmed = text.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '')
  switch (to) {
    case 'boolean':
      if (from === 'string')
        return is(
          /^(t|T|true|True|TRUE)$/.test(trimmed) ||
            (/^(f|F|false|False|FALSE)$/.test(trimmed) ? false : undefined),
        )
      return is(Number(text) === 1 || (Number(text) === 0 ? false : undefined))
    case 'float':
      if (from === 'boolean') return is(text === 'true' ? 1 : 0)
      if (from !== 'string') return is(Number(text))
      return is(
        /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) && isFinite(Number(trimmed))
          ? Number(trimmed)
          : undefined,
      )
    default: {
      const [least, most] = to === 'integer' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n]
      const number = whole(from, from === 'string' ? trimmed : text, to)
      return is(number !== undefined && number >= least && number <= most ? number : undefined)
    }
  }
}

function whole(from: string, text: string, to: string): bigint | undefined {
  if (from === 'boolean') return text === 'true' ? 1n : 0n
  if (from === 'float') return Number.isInteger(Number(text)) ? BigInt(Number(text)) : undefined
  const digits = from === 'string' && text.endsWith(to === 'integer' ? 'i' : 'u') ? text.slice(0, -1) : text
  return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined
}
