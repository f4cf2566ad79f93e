/**
 * What the rules of a manifest make of a series and its fields, before any value is seen.
 *
 * Names and tag values are byte strings, one character a byte (`Buffer.toString('latin1')`): files may hold names that are
 * not UTF-8, and they come out as they went in (byte-string.ts).
 */
import type { FieldType, Transform } from '../../manifest/migration.ts'
import { compileRule } from './compile-rule.ts'
import type { InRow, Part } from './series-part.ts'

export interface SourceSeries {
  measurement: string
  tags: readonly (readonly [key: string, value: string])[]
  /** A field whose values are of several types is there once for each. */
  fields: readonly { name: string; type: FieldType }[]
}

export interface TargetSeries {
  measurement: string
  /** Sorted by the bytes of their keys, empty values left out. */
  tags: readonly (readonly [key: string, value: string])[]
  /**
   * Tags whose values come from fields, row by row (fieldsToTags), cast to `type`; `field` is an index into `SourceSeries.fields`. Of several
   * with one key, the last that the row has counts; a row that has none keeps what `tags` says.
   */
  rowTags: readonly { key: string; field: number; type: FieldType }[]
  /**
   * In the order of `from`, an index into `SourceSeries.fields`. `type`: after the cast. Several may have one name. `isIn`: it was a
   * tag meanwhile, and is in these rows only.
   */
  fields: readonly { name: string; type: FieldType; from: number; isIn?: InRow | undefined }[]
  /** Fields that were tags (tagsToFields): text that is to be cast to `type`. */
  constants: readonly Constant[]
  /** Nanoseconds that times are cut to a multiple of, or undefined. */
  precision: bigint | undefined
}

export interface Constant {
  name: string
  type: FieldType
  value: string
  isIn: InRow
  /** Rows that have it have one of these source fields. */
  rows: readonly number[]
}

/**
 * The rules as one function; `undefined`: they change nothing. What it gives for a series is empty when the series is dropped
 * as a whole, and more than one target when its fields are split.
 */
export function compileTransforms(
  rules: readonly Transform[],
): ((series: SourceSeries) => TargetSeries[]) | undefined {
  if (rules.length === 0) return undefined
  const compiled = rules.map(compileRule)
  return (series) => {
    let parts = [partOf(series)]
    for (const rule of compiled) parts = parts.flatMap(rule)
    return parts.map(targetOf)
  }
}

function partOf({ measurement, tags, fields }: SourceSeries): Part {
  return {
    measurement,
    tags: new Map(tags.map(([key, text]) => [key, { text, fields: [] }])),
    fields: fields.map(({ name, type }, from) => ({ name, type, value: { from } })),
    precision: undefined,
  }
}

function targetOf({ measurement, tags, fields, precision }: Part): TargetSeries {
  const sorted = [...tags].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    measurement,
    tags: sorted.flatMap(([key, { text }]) => (text === '' ? [] : [[key, text] as const])),
    rowTags: sorted.flatMap(([key, tag]) => tag.fields.map(({ from, type }) => ({ key, field: from, type }))),
    fields: fields
      .flatMap(({ name, type, value }) =>
        'from' in value ? [{ name, type, from: value.from, isIn: value.isIn }] : [],
      )
      .sort((a, b) => a.from - b.from),
    constants: fields.flatMap(({ name, type, value }) =>
      'from' in value ? [] : [{ name, type, value: value.constant, isIn: value.isIn, rows: value.rows }],
    ),
    precision,
  }
}
