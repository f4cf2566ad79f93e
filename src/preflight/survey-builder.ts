/** Series as the source has them, transformed, into the survey of a slice. */
import { hash } from 'node:crypto'
import { formatRfc3339, type TimeWindow } from '../core/time.ts'
import { inexpressible } from '../lines/names.ts'
import { bytesOf } from '../lines/transform/byte-string.ts'
import type { compileTransforms, TargetSeries } from '../lines/transform/series-transform.ts'
import type { FieldType, PartitionPart } from '../manifest/migration.ts'
import { PartitionCount } from './partitions.ts'
import { shownText, textOf, type SeenField, type SeenSeries } from './seen-series.ts'
import {
  addMerged,
  addRefused,
  addTimes,
  added,
  fieldOf,
  newSurvey,
  newTable,
  type Survey,
  type TableSurvey,
} from './survey.ts'

export type TransformSeries = ReturnType<typeof compileTransforms>

/** Of which tags and fields of a table (as the target has them) points are to be counted. */
export interface Wanted {
  /** All points of the table; of series with these tags; of these fields. */
  all: boolean
  tags: Set<string>
  fields: Set<string>
}

export interface BuilderOptions {
  window: TimeWindow
  transform: TransformSeries
  partitionTemplate: PartitionPart[] | undefined
  /** Of what points are to be counted, by measurement; of everything, where they are known anyhow. */
  wanted: ReadonlyMap<string, Wanted> | 'everything'
}

const EVERYTHING: Wanted = { all: true, tags: new Set(), fields: new Set() }

/** Series of a slice that are remembered to find those that become one: beyond it, fewer are found. */
const SERIES_REMEMBERED = 250_000

/** A field of a target, and the fields of the source that it is made of. */
interface Part {
  name: string
  type: FieldType
  seen: SeenField[]
}

export class SurveyBuilder {
  readonly #options: BuilderOptions
  readonly #survey: Survey = newSurvey()
  readonly #partitions = new Map<TableSurvey, PartitionCount>()
  /** Of targets, and of targets with the series that they come from: line protocol shows a series again and again. */
  readonly #targets = new Set<string>()
  readonly #origins = new Set<string>()

  constructor(options: BuilderOptions) {
    this.#options = options
  }

  add(series: SeenSeries): void {
    const { transform } = this.#options
    for (const target of transform?.(series) ?? [unchanged(series)]) this.#addTarget(series, target)
  }

  /** Points whose names are not what is wrong. */
  refuse(measurement: string, reason: string, points: number, example: string): void {
    addRefused(this.#survey, { measurement, reason, points, examples: [example] })
  }

  result(): Survey {
    for (const [table, count] of this.#partitions) table.partitions = count.of(table)
    return this.#survey
  }

  #addTarget(series: SeenSeries, target: TargetSeries): void {
    const parts = partsOf(series, target)
    const measurement = textOf(target.measurement)
    const reason = measurement === undefined ? NOT_UTF8('measurement') : reasonOfTags(target)
    if (measurement === undefined || reason !== undefined) {
      const points = parts.reduce((sum, { seen }) => sum + sumOf(seen), 0)
      this.refuse(shownText(target.measurement), reason ?? '', points, keyOf(target))
      return
    }
    let table = this.#survey.tables.get(measurement)
    if (table === undefined) {
      this.#survey.tables.set(measurement, (table = newTable()))
      this.#partitions.set(table, new PartitionCount(this.#options.partitionTemplate))
    }
    table.series += 1
    this.#partitions.get(table)?.add(target.tags)
    const keys = [...target.tags.map(([key]) => key), ...target.rowTags.map(({ key }) => key)]
    const tags = new Set(keys.map((key) => textOf(key) ?? ''))
    const wanted = this.#wanted(measurement)
    const isWanted = wanted !== undefined && (wanted.all || [...tags].some((tag) => wanted.tags.has(tag)))
    for (const part of parts) {
      const name = textOf(part.name)
      if (name === undefined)
        this.refuse(measurement, NOT_UTF8('field key'), sumOf(part.seen), pointOf(target, part.name))
      else this.#addField(table, name, part, isWanted || wanted?.fields.has(name) === true)
    }
    for (const tag of tags) {
      const isCounted = wanted !== undefined && (wanted.all || wanted.tags.has(tag))
      const points = isCounted ? parts.reduce((sum, { seen }) => sum + sumOf(seen), 0) : undefined
      table.tags.set(tag, added(table.tags.get(tag), points))
    }
    if (this.#options.transform !== undefined) this.#lookForMerged(measurement, target, series)
  }

  #addField(table: TableSurvey, name: string, { type, seen }: Part, isWanted: boolean): void {
    const points = isWanted ? sumOf(seen) : undefined
    const types = fieldOf(table, name)
    const known = types.get(type)
    if (known === undefined) types.set(type, { points, slices: 1, windows: [this.#options.window] })
    else known.points = added(known.points, points)
    for (const { first, last } of seen) addTimes(table, this.#within(first, last))
  }

  #wanted(measurement: string): Wanted | undefined {
    const { wanted } = this.#options
    return wanted === 'everything' ? EVERYTHING : wanted.get(measurement)
  }

  #within(first: bigint, last: bigint): { first: bigint; last: bigint } {
    const { start, end } = this.#options.window
    return { first: first < start ? start : first, last: last >= end ? end - 1n : last }
  }

  /** Series whose tags come from values cannot be told apart here. */
  #lookForMerged(measurement: string, target: TargetSeries, series: SeenSeries): void {
    const { fields } = series
    const origins = new Map<string, Set<string>>()
    for (const { name, from } of target.fields)
      origins.set(name, (origins.get(name) ?? new Set()).add(fields[from]?.name ?? ''))
    for (const [name, sources] of origins)
      if (sources.size > 1)
        addMerged(this.#survey, measurement, {
          series: 0,
          fields: sources.size - 1,
          example: pointOf(target, name),
        })
    if (target.rowTags.length > 0) return
    const key = hash('md5', JSON.stringify([measurement, target.tags]), 'base64')
    const origin = hash('md5', JSON.stringify([key, series.measurement, series.tags]), 'base64')
    if (this.#origins.has(origin)) return
    if (this.#targets.has(key))
      addMerged(this.#survey, measurement, { series: 1, fields: 0, example: keyOf(target) })
    if (this.#origins.size >= SERIES_REMEMBERED) return
    this.#targets.add(key)
    this.#origins.add(origin)
  }
}

function partsOf(series: SeenSeries, { fields, constants }: TargetSeries): Part[] {
  const at = (field: number) => series.fields.slice(field, field + 1)
  return [
    ...fields.map(({ name, type, from }) => ({ name, type, seen: at(from) })),
    ...constants.map(({ name, type, rows }) => ({ name, type, seen: rows.slice(0, 1).flatMap(at) })),
  ]
}

function unchanged({ measurement, tags, fields }: SeenSeries): TargetSeries {
  const kept = fields.map(({ name, type }, from) => ({ name, type, from }))
  return { measurement, tags, rowTags: [], fields: kept, constants: [], precision: undefined }
}

const NOT_UTF8 = (kind: string) => `the ${kind} is not valid UTF-8`

/** A tag key that v3 cannot express may be renamed, if it is text. */
function reasonOfTags({ tags, rowTags }: TargetSeries): string | undefined {
  const keys = [...tags.map(([key]) => key), ...rowTags.map(({ key }) => key)]
  if (keys.some((key) => textOf(key) === undefined)) return NOT_UTF8('tag key')
  for (const [, value] of tags) {
    if (/^[\w. -]+$/.test(value)) continue
    const reason = inexpressible(bytesOf(value), 'tag value')
    if (reason !== undefined) return reason
  }
  return undefined
}

function sumOf(seen: readonly SeenField[]): number {
  return seen.reduce((sum, field) => sum + field.points(), 0)
}

/** A series as messages name it. */
function keyOf({ measurement, tags }: Pick<TargetSeries, 'measurement' | 'tags'>): string {
  return shownText([measurement, ...tags.map(([key, value]) => `${key}=${value}`)].join(','))
}

/** A field of a series, or a point, as messages name it. */
export function pointOf(
  series: Pick<TargetSeries, 'measurement' | 'tags'>,
  field: string,
  time?: bigint,
): string {
  return `${keyOf(series)} ${shownText(field)}${time === undefined ? '' : ` at ${formatRfc3339(time)}`}`
}
