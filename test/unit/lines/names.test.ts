import { describe, expect, test } from 'vitest'
import { decodeName, encodeName, inexpressible } from '../../../src/lines/names.ts'
import type { NameKind } from '../../../src/lines/names.ts'

const tag: NameKind = 'tag value'

describe('decodeName reads 1.x escaping', () => {
  test.each<[NameKind, string, string]>([
    [tag, 'plain', 'plain'],
    [tag, 'a\\,b\\=c\\ d', 'a,b=c d'],
    [tag, 'C:\\dir', 'C:\\dir'],
    [tag, 'a\\\\,b', 'a\\,b'], // as influxd answers: the second backslash escapes the comma
    [tag, '\\\\srv', '\\\\srv'],
    [tag, 'q\\"q', 'q\\"q'],
    ['tag key', 'a\\=b', 'a=b'],
    ['measurement', 'm\\ 1\\,2', 'm 1,2'],
    ['measurement', 'm\\=x', 'm=x'], // as influxd 1.6 answers
    ['measurement', 'm\\"x', 'm"x'],
    ['field key', 'f\\"k\\=', 'f"k='],
    ['field key', 'ends\\', 'ends\\'],
  ])('%s %s', (kind, raw, name) => {
    expect(decodeName(Buffer.from(raw), kind).toString()).toBe(name)
  })
})

describe('encodeName writes v3 escaping', () => {
  test.each<[NameKind, string, string]>([
    [tag, 'plain', 'plain'],
    [tag, 'a,b=c d', 'a\\,b\\=c\\ d'],
    [tag, 'C:\\dir', 'C:\\\\dir'],
    [tag, 'a\\,b', 'a\\\\\\,b'],
    ['measurement', 'm=x, y', 'm=x\\,\\ y'], // v3 would keep the backslash of \= in a measurement
    ['field key', 'f"k', 'f"k'],
    [tag, 'é😀', 'é😀'],
  ])('%s %s', (kind, name, encoded) => {
    expect(encodeName(Buffer.from(name), kind).toString()).toBe(encoded)
  })
})

describe('inexpressible', () => {
  test.each<[NameKind, string | Buffer, string]>([
    [tag, 'a\tb', 'the tag value holds a tab'],
    ['measurement', 'a\nb', 'the measurement holds a newline'],
    ['field key', 'a\\', 'the field key ends in a backslash'],
    ['measurement', 'a\0b', 'the measurement holds a NUL'],
    ['measurement', '#m', 'the measurement starts with #, which makes the line a comment'],
    [tag, Buffer.from([0x61, 0xff]), 'the tag value is not valid UTF-8'],
    ['tag key', 'time', 'the tag is called time'],
    ['field key', 'time', 'the field is called time'],
    ['field key', '', 'the field key is empty'],
  ])('%s %j', (kind, name, reason) => {
    expect(inexpressible(Buffer.from(name as string), kind)).toBe(reason)
  })

  test.each<[NameKind, string]>([
    [tag, 'time'],
    [tag, 'a\0b'],
    [tag, '#a'],
    [tag, 'a\rb'],
    ['measurement', 'time'],
    ['measurement', '\\#m'],
    ['field key', '_field'],
  ])('%s %j can be written', (kind, name) => {
    expect(inexpressible(Buffer.from(name), kind)).toBeUndefined()
  })
})
