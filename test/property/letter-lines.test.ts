import fc from 'fast-check'
import { expect, it } from 'vitest'
import { splitLines } from '../../src/cluster/logical-lines.ts'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { LetterCheck, sourceLineOf } from '../../src/lines/letter-lines.ts'
import { boolean, encodeLine, float, integer, string, type Line } from '../rig/points.ts'
import { linesOf } from '../rig/spooling.ts'

const name = fc
  .string({ unit: fc.constantFrom('a', 'é', '\\', ' ', ',', '=', '"', '#', '€'), minLength: 1, maxLength: 6 })
  .filter((text) => !text.endsWith('\\') && !text.startsWith('#'))
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom('x', '"', '\\', '\n', '\r', ' ', ',', '=', '\u2028') }).map(string),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(float),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(integer),
  fc.boolean().map(boolean),
)
const line: fc.Arbitrary<Line> = fc.record({
  measurement: name,
  tags: fc.dictionary(name, name, { maxKeys: 3 }),
  fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }),
  time: fc.bigInt({ min: 0n, max: 2n ** 62n }),
})

const letterOf = (text: string, points: number): DeadLetter => ({
  ...{ slice: 's', by: 'cluster', reason: 'r', line: text, points },
})

it('reads lines that were sent as the same lines again', async () => {
  const check = new LetterCheck()
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
      const sent = await linesOf(lines.map((one) => `${encodeLine(one)}\n`).join(''))
      const letters = splitLines(Buffer.from(sent)).map(({ bytes, points }) =>
        letterOf(Buffer.from(bytes).toString(), points),
      )
      const sources = letters.map((letter) => sourceLineOf(letter))
      const text = Buffer.concat(sources.flatMap((source) => [source, Buffer.from('\n')]))
      expect(await linesOf(text, { comments: 'none' })).toBe(sent)
      for (const [i, { points }] of letters.entries()) {
        const source = sources[i] ?? Buffer.alloc(0)
        expect(check.isSound(source, points)).toBe(true)
        expect(check.isSound(source, points + 1)).toBe(false)
      }
    }),
    { numRuns: 100 },
  )
})

it('takes no line that would take in the next one, and none that is none', () => {
  const check = new LetterCheck()
  for (const text of [
    'm s="open 1',
    'm f=1',
    'm',
    '',
    '# m f=1 1\n',
    'm f=1 1\nm f=1 2',
    'CREATE DATABASE m f=1 1',
  ])
    expect(check.isSound(Buffer.from(text), 1), text).toBe(false)
  expect(check.isSound(Buffer.from('m f=1 1'), 1)).toBe(true)
  // What v3 cannot express is a line nevertheless.
  expect(check.isSound(Buffer.from('a\tb f=1 1'), 1)).toBe(true)
})
