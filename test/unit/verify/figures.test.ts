/** Figures of parts give those of the whole, whatever the order; sums of floats within the bound that is relied on. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  addFound,
  differencesOf,
  expectedOf,
  nothingFound,
  sumBound,
  takeOff,
  type Found,
} from '../../../src/verify/compare-figures.ts'
import { PointFigures } from '../../../src/verify/point-figures.ts'
import type { Point } from '../../../src/verify/source-reader.ts'
import type { FieldFigures } from '../../../src/lines/figures.ts'

const float = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const time = fc.bigInt({ min: -(2n ** 63n) + 2n, max: 2n ** 63n - 2n })

const point = (type: 'float' | 'integer' | 'string', value: fc.Arbitrary<Point['value']>) =>
  fc.record({
    series: fc.constantFrom('m,t=a', 'm,t=b', 'm'),
    measurement: fc.constant('m'),
    field: fc.constant('f'),
    type: fc.constant(type),
    value,
    time,
  })
const points = fc.oneof(
  fc.array(point('float', float), { minLength: 1, maxLength: 40 }),
  fc.array(point('integer', integer), { minLength: 1, maxLength: 40 }),
  fc.array(point('string', fc.string()), { minLength: 1, maxLength: 20 }),
)

function figuresOf(some: readonly Point[]): FieldFigures | undefined {
  const figures = new PointFigures()
  for (const one of some) figures.add(one)
  return figures.result()[0]
}

it('adds up what is found of parts to what is found of the whole, in any order', () => {
  fc.assert(
    fc.property(points, fc.array(fc.nat(5), { minLength: 40, maxLength: 40 }), (all, parts) => {
      const whole = figuresOf(all)
      if (whole === undefined) throw new Error('no points')
      const found = nothingFound(whole.type)
      for (const part of [3, 0, 5, 1, 4, 2]) {
        const figures = figuresOf(all.filter((_, i) => parts[i] === part).reverse())
        if (figures !== undefined) addFound(found, figures)
      }
      expect(differencesOf(expectedOf(whole), found)).toEqual([])
    }),
  )
})

it('takes points off: count, sum and hash are those of the others, and so are the extremes where they are known', () => {
  fc.assert(
    fc.property(points, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (all, isOff) => {
      const [whole, off, left] = [
        figuresOf(all),
        figuresOf(all.filter((_, i) => isOff[i])),
        figuresOf(all.filter((_, i) => !isOff[i])),
      ]
      if (whole === undefined || off === undefined) return
      const expected = takeOff(expectedOf(whole), off)
      const found: Found = left ?? nothingFound(whole.type)
      expect(expected.count).toBe(found.count)
      expect(differencesOf(expected, found)).toEqual([])
    }),
  )
})

it('notices one point more, one less, and one of another value, series or time', () => {
  fc.assert(
    fc.property(points, fc.nat(39), (all, at) => {
      const whole = figuresOf(all)
      const one = all[at % all.length]
      if (whole === undefined || one === undefined) throw new Error('no points')
      const others = all.filter((each) => each !== one)
      const altered = { ...one, series: 'm,t=c' }
      const later = { ...one, time: one.time === 7n ? 8n : 7n }
      for (const changed of [others, [...all, one], [...others, altered], [...others, later]])
        expect(differencesOf(expectedOf(whole), figuresOf(changed) ?? nothingFound(one.type))).not.toEqual([])
    }),
  )
})

it('bounds how far two sums of the same floats can be apart', () => {
  fc.assert(
    fc.property(
      fc.array(float, { minLength: 2, maxLength: 200 }),
      fc.infiniteStream(fc.nat()),
      (values, random) => {
        const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0)
        const shuffled = values
          .map((value) => ({ value, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ value }) => value)
        const absolute = sum(values.map(Math.abs))
        expect(Math.abs(sum(values) - sum(shuffled))).toBeLessThanOrEqual(sumBound(values.length, absolute))
      },
    ),
  )
  // And it is no bound that everything is within.
  expect(sumBound(1000, 1000)).toBeLessThan(1e-9)
})
