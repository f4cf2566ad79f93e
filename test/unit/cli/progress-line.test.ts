import { expect, test } from 'vitest'
import { ProgressLine } from '../../../src/cli/progress-line.ts'
import { formatSeconds } from '../../../src/core/units.ts'

const progress = { slices: 1, slicesTotal: 4, rows: 5000, done: 25, total: 100, bytes: 1_000_000 }

test('the first report has no rate; later ones look back a quarter of a minute', () => {
  const line = new ProgressLine()
  expect(line.show({ ...progress, done: 0, bytes: 0 }, 0)).toBe('  0%  1/4 slices  5,000 rows')
  expect(line.show(progress, 5000)).toBe(' 25%  1/4 slices  5,000 rows  200 kB/s  about 15 s left')
  expect(line.show({ ...progress, done: 50, bytes: 2_000_000 }, 100_000)).toBe(' 50%  1/4 slices  5,000 rows')
})

test('it is said when nothing new comes', () => {
  const line = new ProgressLine()
  expect(line.again(0)).toBeUndefined()
  line.show(progress, 1000)
  expect(line.again(5000)).toBeUndefined()
  expect(line.again(181_000)).toBe(' 25%  1/4 slices  5,000 rows  nothing new for 3 min')
  line.show({ ...progress, done: 30 }, 182_000)
  expect(line.again(183_000)).toBeUndefined()
})

test('a forecast is as exact as it can be', () => {
  expect([0.2, 45, 200, 7800].map(formatSeconds)).toEqual(['1 s', '45 s', '3 min', '2 h 10 min'])
})
