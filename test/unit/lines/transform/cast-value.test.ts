/** Every value of every type, made every type, as the obvious way has it. */
import { expect, test } from 'vitest'
import { castValue, tagText, typeOfValue } from '../../../../src/lines/transform/cast-value.ts'
import type { FieldType } from '../../../../src/manifest/migration.ts'
import { castValue as obviousCast, plain } from '../../../rig/transform-oracle.ts'
import { pointsOf } from '../../../rig/tsm-export.ts'
import { parseV3 } from '../../../rig/v3-line-protocol.ts'

const TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '1',
    '-1',
    '12',
    ' 12\t\n',
    '12i',
    '12u',
    '-12i',
    '-12u',
    '-0',
    '+12',
    '1 2',
    '\u00a012',
    '日本',
  ],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '00000000000000000000012',
    '9'.repeat(400),
    '0x10',
    '1_000',
  ],
  ...[
    '1.5',
    '1.',
    '.5',
    '+.5',
    '-.5e-3',
    '.',
    '+',
    'e5',
    '1e',
    '1e+',
    '1e5',
    '1E5',
    '1e+05',
    '1e308',
    '1e309',
    '1e-999',
  ],
  ...['0e999', '0.000e400', '0.00001e313', '0.00001e314', 'NaN', 'Inf', 'infinity', '1,5', '1.5.1', '1e5i'],
  ...[
    't',
    'T',
    'true',
    'True',
    'TRUE',
    'tRue',
    'truE',
    'tr',
    'f',
    'F',
    'false',
    'False',
    'FALSE',
    'fALSE',
    ' true ',
  ],
  ...['a "b" \\', 'größe'],
]
const VALUES = [
  ...[
    '0',
    '-0',
    '1',
    '-1.5',
    '1e21',
    '5e-324',
    '1.7976931348623157e308',
    '9223372036854775808',
    '18446744073709551615',
  ],
  ...['0i', '1i', '-1i', '9223372036854775807i', '-9223372036854775808i', '9007199254740993i'],
  ...['0u', '1u', '18446744073709551615u', 'true', 'false'],
  ...TEXTS.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`),
]
const TYPES: FieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean']

test.each(VALUES.flatMap((value) => TYPES.map((type) => [value, type] as const)))(
  '%s to %s, as a field and as a tag',
  (value, type) => {
    const bytes = Buffer.from(value)
    const [[, meant = ''] = []] = parseV3(Buffer.from(`m f=${value} 0\n`))[0]?.fields ?? []
    const from = typeOfValue(bytes, 0, bytes.length)
    const [cast, tag] = [castValue(bytes, from, type), tagText(bytes, from, type)]
    const obvious = obviousCast(meant, type)
    if (typeof cast === 'string' || typeof tag === 'string') {
      expect(tag).toBe(cast)
      expect(obvious).toBeUndefined()
      return
    }
    expect(pointsOf(Buffer.from(`m f=${cast.toString()} 0\n`))).toEqual([`"m" "f" @0 = ${obvious}`])
    expect(tag.toString()).toBe(plain(obvious ?? ''))
  },
)

test('what is no value to v3 is none after a cast', () => {
  for (const type of TYPES) {
    expect(castValue(Buffer.from('+Inf'), 'float', type)).toBe('+Inf is not a value in v3 line protocol')
    expect(castValue(Buffer.from('NaN'), 'float', type)).toBe('NaN is not a value in v3 line protocol')
  }
  expect(castValue(Buffer.from([34, 0xff, 34]), 'string', 'string')).toBe('the string is not valid UTF-8')
})
