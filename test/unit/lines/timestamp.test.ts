import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instantOf, writeInstant } from '../../../src/lines/timestamp.ts'

test('any int64 survives the pair, and pairs compare as times do', () => {
  const int64 = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -2_000_000_000n, max: 2_000_000_000n }),
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 999_999_999_999_999_999n, 1_000_000_000_000_000_000n),
  )
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      const one = instantOf(a)
      const other = instantOf(b)
      const buffer = Buffer.alloc(24)
      expect(buffer.toString('latin1', 0, writeInstant(buffer, 0, one.seconds, one.nanos))).toBe(String(a))
      const before = one.seconds < other.seconds || (one.seconds === other.seconds && one.nanos < other.nanos)
      expect(before).toBe(a < b)
    }),
    { numRuns: 2000 },
  )
})
