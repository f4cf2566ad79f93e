import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRowGzip } from '../../src/kernel/row-gzip.ts'

const gzip = createRowGzip()

/** Whatever it makes, gunzip must make the same of it again. */
function expectSame(rows: Buffer): Uint8Array {
  gzip.buffer(rows.length).set(rows)
  const member = gzip.compress(rows.length)
  if (!gunzipSync(member).equals(rows)) throw new Error('gunzip gives other bytes')
  return member
}

const name = fc.stringMatching(/^[a-z]{1,12}$/)
const value = fc.oneof(
  fc.double({ noNaN: true }).map(String),
  fc.integer().map((integer) => `${integer}i`),
  fc.constantFrom('t', 'f', '1', '20.5'),
  fc.string({ maxLength: 40 }).map((text) => JSON.stringify(text)),
  // A string may hold newlines, and what looks like a row.
  fc.constantFrom('"\n"', '"\n\n,  ,"', '"a\nb,c=1 2\n"'),
)
const row = (measurement: string, fields: readonly string[]) =>
  fc
    .tuple(
      fc.array(value, { minLength: fields.length, maxLength: fields.length }),
      fc.subarray([...fields], { minLength: 1 }),
      fc.bigInt({ min: 0n, max: 2n ** 60n }),
    )
    .map(
      ([values, some, time]) =>
        `${measurement} ${some.map((field, i) => `${field}=${values[i]}`).join(',')} ${time}\n`,
    )
const rows = fc
  .tuple(name, fc.uniqueArray(name, { minLength: 1, maxLength: 8 }))
  .chain(([measurement, fields]) => fc.array(row(measurement, fields), { maxLength: 60 }))
  .map((lines) => Buffer.from(lines.join('')))

test('rows come back', () => {
  fc.assert(
    fc.property(rows, (bytes) => void expectSame(bytes)),
    { numRuns: 500 },
  )
})

test('any bytes come back', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(...[',', ' ', '\n', 'aaaa', '0'.repeat(999)].map((text) => Buffer.from(text))),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void expectSame(Buffer.concat(pieces))),
    { numRuns: 500 },
  )
})

/** Batches as large as they are in practice: many blocks, long matches, rows farther apart than a window. */
const large: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  [
    'digits',
    Buffer.from(
      Array.from({ length: 200_000 }, (_, i) => `m f=${Math.sin(i)},g=${i}i ${i * 1e6}\n`).join(''),
    ),
  ],
  [
    'one row again and again',
    Buffer.from('machine,host=a temperature=20.5 1709510400000000000\n'.repeat(50_000)),
  ],
  ['one byte again and again', Buffer.alloc(1_000_000, '7')],
  ['newlines', Buffer.alloc(300_000, '\n')],
  [
    'rows longer than a window',
    Buffer.from(Array.from({ length: 40 }, (_, i) => `m s=${'1'.repeat(40_000)}${i} ${i}\n`).join('')),
  ],
  ['every byte', Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 2_654_435_761) >>> 24))],
  // Frequencies like Fibonacci's numbers make the deepest tree, deeper than deflate allows.
  [
    'a deep tree',
    Buffer.from(
      Array.from({ length: 24 }, (_, i) => String.fromCharCode(48 + i).repeat(Math.round(1.618 ** i))).join(
        '',
      ),
    ),
  ],
]

test.each(large)('%s: comes back', (_, bytes) => void expectSame(bytes))

/** Of the size that zlib's fastest has. */
const sizeAgainstZlib = (bytes: Buffer) => expectSame(bytes).length / gzipSync(bytes, { level: 1 }).length

test('is smaller than what zlib makes of rows', () => {
  expect(sizeAgainstZlib(large[2]?.[1] ?? Buffer.alloc(0))).toBeLessThan(1)
})

const words = 'the pump valve opened closed after alarm 17 42 stopped by operator because of value'.split(' ')
const texts: [string, (random: (below: number) => number) => string][] = [
  ['words', (random) => Array.from({ length: 40 }, () => words[random(words.length)]).join(' ')],
  ['a log', (random) => `10.0.${random(255)}.${random(255)} - GET /api/v1/items/${random(1e6)} HTTP/1.1 200`],
  ['hexadecimal', (random) => Array.from({ length: 40 }, () => random(256).toString(16)).join('')],
]

test.each(texts)('texts, %s: finds what comes again about as well as zlib', (_, text) => {
  let state = 1
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const rows = Array.from(
    { length: 5000 },
    (_, i) => `log,host=h${random(50)} message="${text(random)}" ${i}\n`,
  )
  expect(sizeAgainstZlib(Buffer.from(rows.join('')))).toBeLessThan(1.1)
})

test('a batch whose texts come late is searched from its start', () => {
  const digits = Array.from({ length: 20_000 }, (_, i) => `m f=${Math.sin(i)} ${i}\n`).join('')
  const text = Array.from({ length: 20_000 }, (_, i) => `m s="${words[i % 13]} ${words[i % 11]} ${i}" ${i}\n`)
  expect(sizeAgainstZlib(Buffer.from(digits + text.join('')))).toBeLessThan(1.15)
})
