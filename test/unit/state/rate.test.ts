import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addToRate, INTERVALS_KEPT } from '../../../src/state/rate.ts'
import type { Rate } from '../../../src/state/state.generated.ts'

const START = Date.parse('2026-01-05T08:00:00Z')
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

test('whatever the times, a clock set back or days ahead included, nothing is lost and nothing grows without bound', () => {
  const told = fc.record({
    at: fc.oneof(
      fc.integer({ min: START, max: START + 60_000 }),
      fc.integer({ min: START - 100_000_000, max: START + 10_000_000_000 }),
    ),
    rows: fc.nat(10_000),
    bytes: fc.nat(1_000_000),
  })
  fc.assert(
    fc.property(fc.array(told, { minLength: 1, maxLength: 60 }), (all) => {
      let rate: Rate | undefined
      for (const { at, rows, bytes } of all) rate = addToRate(rate, at, rows, bytes)
      expect(sum(rate?.rows ?? [])).toBe(sum(all.map(({ rows }) => rows)))
      expect(sum(rate?.bytes ?? [])).toBe(sum(all.map(({ bytes }) => bytes)))
      expect(rate?.rows.length).toBe(rate?.bytes.length)
      expect(rate?.rows.length).toBeLessThanOrEqual(INTERVALS_KEPT)
    }),
  )
})

test('an interval holds what was acknowledged in it, also after doubling', () => {
  let rate = addToRate(undefined, START, 1, 10)
  rate = addToRate(rate, START + 124, 2, 20)
  rate = addToRate(rate, START + 125, 4, 40)
  expect(rate).toEqual({
    startedAt: '2026-01-05T08:00:00.000Z',
    everySeconds: 0.125,
    rows: [3, 4],
    bytes: [30, 40],
  })
  rate = addToRate(rate, START + 30_000, 8, 80)
  expect(rate.everySeconds).toBe(0.25)
  expect(rate.rows).toHaveLength(121)
  expect(rate.rows[0]).toBe(7)
  expect(rate.bytes[120]).toBe(80)
})
