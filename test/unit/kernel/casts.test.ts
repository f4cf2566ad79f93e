/** Every number and boolean made every type, as the obvious way has it; strings are left to src/lines/transform/cast-value.ts. */
import { expect, test } from 'vitest'
import type { Cast } from '../../../src/kernel/kernel.ts'
import { nameOfType } from '../../../src/source/tsm/block-store.ts'
import { castKernel } from '../../rig/kernel-run.ts'
import { castValue } from '../../rig/transform-oracle.ts'
import type { Value } from '../../rig/tsm-slow-blocks.ts'
import { pointsOf } from '../../rig/tsm-export.ts'

const VALUES: Record<number, Value[]> = {
  0: [
    ...[
      0,
      -0,
      1,
      -1,
      1.5,
      2 ** 53,
      2 ** 63,
      -(2 ** 63),
      2 ** 63 - 1024,
      2 ** 64,
      2 ** 64 - 2048,
      1e21,
      5e-324,
    ],
    ...[Number.MAX_VALUE, 123456.789, 1e-7],
  ],
  1: [0n, 1n, -1n, 12n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  2: [true, false],
  4: [0n, 1n, 12n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
}
const CASTS: Cast[] = ['float', 'integer', 'unsigned', 'string', 'boolean']
const PREFIXES: Record<string, string> = {
  float: 'f64',
  integer: 'i64',
  unsigned: 'u64',
  boolean: 'bool',
  string: 'string',
}

const meant = (type: string, value: Value) =>
  `${PREFIXES[type] ?? ''}:${Object.is(value, -0) ? '-0' : String(value)}`

test.each(
  Object.keys(VALUES).flatMap((type) =>
    CASTS.map((cast) => [nameOfType(Number(type) as 0), cast, Number(type)] as const),
  ),
)('%s to %s', (name, cast, type) => {
  const values = VALUES[type] ?? []
  const { bytes, refusals, counters } = castKernel(type, values, cast)
  const expected = values.map((value) => castValue(meant(name, value), cast))
  const points = pointsOf(bytes).map((point) => point.replace(/^.* @(\d+) = /s, '$1 '))
  const wanted = expected.flatMap((value, time) => (value === undefined ? [] : [`${time} ${value}`]))
  expect(points.sort()).toEqual(wanted.sort())
  const refused = expected.flatMap((value, time) => (value === undefined ? [BigInt(time)] : []))
  expect(refusals.map(({ time }) => time)).toEqual(refused)
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ column: 0, part: 0, type, reason: 'cast' })
    expect(refusal.value).toEqual(values[Number(refusal.time)])
  }
  expect(counters).toMatchObject({ refused: refused.length, points: wanted.length })
})

test('as it is: what v3 has no way to write, too', () => {
  const floats = castKernel(0, [NaN, Infinity, -Infinity, 1.5, -0], 'as-it-is')
  expect(floats.bytes.toString()).toBe('m f=NaN 0\nm f=+Inf 1\nm f=-Inf 2\nm f=1.5 3\nm f=-0 4\n')
  const strings = castKernel(3, [Buffer.from([0xff, 0x22, 0xc3]), Buffer.from('ü')], 'as-it-is')
  expect(strings.bytes.toString('latin1')).toBe('m f="\xff\\"\xc3" 0\nm f="\xc3\xbc" 1\n')
  expect([...floats.refusals, ...strings.refusals]).toEqual([])
})

test('a float that is none stays refused whatever it becomes', () => {
  for (const cast of CASTS)
    expect(castKernel(0, [NaN, 1], cast).refusals.map(({ reason }) => reason)).toEqual(['not-finite'])
})

test('nothing: counted, not told, in no row', () => {
  const { bytes, counters, refusals } = castKernel(3, [Buffer.from('a'), Buffer.from('b')], 'nothing')
  expect(bytes.length).toBe(0)
  expect(refusals).toEqual([])
  expect(counters).toMatchObject({ decoded: 2, refused: 2, points: 0, rows: 0 })
})
