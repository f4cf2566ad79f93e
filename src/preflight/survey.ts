/**
 * What the tables of a target database will have to hold, learnt from the source without moving anything. Of one slice, or
 * of many: surveys of parts give that of the whole. Its size is that of the schema, not of the data.
 */
import type { TimeWindow } from '../core/time.ts'
import type { FieldType } from '../manifest/migration.ts'

export interface Survey {
  /** By measurement, as the target has it. */
  tables: Map<string, TableSurvey>
  /** Points that no rename can save: tag values, values, lines; and names that are not UTF-8. By measurement and reason. */
  refused: Map<string, Refused>
  /** What transforms make one. By measurement. */
  merged: Map<string, Merged>
}

export interface TableSurvey {
  /** Of the slice that has most of them. */
  series: number
  /** Nanoseconds; of what is stored. */
  first: bigint
  last: bigint
  /** About how many partitions they are, by the database's template. */
  partitions: number
  /** Points of the series that have the tag, where they were counted. */
  tags: Map<string, number | undefined>
  fields: Map<string, Map<FieldType, FieldSurvey>>
}

export interface FieldSurvey {
  /** Stored, overwritten ones too; where they were counted. */
  points: number | undefined
  /** Slices that have the field with this type, and their windows, adjoining ones as one. */
  slices: number
  windows: TimeWindow[]
}

export interface Refused {
  measurement: string
  reason: string
  points: number
  /** The first few: series, field and time, or the line. */
  examples: string[]
}

export interface Merged {
  /** Series that became one with an earlier one of the same slice, and fields with another field of their series. */
  series: number
  fields: number
  example: string
}

export const EXAMPLES = 3

export function newSurvey(): Survey {
  return { tables: new Map(), refused: new Map(), merged: new Map() }
}

export function newTable(): TableSurvey {
  return { series: 0, first: 1n, last: 0n, partitions: 0, tags: new Map(), fields: new Map() }
}

export function addRefused(survey: Survey, refused: Refused): void {
  const key = `${refused.measurement}\n${refused.reason}`
  const known = survey.refused.get(key)
  if (known === undefined)
    survey.refused.set(key, { ...refused, examples: refused.examples.slice(0, EXAMPLES) })
  else {
    known.points += refused.points
    known.examples = [...new Set([...known.examples, ...refused.examples])].slice(0, EXAMPLES)
  }
}

export function addMerged(survey: Survey, measurement: string, { series, fields, example }: Merged): void {
  const known = survey.merged.get(measurement)
  if (known === undefined) survey.merged.set(measurement, { series, fields, example })
  else {
    known.series += series
    known.fields += fields
  }
}

/** Adds the survey of one more slice (or of several); those of one mapping in order of time. */
export function addSurvey(to: Survey, from: Survey): void {
  for (const [name, table] of from.tables) {
    let sum = to.tables.get(name)
    if (sum === undefined) to.tables.set(name, (sum = newTable()))
    addTable(sum, table)
  }
  for (const refused of from.refused.values()) addRefused(to, refused)
  for (const [measurement, merged] of from.merged) addMerged(to, measurement, merged)
}

function addTable(sum: TableSurvey, table: TableSurvey): void {
  sum.series = Math.max(sum.series, table.series)
  addTimes(sum, table)
  sum.partitions += table.partitions
  for (const [tag, points] of table.tags) sum.tags.set(tag, added(sum.tags.get(tag), points))
  for (const [field, types] of table.fields) {
    const known = fieldOf(sum, field)
    for (const [type, more] of types) {
      const seen = known.get(type)
      if (seen === undefined) known.set(type, { ...more, windows: [...more.windows] })
      else {
        seen.points = added(seen.points, more.points)
        seen.slices += more.slices
        for (const window of more.windows) addWindow(seen.windows, window)
      }
    }
  }
}

export function fieldOf(table: TableSurvey, field: string): Map<FieldType, FieldSurvey> {
  let types = table.fields.get(field)
  if (types === undefined) table.fields.set(field, (types = new Map<FieldType, FieldSurvey>()))
  return types
}

/** Widens the times of the first to those of the second. */
export function addTimes(
  sum: Pick<TableSurvey, 'first' | 'last'>,
  { first, last }: Pick<TableSurvey, 'first' | 'last'>,
): void {
  if (first > last) return
  const empty = sum.first > sum.last
  if (empty || first < sum.first) sum.first = first
  if (empty || last > sum.last) sum.last = last
}

export function added(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0)
}

function addWindow(windows: TimeWindow[], window: TimeWindow): void {
  const last = windows.at(-1)
  if (last?.end === window.start) windows[windows.length - 1] = { start: last.start, end: window.end }
  else windows.push(window)
}

/** A survey as text, for the work folder. */
export function surveyJson(survey: Survey): string {
  return JSON.stringify(survey, (_key, value: unknown) => {
    if (value instanceof Map) return { map: [...(value as Map<string, unknown>)] }
    return typeof value === 'bigint' ? { int: value.toString() } : value
  })
}

export function readSurveyJson(text: string): Survey {
  return JSON.parse(text, (_key, value: unknown) => {
    // In a list, nothing is written as null.
    if (value === null) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) return value
    if ('map' in value) return new Map(value.map as [string, unknown][])
    return 'int' in value ? BigInt(value.int as string) : value
  }) as Survey
}
