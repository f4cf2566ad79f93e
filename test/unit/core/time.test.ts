import { expect, test } from 'vitest'
import fc from 'fast-check'
import { ALL_TIME, formatRfc3339, formatWindow, intersect, parseRfc3339 } from '../../../src/core/time.ts'

test.each([
  ['1970-01-01T00:00:00Z', 0n],
  ['2020-01-01T00:00:00.000000001Z', 1577836800000000001n],
  ['2020-01-01T01:00:00+01:00', 1577836800000000000n],
  ['1677-09-21T00:12:43.145224193Z', -9223372036854775807n],
  ['2020-02-30T00:00:00Z', undefined],
  ['2020-01-01', undefined],
  ['yesterday', undefined],
])('%s is %s', (text, time) => {
  expect(parseRfc3339(text)).toBe(time)
})

test('every int64 time that is written is read back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (time) => {
      expect(parseRfc3339(formatRfc3339(time))).toBe(time)
    }),
  )
})

test('windows are half-open: those that touch do not meet', () => {
  expect(intersect({ start: 0n, end: 10n }, { start: 10n, end: 20n })).toBeUndefined()
  expect(intersect({ start: 0n, end: 11n }, { start: 10n, end: 20n })).toEqual({ start: 10n, end: 11n })
  expect(formatWindow(ALL_TIME)).toBe('all of time')
})
