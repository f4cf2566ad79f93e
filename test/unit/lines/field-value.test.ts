import { describe, expect, test } from 'vitest'
import { MAX_STRING_BYTES, parseFieldValue } from '../../../src/lines/field-value.ts'

const read = (raw: string | Buffer) => {
  const value = parseFieldValue(Buffer.from(raw as string))
  return value.kind === 'value' ? Buffer.from(value.bytes).toString() : `${value.kind}: ${value.reason}`
}

describe('parseFieldValue', () => {
  test.each([
    ['1', '1'],
    ['-1.5', '-1.5'],
    ['1e+21', '1e+21'],
    ['1.5e-07', '1.5e-07'],
    ['1.', '1'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['+5', '5'],
    ['1.E5', '1e5'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['9223372036854775807i', '9223372036854775807i'],
    ['-9223372036854775808i', '-9223372036854775808i'],
    ['18446744073709551615u', '18446744073709551615u'],
    ['t', 'true'],
    ['FALSE', 'false'],
    ['"a\\"b\\\\c\\d"', '"a\\"b\\\\c\\d"'],
  ])('%s is written %s', (raw, written) => {
    expect(read(raw)).toBe(written)
  })

  test.each([
    ['NaN', 'refused: NaN is not a value in v3 line protocol'],
    ['+Inf', 'refused: +Inf is not a value in v3 line protocol'],
    ['9223372036854775808i', 'malformed: the integer is out of range'],
    ['18446744073709551616u', 'malformed: the integer is out of range'],
    ['-1u', 'malformed: invalid number'],
    ['1.5i', 'malformed: invalid number'],
    ['1e400', 'malformed: the float is out of range'],
    ['.', 'malformed: invalid number'],
    ['-', 'malformed: invalid number'],
    ['1e', 'malformed: invalid number'],
    ['tru', 'malformed: invalid number'],
    ['', 'malformed: missing field value'],
  ])('%s: %s', (raw, why) => {
    expect(read(raw)).toBe(why)
  })

  test('a string may have 1 MiB of decoded bytes, and must be UTF-8', () => {
    const longest = `"${'\\"'.repeat(MAX_STRING_BYTES)}"`
    expect(read(longest)).toBe(longest)
    expect(read(`"x${longest.slice(1)}`)).toBe('refused: the string is longer than 1048576 bytes')
    expect(read(Buffer.from('"\xff"', 'latin1'))).toBe('refused: the string is not valid UTF-8')
  })
})
