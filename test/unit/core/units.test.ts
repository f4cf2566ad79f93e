import { expect, test } from 'vitest'
import {
  countOf,
  formatBytes,
  formatDuration,
  parseBytes,
  parseDuration,
  parseRate,
} from '../../../src/core/units.ts'

test.each([
  ['10MB', 10_000_000],
  ['256 MiB', 268_435_456],
  ['1.5gb', 1_500_000_000],
  ['42', 42],
  ['ten', undefined],
  ['10 parsecs', undefined],
])('%s is %s bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes))

test('a rate is bytes a second', () => {
  expect(parseRate('20MB/s')).toBe(20_000_000)
  expect(parseRate('20MB')).toBeUndefined()
})

test.each([
  ['30d', 2_592_000_000_000_000n],
  ['168h0m0s', 604_800_000_000_000n],
  ['1mo', 2_592_000_000_000_000n],
  ['2.5d', 216_000_000_000_000n],
  ['infinite', 0n],
  ['0s', 0n],
  ['soon', undefined],
])('%s is %s ns', (text, nanos) => expect(parseDuration(text)).toBe(nanos))

test('a duration is shown so that it reads back the same', () => {
  for (const text of ['30d', '1h', '7d12h', '90m', '1d1h1m1s1ms1us1ns']) {
    expect(parseDuration(formatDuration(parseDuration(text) ?? -1n))).toBe(parseDuration(text))
  }
  expect(formatDuration(0n)).toBe('infinite')
})

test('amounts as people read them', () => {
  expect([999, 1000, 1_234_567, 999_999_999].map(formatBytes)).toEqual(['999 B', '1 kB', '1.23 MB', '1 GB'])
  expect([countOf(1, 'slice'), countOf(1200, 'row')]).toEqual(['1 slice', '1,200 rows'])
})
