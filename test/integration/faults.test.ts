/** Every fault that the sandbox knows, over both write APIs, against a real run: the same data arrives, in bounded time. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { SandboxOptions } from '../../src/sandbox/server.ts'
import type { SandboxStats } from '../../src/sandbox/stats.ts'
import { readState } from '../../src/state/state-file.ts'
import type { State } from '../../src/state/state.generated.ts'
import { totalsOf, type Totals } from '../../src/state/totals.ts'
import { FERRY, migrationOf, type Finished, type Migration } from '../rig/ferry.ts'
import { FerryProcess } from '../rig/ferry-process.ts'
import { launch, type Launched } from '../rig/influxd-server.mjs'
import type { Endpoint } from '../rig/influxql.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import {
  boolean,
  canonicalKey,
  canonicalValue,
  encodeLine,
  float,
  integer,
  string,
  type Line,
} from '../rig/points.ts'
import { readBack } from '../rig/read-back.ts'
import { pointsOf } from '../rig/letters.ts'
import { expectSumsToClose } from '../rig/sums.ts'

const APIS = ['v2', 'v1'] as const
type Api = (typeof APIS)[number]

const START = 1_700_000_000_000_000_000n
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Twelve batches of a hundred lines. */
const good: Line[] = range(1200).map((i) => ({
  measurement: `m${i % 3}`,
  tags: { host: `h${i % 4}` },
  fields: { f: float(i / 4), i: integer(BigInt(i)), s: string(`"${i}"\n`), b: boolean(i % 2 === 0) },
  time: START + BigInt(i) * 1_000_000n,
}))

/** Refused by every cluster, whatever was written before: a tag and a field of one name. */
const clashes = (count: number): Line[] =>
  range(count).map((i) => ({
    measurement: i % 2 === 0 ? 'm0' : 'm2',
    tags: { host: `h${i % 4}`, clash: `t${i}` },
    fields: { clash: float(i), other: float(i) },
    time: START + BigInt(i),
  }))

const tooLong = (count: number): Line[] =>
  range(count).map((i) => ({
    measurement: 'm1',
    tags: { host: 'h0' },
    fields: { s: string(`${i}`.repeat(66_000)) },
    time: START + BigInt(i),
  }))

const expectedOf = (lines: readonly Line[]): string[] =>
  lines
    .flatMap(({ measurement, tags, fields, time }) =>
      Object.entries(fields).map(
        ([field, { type, value }]) =>
          `${canonicalKey(measurement, tags, field, time)} = ${canonicalValue(type, value)}`,
      ),
    )
    .sort()

const EXPECTED = expectedOf(good)

interface Opened {
  sandbox: OpenSandbox
  migration: Migration
  env: NodeJS.ProcessEnv
}

/** `write` follows `api` and `concurrency`. */
const manifestOf = (api: Api, write: string) => `
apiVersion: influx-ferry/v1
name: faults
sources:
  - { name: s, kind: line-protocol, files: [all.lp] }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
  write: { api: ${api}, concurrency: 3${write} }
verify: { level: none }
mappings:
  - { source: s, target: faults }
`

const writeLines = ({ folder }: Migration, lines: readonly Line[]) =>
  writeFile(join(folder, 'all.lp'), lines.map((one) => `${encodeLine(one)}\n`).join(''))

interface Settings extends SandboxOptions {
  api: Api
  write?: string
  lines?: readonly Line[]
}

/** Tests run side by side: each has a sandbox, a migration and a folder of its own, gone in the end. */
async function withMigration(settings: Settings, test: (opened: Opened) => Promise<void>): Promise<void> {
  const { api, write = ', batch: { lines: 100 }', lines = good, ...options } = settings
  const sandbox = await openSandbox(options)
  const env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken }
  const migration = await migrationOf(manifestOf(api, write), env)
  try {
    await writeLines(migration, lines)
    await test({ sandbox, migration, env })
  } finally {
    await sandbox.close()
    await migration.remove()
  }
}

/** What `status --json` prints. */
async function stateOf({ folder }: Migration): Promise<State & { totals: Totals }> {
  const state = await readState(join(folder, 'manifest.state.json'))
  if (state === undefined) throw new Error('there is no state')
  return {
    ...state,
    totals: totalsOf(
      Object.keys(state.slices).map((id) => ({ id })),
      state,
    ),
  }
}

/** All good points are there and nothing else, the sums close, and each bad line is in the dead letter once. */
async function expectDone({ sandbox, migration }: Opened, bad = 0): Promise<void> {
  const found = await readBack(sandbox, { database: 'faults' })
  expect(found.length).toBe(EXPECTED.length)
  expect(found.find((point, i) => point !== EXPECTED[i])).toBeUndefined()
  expectSumsToClose(await stateOf(migration))
  const letters = await migration.letters()
  expect(letters).toHaveLength(bad)
  expect(new Set(letters.map(({ line }) => line)).size).toBe(bad)
}

function expectEnd({ exitCode, stderr, milliseconds }: Finished, code: number): void {
  expect(exitCode, stderr).toBe(code)
  if (code === 0 || code === 3) expect(stderr).toBe('')
  expect(milliseconds).toBeLessThan(120_000)
}

/** What the run no longer waits for is answered nevertheless, to nobody. */
async function allAnswered(sandbox: OpenSandbox): Promise<void> {
  const open = () => {
    const { byStatus, writeRequests } = sandbox.stats()
    return writeRequests - Object.values(byStatus).reduce((sum, count) => sum + count, 0)
  }
  while (open() > 0) await sleep(50)
}

describe.concurrent.each(APIS)('over %s', (api) => {
  /** Name, faults, what the sandbox answered at least so often, settings. Status 0 is a broken connection. */
  const passing: [string, string[], Record<number, number>, { write?: string; atLeast?: number }][] = [
    ['429', ['429@3..5'], { 429: 3 }, {}],
    ['429 with Retry-After', ['429@3', 'retry-after:2'], { 429: 1 }, { atLeast: 2000 }],
    ['503', ['503@3..5'], { 503: 3 }, {}],
    ['503 with Retry-After', ['503@3', 'retry-after:2'], { 503: 1 }, { atLeast: 2000 }],
    ['500', ['500@3..5'], { 500: 3 }, {}],
    ['500, though it was written', ['500-after-write@3..5'], { 500: 3 }, {}],
    ['500 by a proxy', ['500-html@3'], { 500: 1 }, {}],
    ['413', ['413@3..4'], { 413: 2 }, {}],
    ['413 by a proxy', ['413-html@1..2'], { 413: 2 }, {}],
    ['a reset connection', ['reset@3..5'], { 0: 3 }, {}],
    ['a reset connection, though it was written', ['reset-after-write@3..5'], { 0: 3 }, {}],
    ['a cut answer', ['cut@3..5'], { 0: 3 }, {}],
    ['an answer that comes too late', ['delay:3s@3..5'], { 204: 15 }, { write: ', timeout: 1s' }],
    ['a token that is not active yet', ['token-delay:3s'], { 401: 1 }, { atLeast: 3000 }],
    [
      'everything at once',
      ['429%8,503%4,500%4,500-after-write%8,413%4,reset%8,cut%4,token-delay:3s,seed:7'],
      { 401: 1 },
      {},
    ],
  ]
  it.each(passing)('%s passes', async (_, faults, statuses, { write = '', atLeast = 0 }) => {
    const settings = { api, faults, write: `, batch: { lines: 100 }${write}` }
    await withMigration(settings, async (opened) => {
      const finished = await opened.migration.run()
      expectEnd(finished, 0)
      expect(finished.milliseconds).toBeGreaterThan(atLeast)
      await allAnswered(opened.sandbox)
      const { byStatus } = opened.sandbox.stats()
      for (const [status, count] of Object.entries(statuses))
        expect(byStatus[Number(status)], `${status} of ${JSON.stringify(byStatus)}`).toBeGreaterThanOrEqual(
          count,
        )
      await expectDone(opened)
    })
  })

  it('a limit of the body is kept by halving', () =>
    withMigration({ api, maxBodyBytes: 3000 }, async (opened) => {
      expectEnd(await opened.migration.run(), 0)
      expect(opened.sandbox.stats().byStatus[413]).toBeGreaterThanOrEqual(12)
      await expectDone(opened)
    }))

  const lasting: [string, string, string, RegExp][] = [
    ['500', '500@4..', ', maxRetries: 1', /gave no usable answer: .*\(write\/no-answer\)/],
    ['a reset connection', 'reset@4..', ', maxRetries: 1', /gave no usable answer: .*\(write\/no-answer\)/],
    ['a cut answer', 'cut@4..', ', maxRetries: 1', /gave no usable answer: .*\(write\/no-answer\)/],
    [
      'no answer in time',
      'delay:5s@4..',
      ', maxRetries: 1, timeout: 500ms',
      /no answer within 0\.5 s.*\(write\/no-answer\)/,
    ],
    [
      'a token that stays unknown',
      'token-delay:8s',
      ', tokenActivation: 1s',
      /does not know the token .*\(write\/unauthorized\)/,
    ],
    [
      'a token without a grant',
      '403@4..',
      ', tokenActivation: 1s',
      /may not write to "faults".*\(write\/forbidden\)/,
    ],
    ['a lost database', '404@4..', '', /\(write\/(no-database|refused)\)/],
  ]
  it.each(lasting)('%s for good ends the run, and the next one goes on', async (_, fault, write, message) => {
    const settings = { api, faults: [fault], write: `, batch: { lines: 100 }${write}` }
    await withMigration(settings, async (opened) => {
      const { sandbox, migration } = opened
      const first = await migration.run()
      expectEnd(first, 1)
      expect(first.stderr).toMatch(message)
      expect(first.stderr).toContain('-> faults')
      const { totals } = await stateOf(migration)
      expect(totals.rowsLeft).toBeGreaterThan(0)
      expect(totals.rowsWritten + totals.rowsLeft).toBe(totals.rows)
      await allAnswered(sandbox)
      sandbox.setFaults([])
      // Without the tight limits: a busy machine must not make it send anything twice.
      await migration.rewrite(manifestOf(api, ', batch: { lines: 100 }'))
      const before = sandbox.stats().lines
      expectEnd(await migration.run(), 0)
      // Only what was not acknowledged is sent again.
      expect(sandbox.stats().lines - before).toBeLessThanOrEqual(totals.rowsLeft)
      await expectDone(opened)
    })
  })

  it.each(['429@4..', '503@4..'])('%s for good is waited out until it is interrupted', (fault) =>
    withMigration({ api, faults: [fault] }, async (opened) => {
      const { sandbox, migration, env } = opened
      const run = new FerryProcess(['run', join(migration.folder, 'manifest.yaml'), '--json'], {
        cwd: migration.folder,
        env,
      })
      while (run.child.exitCode === null && (sandbox.stats().byStatus[Number(fault.slice(0, 3))] ?? 0) < 3)
        await sleep(20)
      expect((await run.end('SIGINT')).exitCode).toBe(130)
      sandbox.setFaults([])
      expectEnd(await migration.run(), 0)
      await expectDone(opened)
    }),
  )

  describe('refused lines', () => {
    const few = [...clashes(3), ...tooLong(2)]
    const many = clashes(150)
    const cases: [string, string[], string, Line[]][] = [
      ['a few', [], ', batch: { lines: 100 }', few],
      [
        'a few, by a cluster that refuses whole bodies',
        ['partial-writes-off'],
        ', batch: { lines: 100 }',
        few,
      ],
      ['more than a hundred in a batch', [], ', batch: { lines: 1000 }', many],
      [
        'many, by a cluster that refuses whole bodies',
        ['partial-writes-off'],
        ', batch: { lines: 300 }',
        many,
      ],
      ['a few among other faults', ['413@1', 'reset@2', '429@3', '500-after-write@4', 'cut@6'], '', few],
    ]
    it.each(cases)('%s: each is named with its reason, and the rest arrives', (_, faults, write, bad) =>
      withMigration({ api, faults, write, lines: [...bad, ...good] }, async (opened) => {
        const { sandbox, migration } = opened
        const finished = await migration.run()
        expectEnd(finished, 3)
        expect(finished.stdout).toContain('done, but some points were refused')
        await expectDone(opened, bad.length)
        const letters = await migration.letters()
        expect(pointsOf(letters).sort()).toEqual(expectedOf(bad))
        for (const { by, line, reason, points } of letters) {
          expect(by).toBe('cluster')
          expect(reason).toMatch(line.includes('clash') ? /clash/ : /String is greater than 64KB/)
          expect(points).toBe(line.includes('clash') ? 2 : 1)
        }
        const { totals } = await stateOf(migration)
        expect(totals).toMatchObject({ refusedLines: bad.length, refusedByCluster: totals.refusedPoints })
        // A hundred bad lines must not cost a request each, but for where a cluster names none of them.
        if (!faults.includes('partial-writes-off')) expect(sandbox.stats().writeRequests).toBeLessThan(40)
        const again = await migration.run()
        expectEnd(again, 3)
        expect(await migration.letters()).toEqual(letters)
      }),
    )
  })
})

describe.concurrent('a cluster that is killed in the middle', () => {
  interface Server extends Endpoint {
    kill(): Promise<void>
    restart(): Promise<void>
    sent(): Promise<number>
  }

  /** The sandbox as a process that keeps its data in a folder. */
  async function withServer(
    maxRetries: number,
    test: (server: Server, migration: Migration) => Promise<void>,
  ) {
    const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-killed-'))
    const tokenFile = join(folder, 'management-token')
    let launched: Launched
    const start = async (port: string) => {
      const place = ['--port', port, '--dir', join(folder, 'data'), '--management-token-file', tokenFile]
      launched = await launch(
        process.execPath,
        [FERRY, 'sandbox', ...place, '--fault', 'delay:50ms@1..'],
        /listens at (http:\/\/\S+:(\d+))/,
      )
    }
    await start('0')
    const [, url = '', port = ''] = launched!.match
    const migration = await migrationOf(
      manifestOf('v2', `, batch: { lines: 20 }, maxRetries: ${maxRetries}`),
      {
        SANDBOX_URL: url,
        MANAGEMENT_TOKEN: (await readFile(tokenFile, 'utf8')).trim(),
      },
    )
    const kill = async () => {
      launched.child.kill('SIGKILL')
      await launched.ended
    }
    try {
      await writeLines(migration, good)
      await test(
        {
          url,
          kill,
          restart: () => start(port),
          sent: async () => {
            const answer = await fetch(`${url}/sandbox/stats`)
            return Object.keys(((await answer.json()) as SandboxStats).bodies).length
          },
        },
        migration,
      )
    } finally {
      await kill()
      await migration.remove()
      await rm(folder, { recursive: true, force: true })
    }
  }

  async function expectArrived({ url }: Server, migration: Migration) {
    const tokens = join(migration.folder, '.influx-ferry/faults/tokens')
    const [name = ''] = await readdir(tokens)
    const token = (await readFile(join(tokens, name), 'utf8')).trim()
    const found = await readBack({ url, token }, { database: 'faults' })
    expect(found.length).toBe(EXPECTED.length)
    expect(found.find((point, i) => point !== EXPECTED[i])).toBeUndefined()
    expectSumsToClose(await stateOf(migration))
  }

  it('ends the run with a clear failure, and the next one completes it', () =>
    withServer(0, async (server, migration) => {
      const running = migration.run()
      while ((await server.sent().catch(() => 0)) < 20) await sleep(20)
      await server.kill()
      const finished = await running
      expectEnd(finished, 1)
      expect(finished.stderr).toMatch(/\(write\/no-answer\)/)
      expect(finished.stderr).toContain('Nothing is lost: run again when the cluster is well')
      const unreachable = await migration.run()
      expectEnd(unreachable, 1)
      expect(unreachable.stderr).toMatch(/ECONNREFUSED.*\(cluster\/unreachable\)/)
      const { totals } = await stateOf(migration)
      expect(totals.rowsWritten).toBeGreaterThan(0)
      expect(totals.rowsWritten + totals.rowsLeft).toBe(totals.rows)
      await server.restart()
      expectEnd(await migration.run(), 0)
      // The rest, and what was under way.
      expect(await server.sent()).toBe(totals.rowsLeft / 20)
      await expectArrived(server, migration)
    }))

  it('is waited for when it comes back in time', () =>
    withServer(10, async (server, migration) => {
      const running = migration.run()
      while ((await server.sent()) < 20) await sleep(20)
      await server.kill()
      await server.restart()
      expectEnd(await running, 0)
      await expectArrived(server, migration)
    }))
})
