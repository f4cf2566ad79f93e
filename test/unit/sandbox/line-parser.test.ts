import { describe, expect, test } from 'vitest'
import { toBigInt } from '../../../src/sandbox/int64.ts'
import { FieldType, LineParser } from '../../../src/sandbox/line-parser.ts'
import { LogicalLines } from '../../../src/sandbox/logical-lines.ts'

const TYPES = Object.keys(FieldType)

/** Every logical line as plain data, or the message it is refused with. */
function parse(text: string, limit = 65536): unknown[] {
  const bytes = Buffer.from(text)
  const lines = new LogicalLines(bytes)
  const parser = new LineParser(bytes, limit)
  const parsed: unknown[] = []
  while (lines.advance()) {
    try {
      const { measurement, tags } = parser.series(lines.start, lines.end)
      parser.fields(parser.seriesEnd(lines.start, lines.end), lines.end)
      const fields = Array.from({ length: parser.count }, (_, i) => {
        const type = TYPES[parser.types[i] as number] as string
        return [parser.fieldKey(i), type, valueOf(parser, i, type)]
      })
      parsed.push({ measurement, tags, fields, time: parser.hasTime ? toBigInt(parser.time) : undefined })
    } catch (error) {
      parsed.push((error as Error).message)
    }
  }
  return parsed
}

function valueOf(parser: LineParser, i: number, type: string): unknown {
  if (type === 'string') return parser.strings[i]
  if (type === 'boolean') return parser.numbers[i] === 1
  if (type === 'float') return parser.numbers[i]
  const value = toBigInt({ low: parser.lows[i] as number, high: parser.highs[i] as number })
  return type === 'unsigned' ? BigInt.asUintN(64, value) : value
}

const ok = (measurement: string, tags: string[][], fields: unknown[][], time?: bigint) => [
  { measurement, tags, fields, time },
]
const value = (v: unknown, type: string) => ok('m', [], [['f', type, v]], 1n)

describe('values', () => {
  test.each<[text: string, type: string, expected: unknown]>([
    ['1', 'float', 1],
    ['-1.5', 'float', -1.5],
    ['-0', 'float', -0],
    ['1e+21', 'float', 1e21],
    ['1.5e-07', 'float', 1.5e-7],
    ['1E5', 'float', 1e5],
    ['1e400', 'float', Infinity],
    ['0.1', 'float', 0.1],
    ['123456789.123456789', 'float', 123456789.123456789],
    ['5e-324', 'float', 5e-324],
    ['1.7976931348623157e+308', 'float', Number.MAX_VALUE],
    ['9223372036854775807i', 'integer', 2n ** 63n - 1n],
    ['-9223372036854775808i', 'integer', -(2n ** 63n)],
    ['-1i', 'integer', -1n],
    ['4294967296i', 'integer', 2n ** 32n],
    ['-4294967296i', 'integer', -(2n ** 32n)],
    ['18446744073709551615u', 'unsigned', 2n ** 64n - 1n],
    ['""', 'string', ''],
    [String.raw`"a\"b\\c\d"`, 'string', String.raw`a"b\c\d`],
    ['"a,b=c d"', 'string', 'a,b=c d'],
    ['"two\nlines\tand ünï 😀"', 'string', 'two\nlines\tand ünï 😀'],
    ['"\r"', 'string', '\r'],
    ...['t', 'T', 'true', 'True', 'TRUE'].map((text): [string, string, unknown] => [text, 'boolean', true]),
    ...['f', 'F', 'false', 'False', 'FALSE'].map((text): [string, string, unknown] => [
      text,
      'boolean',
      false,
    ]),
  ])('%s', (text, type, expected) => {
    expect(parse(`m f=${text} 1`)).toEqual(value(expected, type))
  })

  test.each([
    ['1.', 'Could not parse entire line. Found trailing content: `. 1`'],
    ['.5', 'No fields were provided'],
    ['+5', 'No fields were provided'],
    ['NaN', 'No fields were provided'],
    ['Inf', 'No fields were provided'],
    ['-1u', 'Could not parse entire line. Found trailing content: `u 1`'],
    ['truex', 'Could not parse entire line. Found trailing content: `x 1`'],
    ['1i2', 'Could not parse entire line. Found trailing content: `2 1`'],
    ['9223372036854775808i', 'Unable to parse integer value `9223372036854775808`'],
    ['-9223372036854775809i', 'Unable to parse integer value `-9223372036854775809`'],
    ['18446744073709551616u', 'Unable to parse unsigned integer value `18446744073709551616`'],
    ['99999999999999999999999i', 'Unable to parse integer value `99999999999999999999999`'],
  ])('%s is refused', (text, message) => {
    expect(parse(`m f=${text} 1`)).toEqual([message])
  })
})

describe('names', () => {
  test('escapes: backslash, comma, space and (but in measurements) equals lose theirs, others keep it', () => {
    expect(parse(String.raw`a\,b\ c\=d,t\=1\,=v\ \,\=\x f\ 1\,\==1 5`)).toEqual(
      ok('a,b c\\=d', [['t=1,', 'v ,=\\x']], [['f 1,=', 'float', 1]], 5n),
    )
  })

  test('a doubled backslash is one', () => {
    expect(parse(String.raw`m,t=\\srv\\x f=1 1`)).toEqual(
      ok('m', [['t', '\\srv\\x']], [['f', 'float', 1]], 1n),
    )
  })

  test.each([
    [
      'a raw equals sign in a measurement and a tag value',
      'a=b,t=c=d f=1 1',
      ok('a=b', [['t', 'c=d']], [['f', 'float', 1]], 1n),
    ],
    ['a raw quote in a field key', 'm f"k=1 1', ok('m', [], [['f"k', 'float', 1]], 1n)],
    [
      'an escaped quote keeps its backslash',
      String.raw`m f\"k=1 1`,
      ok('m', [], [['f\\"k', 'float', 1]], 1n),
    ],
    ['a hash that does not begin the line', String.raw`\#m f=1 1`, ok('\\#m', [], [['f', 'float', 1]], 1n)],
    ['unicode', 'mé,τ=😀 ф=1 1', ok('mé', [['τ', '😀']], [['ф', 'float', 1]], 1n)],
    [
      'an escaped tab keeps its backslash',
      'm,t=a\\\tb f=1 1',
      ok('m', [['t', 'a\\\tb']], [['f', 'float', 1]], 1n),
    ],
  ])('%s', (_, line, expected) => {
    expect(parse(line)).toEqual(expected)
  })

  const space = 'Expected at least one space character, got'
  const backslash = 'Measurements, tag keys and values, and field keys may not end with a backslash'
  test.each([
    ['m\tx f=1 1', `${space} \`\tx f=1 1\``],
    ['m,t=a\tb f=1 1', `${space} \`\tb f=1 1\``],
    ['m,t\tu=a f=1 1', 'Tag set malformed: could not find equals sign in `t\tu=a f=1 ...`'],
    ['m f\tg=1 1', 'No fields were provided'],
    ['m', `${space} end of input`],
    [',t=a f=1', 'Invalid measurement was provided'],
    ['m\0x f=1', `${space} \`\0x f=1\``],
    ['m,t= f=1', 'Expected tag value, got ` f=1`'],
    ['m,t=,u=b f=1 1', 'Expected tag value, got `,u=b f=1 1`'],
    ['m,t=a, f=1', 'Expected tag key, got ` f=1`'],
    ['m,=a f=1', 'Expected tag key, got `=a f=1`'],
    ['m,t f=1', 'Tag set malformed: could not find equals sign in `t f=1`'],
    [String.raw`m,t=a\\ f=1`, backslash],
    [String.raw`m,t=a\\,b f=1`, backslash],
    [String.raw`m f\\=1 1`, backslash],
    ['m =1 1', 'No fields were provided'],
    ['skipped missing file: /x.tsmcpu,host=a v=1 1', 'No fields were provided'],
  ])('%j is refused', (line, message) => {
    expect(parse(line)).toEqual([message])
  })
})

describe('lines', () => {
  test('a missing second field leaves what follows its comma, a later one what begins with it', () => {
    expect(parse('m f=1,g 1\nm f=1,g=2,h 1')).toEqual([
      'Could not parse entire line. Found trailing content: `g 1`',
      'Could not parse entire line. Found trailing content: `,h 1`',
    ])
  })

  test.each([
    ['m f=1 1\r', 'Could not parse entire line. Found trailing content: `\r`'],
    ['m f=1 ', 'Could not parse entire line. Found trailing content: ` `'],
    ['m f=1 1 2', 'Could not parse entire line. Found trailing content: `2`'],
    ['m f=1 9223372036854775808', 'Unable to parse timestamp value `9223372036854775808`'],
    ['m f=1 abcdefghijkl', 'Could not parse entire line. Found trailing content: ` abcdefghi...`'],
  ])('%j is refused', (line, message) => {
    expect(parse(line)).toEqual([message])
  })

  test('blank and comment lines are not counted, leading blanks are dropped', () => {
    const text = '# comment\n\n  \t\n   m f=1 1\n# x y=z\n\tm f=2 2 \n'
    const lines = new LogicalLines(Buffer.from(text))
    expect(lines.advance()).toBe(true)
    expect(lines.number).toBe(1)
    expect(lines.advance()).toBe(true)
    expect(lines.number).toBe(2)
    expect(lines.advance()).toBe(false)
  })

  test('a quoted value may hold newlines; the line number counts logical lines', () => {
    const parsed = parse('m s="a\nb\n" 1\nm f=2 2')
    expect(parsed).toHaveLength(2)
    expect(parsed[0]).toMatchObject({ fields: [['s', 'string', 'a\nb\n']] })
  })

  test('one unterminated quote swallows all that follows', () => {
    expect(parse('m f=1 1\nm s="a 2\nm f=3 3\nm f=4 4')).toHaveLength(2)
  })

  test('quotes in names and escaped quotes do not open a value', () => {
    expect(parse('m"x,t=" f=1 1\nm f"=1 2\nm s="\\"" 3\nm f=4 4')).toHaveLength(4)
  })

  test('no timestamp and both ends of int64', () => {
    const times = parse('m f=1\nm f=1 -9223372036854775808\nm f=1 9223372036854775807').map(
      (line) => (line as { time?: bigint }).time,
    )
    expect(times).toEqual([undefined, -(2n ** 63n), 2n ** 63n - 1n])
  })
})

describe('the string limit', () => {
  test.each([
    [64, 'String is greater than 64KB'],
    [65536, 'String is greater than 64KB'],
    [2 ** 20, 'String is greater than 1MB'],
  ])('%i bytes', (limit, message) => {
    const fits = 'é'.repeat(limit / 2)
    expect(parse(`m s="${fits}" 1`, limit)[0]).toBeTypeOf('object')
    expect(parse(`m,t=${fits} f=1 1`, limit)[0]).toBeTypeOf('object')
    expect(parse(`m ${fits}=1 1`, limit)[0]).toBeTypeOf('object')
    expect(parse(`m s="${fits}x" 1`, limit)).toEqual([message])
    expect(parse(`m,t=${fits}x f=1 1`, limit)).toEqual([message])
    expect(parse(`m ${fits}x=1 1`, limit)).toEqual([message])
    expect(parse(`${fits}x f=1 1`, limit)).toEqual([message])
  })
})
