import { expect, it } from 'vitest'
import { Failure } from '../../../src/core/failure.ts'
import { Overloaded, type QueryClient, type Series } from '../../../src/cluster/query.ts'
import { PatientQuery } from '../../../src/verify/patient-query.ts'
import { within } from '../../../src/verify/influxql.ts'
import { FastClock } from '../../rig/fast-clock.ts'

const { signal } = new AbortController()

/** A client that answers with what `answer` gives or throws, and counts how often it is asked. */
function patient(answer: (asked: number) => Series[][], more = {}) {
  let asked = 0
  const client = { ask: async () => answer(asked++) } as unknown as QueryClient
  const query = new PatientQuery({ client, database: 'db', clock: new FastClock(), signal, ...more })
  return { query, asked: () => asked }
}

it('asks again while the server has no time, and then gives up', async () => {
  const busy = new Overloaded('busy', {}, 10)
  const soon = patient((asked) => {
    if (asked < 3) throw busy
    return [[]]
  })
  expect(await soon.query.ask(['SELECT 1'])).toEqual([[]])
  expect(soon.asked()).toBe(4)
  const never = patient(() => {
    throw busy
  })
  await expect(never.query.ask(['SELECT 1'])).rejects.toBe(busy)
  expect(never.asked()).toBe(6)
})

it('waits for a young token, and not for an old one', async () => {
  const refused = () => {
    throw new Failure('query/unauthorized', 'no')
  }
  const clock = new FastClock()
  const young = patient((asked) => (asked < 2 ? refused() : [[]]), { clock, activeBy: clock.now() + 60_000 })
  expect(await young.query.ask(['q'])).toEqual([[]])
  const old = patient(refused)
  await expect(old.query.ask(['q'])).rejects.toMatchObject({ code: 'query/unauthorized' })
  expect(old.asked()).toBe(1)
})

it('halves a window until each part is small enough, leaving out no time, and remembers what was too much', async () => {
  const { query } = patient(() => [[]])
  const done: bigint[] = []
  let refused = 0
  const work = async ({ start, end }: { start: bigint; end: bigint }) => {
    if (end - start > 10n) {
      refused += 1
      throw new Failure('query/too-large', 'too large')
    }
    for (let time = start; time < end; time += 1n) done.push(time)
  }
  await query.over({ start: -50n, end: 50n }, work)
  expect(done).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i - 50)))
  const before = refused
  await query.over({ start: 50n, end: 150n }, work)
  expect(refused).toBe(before)
  expect(done).toHaveLength(200)
})

it('gives up when a single nanosecond is too much, and on what is no matter of size', async () => {
  const { query } = patient(() => [[]])
  const too = new Failure('query/too-large', 'too large')
  await expect(query.over({ start: 0n, end: 8n }, () => Promise.reject(too))).rejects.toBe(too)
  const bad = new Failure('query/failed', 'bad')
  await expect(query.over({ start: 0n, end: 8n }, () => Promise.reject(bad))).rejects.toBe(bad)
})

it('says both bounds of a window as integers, within the times that InfluxDB takes', () => {
  expect(within({ start: -5n, end: 10n })).toBe('time >= -5 AND time <= 9')
  expect(within({ start: -(2n ** 63n), end: 2n ** 63n })).toBe(
    'time >= -9223372036854775806 AND time <= 9223372036854775806',
  )
})
