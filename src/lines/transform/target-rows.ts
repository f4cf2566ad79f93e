/** A target of a source series as its rows need it: keys encoded once, ids of the store remembered. */
import type { FieldType } from '../../manifest/migration.ts'
import type { PointStore } from '../point-store.ts'
import { encodeSeriesKey, type SeriesKey } from '../series-key.ts'
import { storedFieldKey } from '../stored-names.ts'
import { bytesOf } from './byte-string.ts'
import { tagText } from './cast-value.ts'
import { targetNames } from './series-plan.ts'
import type { Constant, TargetSeries } from './series-transform.ts'

/** Series of one target that differ in the values of row tags, remembered at once. */
const KEYS_KEPT = 1000

export interface SourceValue {
  type: FieldType
  bytes: Buffer
}

export interface TargetField {
  name: string
  type: FieldType
  /** As v3 has it, or why it has not. */
  key: Buffer
  refused: string | undefined
  /** Which of the target's fields and constants. */
  number: number
}

export interface TargetConstant extends TargetField, Pick<Constant, 'isIn'> {
  value: SourceValue
}

export class TargetRows {
  readonly precision: bigint | undefined
  readonly fields: readonly (TargetField & Pick<TargetSeries['fields'][number], 'from' | 'isIn'>)[]
  readonly constants: readonly TargetConstant[]
  readonly #target: TargetSeries
  readonly #size: number
  /** By the values of the row tags. */
  readonly #keys = new Map<string, TargetKey>()

  constructor(target: TargetSeries) {
    this.#target = target
    this.precision = target.precision
    this.#size = target.constants.length + target.fields.length
    this.constants = target.constants.map(({ name, type, value, isIn }, number) => {
      const bytes = bytesOf(`"${value.replace(/["\\]/g, '\\$&')}"`)
      return { ...fieldOf(name, type, number), isIn, value: { type: 'string', bytes } }
    })
    this.fields = target.fields.map(({ name, type, from, isIn }, i) => ({
      ...fieldOf(name, type, target.constants.length + i),
      ...{ from, isIn },
    }))
  }

  /** @param valueOf what a row has for a source field */
  keyOf(valueOf: (field: number) => SourceValue | undefined): TargetKey {
    let id = ''
    const tags = new Map<string, Buffer>()
    for (const { key, field, type } of this.#target.rowTags) {
      const value = valueOf(field)
      if (value === undefined) continue
      const text = tagText(value.bytes, value.type, type)
      if (typeof text === 'string') return new TargetKey({ kind: 'refused', reason: text }, 0)
      tags.set(key, text)
      id += `${field} ${text.length} ${text.toString('latin1')}`
    }
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    if (this.#keys.size >= KEYS_KEPT) this.#keys.clear()
    const key = new TargetKey(encodeSeriesKey(targetNames(this.#target, tags)), this.#size)
    this.#keys.set(id, key)
    return key
  }
}

/** A series of the target. */
export class TargetKey {
  /** Why v3 has no way to write it. */
  readonly refused: string | undefined
  readonly #key: Buffer
  readonly #pairs: Int32Array
  #generation = -1

  constructor(key: SeriesKey, fields: number) {
    this.refused = key.kind === 'key' ? undefined : key.reason
    this.#key = key.kind === 'key' ? key.bytes : Buffer.alloc(0)
    this.#pairs = new Int32Array(fields)
  }

  /** The store's id of this series and a field; asked for anew when `generation` changes. */
  pairOf({ number, key }: TargetField, store: PointStore, generation: number): number {
    if (generation !== this.#generation) {
      this.#pairs.fill(-1)
      this.#generation = generation
    }
    const known = this.#pairs[number] as number
    if (known >= 0) return known
    const series = store.series.idOf(this.#key, 0, this.#key.length)
    return (this.#pairs[number] = store.pairOf(series, store.fields.idOf(key, 0, key.length)))
  }
}

function fieldOf(name: string, type: FieldType, number: number): TargetField {
  const key = storedFieldKey(bytesOf(name))
  return key.kind === 'key'
    ? { name, type, number, key: key.bytes, refused: undefined }
    : { name, type, number, key: Buffer.alloc(0), refused: key.reason }
}
