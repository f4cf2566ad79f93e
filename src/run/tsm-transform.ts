/**
 * Which way the series of TSM files and WAL go when there are transforms. What changes names and types alone goes the fast way,
 * through the kernel into batches. Where other rows come out (times are cut, tags and fields change places, series become
 * one), or numbers are read from strings, a series goes the slow way: its rows are transformed one by one (lines/transform/row-transform.ts).
 */
import type { FieldType } from '../manifest/migration.ts'
import { encodeSeriesKey, seriesNames, type SeriesNames } from '../lines/series-key.ts'
import { escapedFieldKey, storedFieldKey } from '../lines/stored-names.ts'
import { bytesOf } from '../lines/transform/byte-string.ts'
import { sourceSeries, targetNames, type SeriesTransform } from '../lines/transform/series-plan.ts'
import type { TargetSeries } from '../lines/transform/series-transform.ts'
import { nameOfType } from '../source/tsm/block-store.ts'
import type { BlockTable } from '../source/tsm/block-table.ts'
import type { FieldSource, FieldSources } from '../source/tsm/field-list.ts'
import type { ColumnSource, SeriesColumn } from '../source/tsm/load-window.ts'
import type { SeriesSources } from '../source/tsm/series-cursor.ts'
import type { TaskSeries } from '../source/tsm/series-task.ts'
import { ROW_PREFIX } from './kernel-rows.ts'
import type { SharedTargets } from './shared-targets.ts'

/** A field's values of one type: what is one field to the rules. */
interface TypedField {
  field: FieldSources
  type: FieldType
}

export class TsmTransform {
  readonly #transform: SeriesTransform
  readonly #shared: SharedTargets
  /** Targets with tags that depend on values: any series there may get rows of another one. */
  readonly #openMeasurements = new Set<string>()

  constructor(transform: SeriesTransform, shared: SharedTargets) {
    this.#transform = transform
    this.#shared = shared
  }

  /** To be told of every series before the first is packed, if rules may make one of several. */
  see(series: SeriesSources): void {
    const names = seriesNames(series.series)
    if (typeof names === 'string') return
    for (const target of this.#targetsOf(names, typedFields(series.fields))) {
      this.#shared.see(idOf(target))
      if (target.rowTags.length > 0) this.#openMeasurements.add(target.measurement)
    }
  }

  pack(series: SeriesSources): TaskSeries[] {
    const names = seriesNames(series.series)
    if (typeof names === 'string') return [asStored(series, series.fields.map(plainColumn), names)]
    const fields = typedFields(series.fields)
    const targets = this.#targetsOf(names, fields)
    const needsRows = targets.some((target) => this.#needsRows(target) || readsStrings(target, fields))
    if (needsRows || typesMeet(fields, targets, series.blocks)) return [rowsOf(series)]
    const isSent = new Set(targets.flatMap((target) => target.fields.map(({ from }) => from)))
    const dropped = columnsOf(
      fields.filter((_, place) => !isSent.has(place)),
      'nothing',
    )
    return [
      ...targets.flatMap((target) => sent(series, target, fields)),
      ...(dropped.length === 0 ? [] : [{ ...asStored(series, dropped, undefined), use: 'dropped' as const }]),
    ]
  }

  #targetsOf(names: SeriesNames, fields: readonly TypedField[]): TargetSeries[] {
    const named = fields.map(({ field, type }) => ({ name: field.field.toString('latin1'), type }))
    return this.#transform({ ...sourceSeries(names), fields: named })
  }

  #needsRows(target: TargetSeries): boolean {
    return (
      target.precision !== undefined ||
      target.rowTags.length > 0 ||
      target.constants.length > 0 ||
      target.fields.some(({ isIn }) => isIn !== undefined) ||
      this.#openMeasurements.has(target.measurement) ||
      this.#shared.isShared(idOf(target))
    )
  }
}

function idOf({ measurement, tags }: TargetSeries): string {
  return [measurement, ...tags.flat()].join('\0')
}

function typedFields(fields: readonly FieldSources[]): TypedField[] {
  return fields.flatMap((field) =>
    [...new Set(field.sources.map(({ type }) => nameOfType(type)))].map((type) => ({ field, type })),
  )
}

/** Whether numbers or booleans are to be found in strings, which the kernel does not do. */
function readsStrings(target: TargetSeries, fields: readonly TypedField[]): boolean {
  return target.fields.some(({ from, type }) => type !== 'string' && fields[from]?.type === 'string')
}

/** Whether a later value of a field replaces an earlier one of another type that becomes another field: to be found row by row. */
function typesMeet(
  fields: readonly TypedField[],
  targets: readonly TargetSeries[],
  blocks: BlockTable,
): boolean {
  if (new Set(fields.map(({ field }) => field)).size === fields.length) return false
  const goal = fields.map((_, place) => {
    const target = targets.findIndex((one) => one.fields.some(({ from }) => from === place))
    return `${target} ${targets[target]?.fields.find(({ from }) => from === place)?.name ?? ''}`
  })
  const ranges = fields.map(({ field, type }) => rangeOf(field, type, blocks))
  return fields.some(({ field }, place) =>
    fields.some((other, otherPlace) => {
      const [one, two] = [ranges[place], ranges[otherPlace]]
      if (other.field !== field || otherPlace <= place || goal[place] === goal[otherPlace]) return false
      return one !== undefined && two !== undefined && one.first <= two.last && two.first <= one.last
    }),
  )
}

function rangeOf(
  { sources }: FieldSources,
  type: FieldType,
  blocks: BlockTable,
): { first: bigint; last: bigint } {
  const own = sources.filter((source) => nameOfType(source.type) === type)
  const rows = own.flatMap(({ first, count }) => [first, first + count - 1])
  const times = rows.flatMap((row) => [blocks.minTime(row), blocks.maxTime(row)])
  return times.reduce(
    ({ first, last }, time) => ({ first: time < first ? time : first, last: time > last ? time : last }),
    { first: times[0] ?? 0n, last: times[0] ?? 0n },
  )
}

function sent(series: SeriesSources, target: TargetSeries, fields: readonly TypedField[]): TaskSeries[] {
  const plain = (some: TargetSeries['fields']) =>
    columnsOf(
      some.map(({ from }) => fields[from] as TypedField),
      'as-it-is',
    )
  const key = encodeSeriesKey(targetNames(target))
  if (key.kind !== 'key') return [asStored(series, plain(target.fields), key.reason)]
  const byName = new Map<string, TargetSeries['fields']>()
  for (const field of target.fields) byName.set(field.name, [...(byName.get(field.name) ?? []), field])
  const refused: TaskSeries[] = []
  const columns: SeriesColumn[] = []
  for (const [name, some] of byName) {
    const fieldKey = storedFieldKey(bytesOf(name))
    if (fieldKey.kind === 'key') columns.push(joined(fieldKey.bytes, some, fields))
    else refused.push(asStored(series, plain(some), fieldKey.reason))
  }
  columns.sort((a, b) => Buffer.compare(a.key, b.key))
  const { blocks } = series
  const read = {
    series: { key: key.bytes, series: series.series, columns, blocks },
    use: 'sent' as const,
    refused: undefined,
  }
  return columns.length === 0 ? refused : [...refused, read]
}

/** One column of all fields that have its name. Of equal times, those of later fields win; of one field, those of later files. */
function joined(key: Buffer, some: TargetSeries['fields'], fields: readonly TypedField[]): SeriesColumn {
  const own = some.map(({ from, type }) => ({ ...(fields[from] as TypedField), cast: type }))
  const sources: ColumnSource[] = []
  const members = [...new Set(own.map(({ field }) => field))]
  members.forEach((member, part) => {
    for (const source of member.sources) {
      const typed = own.find(({ field, type }) => field === member && type === nameOfType(source.type))
      if (typed !== undefined) sources.push({ ...source, cast: typed.cast, part })
    }
  })
  return { key, fields: members.map(({ field }) => field) as [Buffer, ...Buffer[]], sources }
}

/** A column for each field, with those of its types that are asked for. */
function columnsOf(typed: readonly TypedField[], cast: 'nothing' | 'as-it-is'): SeriesColumn[] {
  return [...new Set(typed.map(({ field }) => field))].map((member) => {
    const types = typed.filter(({ field }) => field === member).map(({ type }) => type)
    const sources = member.sources.filter((source) => types.includes(nameOfType(source.type)))
    return plainColumn({ field: member.field, sources: sources.map((source) => ({ ...source, cast })) })
  })
}

function plainColumn({
  field,
  sources,
}: {
  field: Buffer
  sources: readonly (FieldSource & ColumnSource)[]
}): SeriesColumn {
  return { key: escapedFieldKey(field), fields: [field], sources }
}

function asStored(
  { series, blocks }: SeriesSources,
  columns: readonly SeriesColumn[],
  refused: string | undefined,
): TaskSeries {
  return { series: { key: series, series, columns, blocks }, use: 'sent', refused }
}

/** All fields of a series, its rows as {@link KernelRows} reads them. */
export function rowsOf({ series, fields, blocks }: SeriesSources): TaskSeries {
  const columns = fields.map(({ field, sources }, number): SeriesColumn => ({
    key: Buffer.from(String(number)),
    fields: [field],
    sources: sources.map((source) => ({ ...source, cast: 'as-it-is' })),
  }))
  return { series: { key: ROW_PREFIX, series, columns, blocks }, use: 'transformed', refused: undefined }
}
