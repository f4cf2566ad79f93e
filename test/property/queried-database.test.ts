/** First and last times as many fields are asked about at once, against those of each field asked alone. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QueryClient } from '../../src/cluster/query.ts'
import { PatientQuery } from '../../src/verify/patient-query.ts'
import { QueriedDatabase, type FieldAsk } from '../../src/verify/queried-database.ts'
import { FastClock } from '../rig/fast-clock.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'

const FIELDS = ['a', 'b', 'c', 'd', 'e']
const WINDOW = { start: -10n, end: 30n }

let sandbox: OpenSandbox
let statements: string[] = []
let client: QueryClient
beforeAll(async () => {
  sandbox = await openSandbox()
  client = new QueryClient(
    { url: sandbox.url, tls: { ca: undefined, insecure: false } },
    { token: sandbox.token },
  )
})
afterAll(async () => {
  client.close()
  await sandbox.close()
})

const time = fc.bigInt({ min: -12n, max: 32n })
/** Of each field: when it has points. Most have the ends of the first. */
const times = fc.array(time, { minLength: 1, maxLength: 6 })
const fields = fc.tuple(times, fc.array(fc.option(times, { freq: 3 }), { minLength: 4, maxLength: 4 }))
let runs = 0

function databaseOf(name: string): QueriedDatabase {
  const asking = {
    ask: (database: string, some: readonly string[], signal: AbortSignal, limit?: number) => {
      statements.push(...some)
      return client.ask(database, some, signal, limit)
    },
  }
  const { signal } = new AbortController()
  const query = new PatientQuery({
    client: asking as unknown as QueryClient,
    database: name,
    clock: new FastClock(),
    signal,
  })
  return new QueriedDatabase(query)
}

test('with whatever times are expected, those that are there are found', async () => {
  await fc.assert(
    fc.asyncProperty(fields, fc.tuple(time, time), async ([first, others], [guessA, guessB]) => {
      const database = `ends${(runs += 1)}`
      await sandbox.admin('POST', '/databases', { name: database })
      const lines = FIELDS.flatMap((field, i) =>
        ((i === 0 ? undefined : others[i - 1]) ?? first).map((at) => `m ${field}=${i} ${at}`),
      )
      expect((await sandbox.write(lines.join('\n'), { bucket: database })).status).toBe(204)
      const asked = async (times: FieldAsk['times']) => {
        statements = []
        const asks = FIELDS.map((field) => {
          return { measurement: 'm', field, type: 'float' as const, times, extremes: true, sum: true }
        })
        return databaseOf(database).figures(asks, WINDOW)
      }
      const alone = await asked(true)
      const inside = first.filter((at) => at >= WINDOW.start && at < WINDOW.end)
      const low = inside.reduce((a, b) => (a < b ? a : b), inside[0] ?? 0n)
      const high = inside.reduce((a, b) => (a > b ? a : b), inside[0] ?? 0n)
      for (const expected of [
        { first: low, last: high },
        { first: low, last: guessB },
        { first: guessA, last: high },
        { first: guessA, last: guessB },
      ])
        expect(await asked(expected)).toEqual(alone)
    }),
    { numRuns: 60 },
  )
})

test('where all are as expected, no field is asked alone', async () => {
  await sandbox.admin('POST', '/databases', { name: 'same' })
  const row = FIELDS.map((field) => `${field}=1`).join(',')
  await sandbox.write(`m ${row} 3\nm ${row} 9`, { bucket: 'same' })
  statements = []
  const asks = FIELDS.map((field) => {
    const times = { first: 3n, last: 9n }
    return { measurement: 'm', field, type: 'float' as const, times, extremes: false, sum: false }
  })
  const found = await databaseOf('same').figures(asks, WINDOW)
  expect(found.map(({ first, last }) => [first, last])).toEqual(FIELDS.map(() => [3n, 9n]))
  expect(statements).toHaveLength(5)
})
