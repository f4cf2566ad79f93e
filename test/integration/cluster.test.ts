/** The cluster's side by itself: databases, token, write and query, against the sandbox and against a real influxd. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAdmin } from '../../src/cluster/admin.ts'
import { Lanes } from '../../src/cluster/lanes.ts'
import { query } from '../../src/cluster/query.ts'
import { writeBatches } from '../../src/cluster/write-batches.ts'
import { openWriteClient } from '../../src/cluster/write-client.ts'
import { systemClock } from '../../src/io/clock.ts'
import type { Target } from '../../src/manifest/migration.ts'
import type { BatchOutcome } from '../../src/state/state.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'
import { LetterList, memorySpool, targetAt } from '../rig/write-rig.ts'

const { signal } = new AbortController()

async function writeAll(target: Target, token: string, database: string, batches: string[][]) {
  const client = openWriteClient(target, token)
  const letters = new LetterList()
  const outcomes: BatchOutcome[] = []
  try {
    await writeBatches({
      database,
      slice: 's',
      spool: memorySpool(batches),
      pending: batches.keys(),
      client,
      lanes: new Lanes({ concurrency: 3, limit: undefined, clock: systemClock }),
      clock: systemClock,
      signal,
      maxRetries: 5,
      tokenActivation: 30_000,
      tokenCreatedAt: Date.now(),
      deadLetters: letters,
      onAcknowledged: (_, outcome) => void outcomes.push(outcome),
    })
  } finally {
    client.close()
  }
  const sum = (key: keyof BatchOutcome) => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  return { letters: letters.flushed, lines: sum('lines'), refusedLines: sum('refusedLines') }
}

const time = (index: number) => 1_700_000_000_000_000_000n + BigInt(index)
/** Ten batches of a thousand integers; every third batch has a line of another type in it. */
const batches = Array.from({ length: 10 }, (_, batch) =>
  Array.from({ length: 1000 }, (_, index) => {
    const at = batch * 1000 + index
    return batch % 3 === 1 && index === 500 ? `m a="no" ${time(at)}` : `m a=${at}i ${time(at)}`
  }),
)
const bad = batches.flat().filter((line) => line.includes('"no"'))

describe('the sandbox', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.close())

  it.each([
    ['v2', []],
    ['v1', []],
    ['v2', ['partial-writes-off']],
    [
      'v1',
      ['token-delay:1s', '503@3..5', '500-after-write@8', 'reset@10', 'cut@12', '413-html@14', '429@16'],
    ],
  ] as const)('over %s with faults %j stores all but the refused lines', async (api, faults) => {
    const token = { kind: 'value', value: sandbox.managementToken, variable: 'T' } as const
    const target = { ...targetAt(sandbox.url, { api }), admin: { kind: 'api', token } as const }
    const admin = await openAdmin(target, signal)
    if (admin === undefined) throw new Error('no admin')
    const database = `plant/${api}-${faults.length}`
    const spec = { retentionPeriod: 0n, maxTables: 600, maxColumns: 300 }
    await admin.createDatabase({ ...spec, name: database, partitionTemplate: undefined }, signal)
    expect((await admin.listDatabases(signal)).find(({ name }) => name === database)).toEqual({
      ...spec,
      name: database,
    })
    // The column's type is fixed before the faults begin, whichever lane is first.
    sandbox.setFaults([])
    const grants = { read: [database], write: [database], expiresAt: undefined }
    const { secret: first } = await admin.createToken({ description: 'first', ...grants }, signal)
    await writeAll(target, first, database, [['m a=-1i 1']])
    sandbox.setFaults(faults)
    const { secret } = await admin.createToken({ description: database, ...grants }, signal)
    await admin.close()

    const { letters, lines, refusedLines } = await writeAll(target, secret, database, batches)
    expect({ lines, refusedLines }).toEqual({ lines: 10_000 - bad.length, refusedLines: bad.length })
    expect(letters.map(({ line }) => line).sort()).toEqual([...bad].sort())
    const [series] = await query(target, secret, database, 'SELECT a FROM m WHERE time > 5', signal)
    expect(series?.values).toHaveLength(10_000 - bad.length)
    expect(series?.values[0]).toEqual([time(0), 0])
  })

  it('tells a foreign token', async () => {
    const target = targetAt(sandbox.url, { tokenActivation: 0 })
    await expect(query(target, 'apiv1_wrong', 'none', 'SELECT a FROM m', signal)).rejects.toMatchObject({
      code: 'query/unauthorized',
    })
  })
})

describe('a real influxd', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await startInfluxd()
    await influxd.execute('CREATE DATABASE plant')
  })
  afterAll(() => influxd.remove())

  it('stores all but the refused lines over v1, though it names none of them', async () => {
    const target = targetAt(influxd.url, { api: 'v1' })
    await writeAll(target, 'any', 'plant', [['m a=-1i 1']])
    const { letters, lines } = await writeAll(target, 'any', 'plant', batches)
    expect(lines).toBe(10_000 - bad.length)
    expect(letters.map(({ line }) => line).sort()).toEqual([...bad].sort())
    expect(letters[0]?.reason).toContain('field type conflict')
    const [count] = await query(target, undefined, 'plant', 'SELECT count(a) FROM m', signal)
    expect(count?.values[0]?.[1]).toBe(10_000 - bad.length + 1)
  })

  it('tells a database that is not there', async () => {
    await expect(
      writeAll(targetAt(influxd.url, { api: 'v1' }), 'any', 'nope', [['m a=1 1']]),
    ).rejects.toMatchObject({
      code: 'write/no-database',
    })
  })
})
