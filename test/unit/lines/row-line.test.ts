import { expect, it } from 'vitest'
import { parseRowLine } from '../../../src/lines/row-line.ts'

const parse = (line: string) => {
  const { series, fields, time } = parseRowLine(Buffer.from(line))
  return {
    series: series.toString(),
    fields: fields.map((one) => ({ ...one, key: one.key.toString() })),
    time,
  }
}

it('takes a line of ours apart: every type, escapes left in names and taken from strings', () => {
  expect(
    parse(
      'a\\ b\\\\,t=x\\,y\\=z f\\ 1=-1.5e-7,i=-9223372036854775808i,u=18446744073709551615u,b=true,s="a, \\"b\\" \\\\ c=1\n2" -9223372036854775806',
    ),
  ).toEqual({
    series: 'a\\ b\\\\,t=x\\,y\\=z',
    fields: [
      { key: 'f\\ 1', type: 'float', value: -1.5e-7 },
      { key: 'i', type: 'integer', value: -(2n ** 63n) },
      { key: 'u', type: 'unsigned', value: 2n ** 64n - 1n },
      { key: 'b', type: 'boolean', value: true },
      { key: 's', type: 'string', value: 'a, "b" \\ c=1\n2' },
    ],
    time: -9223372036854775806n,
  })
  expect(Object.is(parse('m f=-0 1').fields[0]?.value, -0)).toBe(true)
})

it.each(['m', 'm f=1', 'm f= 1', 'm f=x 1', 'm f="a 1', 'm f=1 soon', ' f=1 1x'])('refuses %j', (line) => {
  expect(() => parse(line)).toThrow(/not a line as influx-ferry writes it/)
})
