import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { readBack } from '../rig/read-back.ts'
import { canonicalKey, canonicalValue } from '../rig/points.ts'

let sandbox: OpenSandbox
beforeAll(async () => {
  sandbox = await openSandbox()
})
afterAll(() => sandbox.close())

/** Fields have one type each by their name, as the cluster demands. */
const field = fc.oneof(
  fc
    .tuple(fc.constantFrom('f1', 'f2'), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map(([name, v]) => ({
      name,
      text: Object.is(v, -0) ? '-0' : String(v),
      canonical: canonicalValue('float', v),
    })),
  fc
    .tuple(fc.constantFrom('i1', 'I1'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map(([name, v]) => ({
      name,
      text: `${v}i`,
      canonical: canonicalValue('integer', v),
    })),
  fc.boolean().map((v) => ({ name: 'ok', text: v ? 'T' : 'false', canonical: canonicalValue('boolean', v) })),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((v) => ({
    name: 's',
    text: `"${v.replace(/["\\]/g, '\\$&')}"`,
    canonical: canonicalValue('string', v),
  })),
)
const point = fc.record({
  measurement: fc.constantFrom('m', 'M'),
  tags: fc.constantFrom<Record<string, string>>({}, { a: 'x' }, { a: 'y' }, { b: 'x' }, { a: 'x', b: 'y' }),
  time: fc.oneof(fc.bigInt({ min: 0n, max: 4n }), fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n)),
  fields: fc.array(field, { minLength: 1, maxLength: 4 }),
})
/** Bodies in the order they are sent; some are sent again at once, as after a timeout. */
const bodies = fc.array(
  fc.record({ points: fc.array(point, { minLength: 1, maxLength: 30 }), sent: fc.constantFrom(1, 1, 2) }),
  {
    minLength: 1,
    maxLength: 6,
  },
)

let runs = 0

test('whatever is written and resent, SELECT * GROUP BY * answers every last value once', async () => {
  await fc.assert(
    fc.asyncProperty(bodies, async (sent) => {
      const database = `run${(runs += 1)}`
      await sandbox.admin('POST', '/databases', { name: database })
      const oracle = new Map<string, string>()
      for (const { points, sent: times } of sent) {
        const body = points.map(line).join('\n')
        for (let i = 0; i < times; i += 1)
          expect((await sandbox.write(body, { bucket: database })).status).toBe(204)
        for (const { measurement, tags, time, fields } of points)
          for (const { name, canonical } of fields)
            oracle.set(canonicalKey(measurement, tags, name, time), canonical)
      }
      const expected = [...oracle].map(([key, value]) => `${key} = ${value}`).sort()
      expect(await readBack({ url: sandbox.url, token: sandbox.token }, { database })).toEqual(expected)
    }),
    { numRuns: 40 },
  )
})

function line({
  measurement,
  tags,
  time,
  fields,
}: {
  measurement: string
  tags: Record<string, string>
  time: bigint
  fields: { name: string; text: string }[]
}): string {
  const tagSet = Object.entries(tags).map(([name, value]) => `,${name}=${value}`)
  return `${measurement}${tagSet.join('')} ${fields.map(({ name, text }) => `${name}=${text}`).join(',')} ${time}`
}
