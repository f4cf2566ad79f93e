/** Figures of ready rows, obvious and slow: the oracle of src/lines/figure-book.ts, but for the hash, which has none. */
import type { FieldFigures } from '../../src/lines/figures.ts'
import type { FieldType } from '../../src/manifest/migration.ts'
import { parseV3 } from './v3-line-protocol.ts'

const TYPES: Record<string, FieldType> = {
  f64: 'float',
  i64: 'integer',
  u64: 'unsigned',
  bool: 'boolean',
  string: 'string',
}

export type Sums = Omit<FieldFigures, 'hash'>

export function slowFigures(text: Uint8Array): Sums[] {
  const found = new Map<
    string,
    { head: Pick<Sums, 'measurement' | 'field' | 'type'>; points: [bigint, string][] }
  >()
  for (const { measurement, fields, time } of parseV3(text)) {
    for (const [field, typed] of fields) {
      const [, tag = '', value = ''] = /^(\w+):([^]*)$/.exec(typed) ?? []
      const type = TYPES[tag] ?? 'float'
      const key = JSON.stringify([measurement, field, type])
      const entry = found.get(key) ?? { head: { measurement, field, type }, points: [] }
      found.set(key, entry)
      entry.points.push([time, value])
    }
  }
  return [...found.values()].map(({ head, points }) => {
    const times = points.map(([time]) => time).sort((a, b) => (a < b ? -1 : 1))
    return {
      ...head,
      count: points.length,
      first: times[0] ?? 0n,
      last: times.at(-1) ?? 0n,
      ...numbersOf(
        head.type,
        points.map(([, value]) => value),
      ),
    }
  })
}

function numbersOf(type: FieldType, texts: string[]): Pick<Sums, 'min' | 'max' | 'sum' | 'absolute'> {
  const none = { min: undefined, max: undefined, sum: undefined, absolute: undefined }
  if (type === 'string' || type === 'boolean') return none
  if (type === 'float') {
    const values = texts.map(Number)
    const sorted = values.toSorted((a, b) => a - b)
    const sum = (all: number[]) => all.reduce((total, value) => total + value, 0)
    return { min: sorted[0], max: sorted.at(-1), sum: sum(values), absolute: sum(values.map(Math.abs)) }
  }
  const values = texts.map(BigInt).sort((a, b) => (a < b ? -1 : 1))
  const sum = values.reduce((total, value) => total + value, 0n)
  const wrapped = type === 'integer' ? BigInt.asIntN(64, sum) : BigInt.asUintN(64, sum)
  return { ...none, min: values[0], max: values.at(-1), sum: wrapped }
}

/** Whether figures are the same: sums of floats as far as the order of adding leaves it open. */
export function sameFigures(a: readonly Sums[], b: readonly Sums[]): boolean {
  const byName = (all: readonly Sums[]) =>
    all
      .map((one) => [JSON.stringify([one.measurement, one.field, one.type]), one] as const)
      .sort(([x], [y]) => (x < y ? -1 : 1))
  const [left, right] = [byName(a), byName(b)]
  return (
    left.length === right.length &&
    left.every(([name, one], i) => {
      const [other, two] = right[i] ?? ['', undefined]
      return name === other && two !== undefined && same(one, two)
    })
  )
}

function same(a: Sums, b: Sums): boolean {
  const exact =
    a.count === b.count && a.first === b.first && a.last === b.last && a.min === b.min && a.max === b.max
  if (typeof a.sum !== 'number' || typeof b.sum !== 'number') return exact && a.sum === b.sum
  const bound = 2 * a.count * 2 ** -53 * Math.max(a.absolute ?? 0, b.absolute ?? 0)
  return exact && (Object.is(a.sum, b.sum) || Math.abs(a.sum - b.sum) <= bound || !Number.isFinite(bound))
}
