/** Series as the source has them, transformed, into the survey of a slice. */
import { hash } from 'node:crypto'
import { formatRfc3339, type TimeWindow } from '../core/time.ts'
import { inexpressible } from '../lines/names.ts'
import type { FieldType, PartitionPart } from '../manifest/migration.ts'
import { PartitionCount } from './partitions.ts'
import type { SeenField, SeenSeries } from './seen-series.ts'
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
import type { TargetSeries, TransformSeries } from './target-series.ts'

/** Of which tables, tags and fields (as the target has them) points are to be counted. */
export interface Wanted {
  /** All points of the table; of series with these tags; of these fields. */
  all: boolean
  tags: Set<string>
  fields: Set<string>
}

export interface BuilderOptions {
  window: TimeWindow
  transform: TransformSeries | undefined
  partitionTemplate: PartitionPart[] | undefined
  /** By measurement. */
  wanted: ReadonlyMap<string, Wanted>
}

/** Series of a slice that are remembered to find those that become one: beyond it, fewer are found. */
const SERIES_REMEMBERED = 2_000_000

export class SurveyBuilder {
  readonly #options: BuilderOptions
  readonly #survey: Survey = newSurvey()
  readonly #partitions = new Map<TableSurvey, PartitionCount>()
  readonly #targets = new Set<string>()

  constructor(options: BuilderOptions) {
    this.#options = options
  }

  add(series: SeenSeries): void {
    const { transform } = this.#options
    for (const target of transform?.(series) ?? [unchanged(series)]) this.#addTarget(series, target)
  }

  /** Points that are no series' or field's fault. */
  refuse(measurement: string, reason: string, points: number, example: string): void {
    addRefused(this.#survey, { measurement, reason, points, examples: [example] })
  }

  result(): Survey {
    for (const [table, count] of this.#partitions) table.partitions = count.of(table)
    return this.#survey
  }

  #addTarget(series: SeenSeries, target: TargetSeries): void {
    const { measurement, tags } = target
    const parts = partsOf(series, target)
    const reason = series.refused ?? reasonOfTagValues(tags)
    if (reason !== undefined) {
      const points = parts.reduce((sum, { seen }) => sum + sumOf(seen), 0)
      return this.refuse(measurement, reason, points, keyOf(target))
    }
    let table = this.#survey.tables.get(measurement)
    if (table === undefined) {
      this.#survey.tables.set(measurement, (table = newTable()))
      this.#partitions.set(table, new PartitionCount(this.#options.partitionTemplate))
    }
    table.series += 1
    this.#partitions.get(table)?.add(tags)
    for (const { name, type, seen } of parts) {
      const refused = seen.find((one) => one.refused !== undefined)?.refused
      if (refused === undefined) this.#addField(table, target, name, type, seen)
      else this.refuse(measurement, refused, sumOf(seen), `${keyOf(target)} ${name}`)
    }
    this.#addTags(table, target, parts)
    if (this.#options.transform !== undefined) this.#lookForMerged(target)
  }

  #addField(
    table: TableSurvey,
    { measurement, tags }: TargetSeries,
    name: string,
    type: FieldType,
    seen: readonly SeenField[],
  ): void {
    const wanted = this.#options.wanted.get(measurement)
    const isWanted =
      wanted !== undefined &&
      (wanted.all || wanted.fields.has(name) || tags.some(([tag]) => wanted.tags.has(tag)))
    const points = isWanted ? sumOf(seen) : undefined
    const types = fieldOf(table, name)
    const known = types.get(type)
    if (known === undefined) types.set(type, { points, slices: 1, windows: [this.#options.window] })
    else known.points = added(known.points, points)
    for (const { first, last } of seen) addTimes(table, this.#within(first, last))
  }

  #addTags(table: TableSurvey, target: TargetSeries, parts: readonly Part[]): void {
    const wanted = this.#options.wanted.get(target.measurement)
    for (const tag of [...target.tags.map(([key]) => key), ...target.rowTags.map(({ key }) => key)]) {
      const points = wanted?.tags.has(tag)
        ? parts.reduce((sum, { seen }) => sum + sumOf(seen), 0)
        : undefined
      table.tags.set(tag, added(table.tags.get(tag), points))
    }
  }

  #within(first: bigint, last: bigint): { first: bigint; last: bigint } {
    const { start, end } = this.#options.window
    return { first: first < start ? start : first, last: last >= end ? end - 1n : last }
  }

  /** Series whose tags come from values cannot be told apart here. */
  #lookForMerged(target: TargetSeries): void {
    const { measurement, fields, rowTags } = target
    const names = new Set(fields.map(({ name }) => name))
    const merged = fields.length - names.size
    const example = keyOf(target)
    if (merged > 0) {
      const twice = fields.find(({ name }, i) => fields.findIndex((one) => one.name === name) < i)
      addMerged(this.#survey, measurement, { series: 0, fields: merged, example: `${example} ${twice?.name}` })
    }
    if (rowTags.length > 0) return
    const key = hash('md5', JSON.stringify([measurement, target.tags]), 'base64')
    if (this.#targets.has(key)) addMerged(this.#survey, measurement, { series: 1, fields: 0, example })
    else if (this.#targets.size < SERIES_REMEMBERED) this.#targets.add(key)
  }
}

interface Part {
  name: string
  type: FieldType
  /** The source's fields that it is made of. */
  seen: SeenField[]
}

/** A target's fields, each with what it is made of: of several types of one field, the one that it kept or all of them. */
function partsOf(series: SeenSeries, { fields, constants }: TargetSeries): Part[] {
  const parts = fields.map(({ name, type, from }): Part => {
    const sources = series.fields.filter((field) => field.name === from)
    const same = sources.filter((field) => field.type === type)
    return { name, type, seen: same.length > 0 ? same : sources }
  })
  const [some] = series.fields
  const made = constants.map(({ name }): Part => ({ name, type: 'string', seen: some ? [some] : [] }))
  return [...parts, ...made]
}

function unchanged({ measurement, tags, fields }: SeenSeries): TargetSeries {
  const kept = fields.map(({ name, type }) => ({ name, type, from: name }))
  return { measurement, tags, rowTags: [], fields: kept, constants: [], precision: undefined }
}

function reasonOfTagValues(tags: TargetSeries['tags']): string | undefined {
  for (const [, value] of tags) {
    if (isPlain(value)) continue
    const reason = inexpressible(Buffer.from(value), 'tag value')
    if (reason !== undefined) return reason
  }
  return undefined
}

function isPlain(value: string): boolean {
  return /^[\w. -]+$/.test(value)
}

function sumOf(seen: readonly SeenField[]): number {
  return seen.reduce((sum, field) => sum + field.points(), 0)
}

/** A series as messages name it. */
export function keyOf({ measurement, tags }: Pick<TargetSeries, 'measurement' | 'tags'>): string {
  return [measurement, ...tags.map(([key, value]) => `${key}=${value}`)].join(',')
}

/** A point as messages name it. */
export function pointOf(series: Pick<TargetSeries, 'measurement' | 'tags'>, field: string, time: bigint): string {
  return `${keyOf(series)} ${field} at ${formatRfc3339(time)}`
}
