import { describe, expect, it } from 'vitest'
import { joinLines, splitLines, timeOf } from '../../../src/cluster/logical-lines.ts'

function split(text: string) {
  return splitLines(Buffer.from(text)).map(({ bytes, points }) => [Buffer.from(bytes).toString(), points])
}

describe('splitLines', () => {
  it.each([
    ['plain lines', 'm a=1 1\nm a=2,b=3 2\n', [['m a=1 1', 1], ['m a=2,b=3 2', 2]]], // prettier-ignore
    ['no newline at the end', 'm a=1 1', [['m a=1 1', 1]]],
    ['a newline and a comma in a string', 'm a="x\ny,z",b=2 1\nm a=1 2\n', [['m a="x\ny,z",b=2 1', 2], ['m a=1 2', 1]]], // prettier-ignore
    ['an escaped quote in a string', 'm a="x\\"\ny" 1\nm b=1 2\n', [['m a="x\\"\ny" 1', 1], ['m b=1 2', 1]]], // prettier-ignore
    ['a backslash before the closing quote', 'm a="x\\\\" 1\nm b=1 2\n', [['m a="x\\\\" 1', 1], ['m b=1 2', 1]]], // prettier-ignore
    ['quotes in measurement, tag and field key', 'm"x,t"=v" f"=1,g"h=2 1\nm a=1 2\n', [['m"x,t"=v" f"=1,g"h=2 1', 2], ['m a=1 2', 1]]], // prettier-ignore
    ['escaped spaces, commas and equals signs', 'm\\ x,t=a\\,b\\ c a\\=b\\,c=1 1\n', [['m\\ x,t=a\\,b\\ c a\\=b\\,c=1 1', 1]]], // prettier-ignore
    ['an equals sign in a string', 'm a="b=c",d="e\nf=\n" 1\n', [['m a="b=c",d="e\nf=\n" 1', 2]]],
    ['unicode', 'möbel,t=日本 ü="é\n" 1\nm a=1 2', [['möbel,t=日本 ü="é\n" 1', 1], ['m a=1 2', 1]]], // prettier-ignore
    ['nothing', '', []],
  ])('%s', (_, text, expected) => {
    expect(split(text)).toEqual(expected)
  })

  it('is undone by joinLines, byte for byte, UTF-8 or not', () => {
    const text = Buffer.from([
      0x6d, 0x20, 0x61, 0x3d, 0x22, 0xff, 0x0a, 0x22, 0x0a, 0x6d, 0x20, 0x62, 0x3d, 0x31, 0x0a,
    ])
    const lines = splitLines(text)
    expect(lines).toHaveLength(2)
    expect(Buffer.from(joinLines(lines))).toEqual(text)
  })
})

describe('timeOf', () => {
  it.each([
    ['m a=1 -9223372036854775806', -9223372036854775806n],
    ['m a="x 5" 9223372036854775806', 9223372036854775806n],
    ['m a=1 0', 0n],
    ['m a=1', undefined],
  ])('%s', (text, time) => {
    expect(timeOf({ bytes: Buffer.from(text), points: 1 })).toBe(time)
  })
})
