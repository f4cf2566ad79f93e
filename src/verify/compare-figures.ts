/** Figures of the source against those of the cluster. */
import { formatRfc3339 } from '../core/time.ts'
import { countOf } from '../core/units.ts'
import type { FieldFigures, Figures } from '../lines/figures.ts'
import type { FieldType } from '../manifest/migration.ts'

/** What should be there. */
export interface Expected extends FieldFigures {
  /** Whether first and last time, minimum and maximum are known: not, where a point was taken off that was one of them. */
  extremesKnown: boolean
  /** How many numbers were added up for the sum. */
  terms: number
}

export function expectedOf(figures: FieldFigures): Expected {
  return { ...figures, extremesKnown: true, terms: figures.count }
}

/** What a server answers; what was not asked for is `undefined`. */
export interface Found {
  type: FieldType
  count: number
  first: bigint | undefined
  last: bigint | undefined
  min: number | bigint | undefined
  max: number | bigint | undefined
  sum: number | bigint | undefined
  hash: bigint | undefined
}

export function nothingFound(type: FieldType): Found {
  const nothing = undefined
  return {
    type,
    count: 0,
    first: nothing,
    last: nothing,
    min: nothing,
    max: nothing,
    sum: nothing,
    hash: nothing,
  }
}

/** Adds what was found of other points of the same field. */
export function addFound(to: Found, { count, first, last, min, max, sum }: Found): void {
  to.count += count
  if (first !== undefined && (to.first === undefined || first < to.first)) to.first = first
  if (last !== undefined && (to.last === undefined || last > to.last)) to.last = last
  if (min !== undefined && (to.min === undefined || min < to.min)) to.min = min
  if (max !== undefined && (to.max === undefined || max > to.max)) to.max = max
  to.sum = addSums(to.sum, sum)
}

/** Figures of other points taken off. Which points are then the first, the last and the extreme ones is not to be told. */
export function takeOff(whole: Expected, part: Figures): Expected {
  if (part.count === 0) return whole
  const extremesKnown =
    whole.extremesKnown &&
    part.first > whole.first &&
    part.last < whole.last &&
    (part.min === undefined || whole.min === undefined || part.min > whole.min) &&
    (part.max === undefined || whole.max === undefined || part.max < whole.max)
  return {
    ...whole,
    count: whole.count - part.count,
    sum: addSums(whole.sum, part.sum === undefined ? undefined : -part.sum),
    absolute: whole.absolute === undefined ? undefined : whole.absolute + (part.absolute ?? 0),
    hash: BigInt.asUintN(64, whole.hash - part.hash),
    extremesKnown,
    terms: whole.terms + part.count,
  }
}

function addSums(
  a: number | bigint | undefined,
  b: number | bigint | undefined,
): number | bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (typeof a === 'bigint' && typeof b === 'bigint') return a + b
  return Number(a) + Number(b)
}

export type FigureName = 'count' | 'first' | 'last' | 'min' | 'max' | 'sum' | 'hash'

/** The figures in which a field differs; what was not asked for, or is not known, does not. */
export function differencesOf(expected: Expected, found: Found): FigureName[] {
  const names: FigureName[] = []
  const { extremesKnown } = expected
  if (expected.count !== found.count) names.push('count')
  if (expected.count === 0) return names
  if (extremesKnown) {
    if (found.first !== undefined && expected.first !== found.first) names.push('first')
    if (found.last !== undefined && expected.last !== found.last) names.push('last')
    // Of 0 and -0 either may be the smaller one.
    if (found.min !== undefined && expected.min !== found.min) names.push('min')
    if (found.max !== undefined && expected.max !== found.max) names.push('max')
  }
  if (found.sum !== undefined && expected.sum !== undefined && !areSumsEqual(expected, found.sum))
    names.push('sum')
  if (found.hash !== undefined && BigInt.asUintN(64, expected.hash) !== BigInt.asUintN(64, found.hash))
    names.push('hash')
  return names
}

function areSumsEqual(expected: Expected, found: number | bigint): boolean {
  const { sum, absolute = 0, terms } = expected
  if (typeof sum === 'bigint') return BigInt.asIntN(64, sum) === BigInt.asIntN(64, BigInt(found))
  const bound = sumBound(terms, absolute)
  // Where even the sum of absolute values has no number, sums tell nothing.
  return !Number.isFinite(bound) || Math.abs((sum ?? 0) - Number(found)) <= bound
}

/** Half a unit in the last place of 1. */
const ROUNDING = 2 ** -53

/**
 * How far two sums of `count` floats, added up in whatever order, can be apart: each is within n·u/(1 - n·u)·Σ|x| of the
 * exact sum, u = 2^-53 (Higham, Accuracy and Stability of Numerical Algorithms, 4.2), and so is Σ|x| itself as it was added up.
 */
export function sumBound(count: number, absolute: number): number {
  const gamma = (count * ROUNDING) / (1 - count * ROUNDING)
  return (2 * gamma * absolute) / (1 - gamma)
}

/** Whether sums of it can be asked for: of larger ones, a sum on the way may be infinite. */
export function isSumFinite({ absolute }: Figures): boolean {
  return absolute === undefined || absolute < Number.MAX_VALUE / 4
}

/** Some figures in words: `12 points, sum 3.5`. */
export function figuresInWords(figures: Found | FieldFigures, names: readonly FigureName[]): string {
  return names.map((name) => wordOf(name, figures[name], figures.type)).join(', ')
}

function wordOf(name: FigureName, value: number | bigint | undefined, type: FieldType): string {
  if (name === 'count') return countOf(Number(value ?? 0), 'point')
  if (value === undefined) return `no ${name}`
  if (name === 'first' || name === 'last') return `${name} ${formatRfc3339(BigInt(value))}`
  if (name === 'hash') return `hash ${BigInt.asUintN(64, BigInt(value)).toString(16)}`
  if (typeof value !== 'bigint') return `${name} ${value}`
  return `${name} ${type === 'unsigned' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)}`
}
