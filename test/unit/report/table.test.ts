import { expect, test } from 'vitest'
import { table } from '../../../src/report/table.ts'

test('columns stand below each other, numbers to the right, wide characters counted as two', () => {
  expect(
    table(
      ['NAME', 'ROWS'],
      [
        ['a', '1'],
        ['水位', '12,345'],
      ],
      [1],
    ),
  ).toBe(['NAME    ROWS', 'a          1', '水位  12,345'].join('\n'))
})
