import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Lanes } from '../../src/cluster/lanes.ts'
import { writeBatches } from '../../src/cluster/write-batches.ts'
import { openWriteClient } from '../../src/cluster/write-client.ts'
import type { WriteClient } from '../../src/cluster/cluster.ts'
import { FastClock } from '../rig/fast-clock.ts'
import { LetterList, memorySpool, targetAt } from '../rig/write-rig.ts'
import { NO_CONTENT, partialWrite, WriteServer, type Reply } from '../rig/write-server.ts'

const server = new WriteServer()
let client: WriteClient

beforeAll(async () => {
  client = openWriteClient(targetAt(await server.listen(), { timeout: 5000 }), 'token')
})
afterAll(async () => {
  client.close()
  await server.close()
})

/** How a build of the cluster refuses. */
const BUILDS = {
  /** Good lines are stored, a hundred bad ones are named. */
  partial: (bad: number[], isBad: (line: string) => boolean): Reply => ({
    status: 400,
    body: partialWrite(bad.map((line) => ({ line, reason: 'bad' }))),
    store: (line) => !isBad(line),
  }),
  partial201: (bad: number[], isBad: (line: string) => boolean): Reply => ({
    ...(BUILDS.partial(bad, isBad) as object),
    status: 201,
  }),
  firstNamed: ([first]: number[]): Reply => ({
    status: 400,
    body: JSON.stringify({ message: `failed to parse line protocol: error writing line ${first}: bad` }),
  }),
  suspect: ([first]: number[]): Reply => ({
    status: 400,
    body: JSON.stringify({ line: first, message: 'something is bad' }),
  }),
  nothingNamed: (): Reply => ({ status: 400, body: JSON.stringify({ message: 'schema conflict' }) }),
  /** Stored what was good, and does not say what was not. */
  silent201: (_: number[], isBad: (line: string) => boolean): Reply => ({
    status: 201,
    store: (line) => !isBad(line),
  }),
}

const TROUBLE: Reply[] = [
  { status: 503, headers: { 'retry-after': '1' } },
  { status: 429 },
  { status: 500, body: '{"message":"x"}', store: () => true },
  { status: 504 },
  { reset: true },
  { reset: true, store: () => true },
  { cut: 400 },
]

it('stores every line or puts it in the dead letter, never both, and sends nothing twice after a 204', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        sizes: fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 4 }),
        badness: fc.constantFrom(0, 0.01, 0.2, 1),
        seed: fc.integer({ min: 1, max: 1e6 }),
        build: fc.constantFrom(...(Object.keys(BUILDS) as (keyof typeof BUILDS)[])),
        trouble: fc.array(fc.tuple(fc.nat(30), fc.constantFrom(...TROUBLE)), { maxLength: 8 }),
        maxLines: fc.constantFrom(1e9, 40),
        concurrency: fc.integer({ min: 1, max: 4 }),
      }),
      async ({ sizes, badness, seed, build, trouble, maxLines, concurrency }) => {
        let next = 0
        const batches = sizes.map((size) =>
          Array.from({ length: size }, () => `m,t=${(next += 1)} s="a\n${next}\\"",b=1i ${next}`),
        )
        const all = batches.flat()
        const isBad = (line: string) => hash(Number(/t=(\d+)/.exec(line)?.[1]) * seed) < badness
        server.requests.length = 0
        server.stored.clear()
        const accepted: string[] = []
        const troubles = new Map(trouble)
        server.script = (request) => {
          const reply = troubles.get(request.number)
          // A cluster in trouble stores what is good at most.
          if (reply !== undefined)
            return 'store' in reply ? { ...reply, store: (line: string) => !isBad(line) } : reply
          if (request.lines.length > maxLines) return { status: 413, body: '<html>too large</html>' }
          const bad = request.lines.flatMap((line, index) => (isBad(line) ? [index + 1] : []))
          if (bad.length > 0) return BUILDS[build](bad, isBad)
          accepted.push(request.body.toString('base64'))
          return NO_CONTENT
        }

        const clock = new FastClock()
        const letters = new LetterList()
        const sums = { lines: 0, points: 0, refusedLines: 0, refusedPoints: 0, batches: 0 }
        await writeBatches({
          database: 'd',
          slice: 's',
          spool: memorySpool(batches, 2),
          pending: batches.keys(),
          client,
          lanes: new Lanes({ concurrency, limit: undefined, clock }),
          clock,
          signal: new AbortController().signal,
          maxRetries: 10,
          tokenActivation: 0,
          tokenCreatedAt: undefined,
          deadLetters: letters,
          onAcknowledged(_, outcome) {
            sums.batches += 1
            for (const key of ['lines', 'points', 'refusedLines', 'refusedPoints'] as const)
              sums[key] += outcome[key]
          },
        })

        const bad = all.filter(isBad)
        expect(letters.flushed.map(({ line }) => line).sort()).toEqual([...bad].sort())
        expect([...server.stored.keys()].sort()).toEqual(all.filter((line) => !isBad(line)).sort())
        expect(new Set(accepted).size).toBe(accepted.length)
        expect(sums).toEqual({
          batches: sizes.length,
          lines: all.length - bad.length,
          points: 2 * (all.length - bad.length),
          refusedLines: bad.length,
          refusedPoints: 2 * bad.length,
        })
      },
    ),
    { numRuns: 60 },
  )
})

/** Between 0 and 1, the same for the same number. */
function hash(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
}
