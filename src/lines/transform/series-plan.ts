/** What becomes of the rows of one source series: the targets of its fields, as far as they were seen. */
import type { FieldType } from '../../manifest/migration.ts'
import type { SeriesNames } from '../series-key.ts'
import { bytesOf } from './byte-string.ts'
import type { compileTransforms, SourceSeries, TargetSeries } from './series-transform.ts'

export type SeriesTransform = NonNullable<ReturnType<typeof compileTransforms>>

const TYPES: readonly FieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean']

/** A field of the source with values of one type. */
export interface SourceField {
  /** Which of the series' fields. */
  field: number
  type: FieldType
}

export class SeriesPlan {
  targets: TargetSeries[] = []
  /** In the order in which values of one target field win at one time: by the bytes of their names. */
  fields: SourceField[] = []
  readonly #transform: SeriesTransform
  readonly #series: Omit<SourceSeries, 'fields'>
  readonly #names: readonly string[]
  /** By field and type, its place in `fields`. */
  readonly #places: Int32Array

  constructor(transform: SeriesTransform, names: SeriesNames, fields: readonly Uint8Array[]) {
    this.#transform = transform
    this.#series = sourceSeries(names)
    this.#names = fields.map((name) => Buffer.from(name).toString('latin1'))
    this.#places = new Int32Array(fields.length * TYPES.length).fill(-1)
  }

  /** The place of a field with values of this type; -1 when it was not seen before. */
  placeOf(field: number, type: FieldType): number {
    return this.#places[field * TYPES.length + TYPES.indexOf(type)] as number
  }

  nameOf(place: number): string {
    return this.#names[this.fields[place]?.field ?? -1] ?? ''
  }

  /** Sees fields that were not seen before. */
  add(fields: readonly SourceField[]): void {
    const name = ({ field }: SourceField) => this.#names[field] as string
    this.fields = [...this.fields, ...fields].sort((a, b) =>
      name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0,
    )
    this.fields.forEach(({ field, type }, place) => {
      this.#places[field * TYPES.length + TYPES.indexOf(type)] = place
    })
    const typed = this.fields.map((field) => ({ name: name(field), type: field.type }))
    this.targets = this.#transform({ ...this.#series, fields: typed })
  }
}

/** Names as rules see them. */
export function sourceSeries({ measurement, tags }: SeriesNames): Omit<SourceSeries, 'fields'> {
  return {
    measurement: measurement.toString('latin1'),
    tags: tags.map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')] as const),
  }
}

/** A target's names, with more tags. */
export function targetNames(
  { measurement, tags }: Pick<TargetSeries, 'measurement' | 'tags'>,
  more: ReadonlyMap<string, Buffer> = new Map(),
): SeriesNames {
  const all = new Map<string, Buffer>(tags.map(([key, value]) => [key, bytesOf(value)]))
  for (const [key, value] of more) all.set(key, value)
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    measurement: bytesOf(measurement),
    tags: sorted.map(([key, value]) => ({ key: bytesOf(key), value })),
  }
}
