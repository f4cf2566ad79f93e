/** Dead letters sent again after the cluster was changed, killed at every step; runs that stop when too much is refused. */
import { copyFile, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../src/sandbox/faults.ts'
import { migrationOf, type Migration } from '../rig/ferry.ts'
import { FerryProcess } from '../rig/ferry-process.ts'
import { pointsOf } from '../rig/letters.ts'
import { openSandbox, type OpenSandbox } from '../rig/open-sandbox.ts'
import { canonicalKey, canonicalValue, encodeLine, float, string, type Line } from '../rig/points.ts'
import { readBack } from '../rig/read-back.ts'
import { expectSumsToClose } from '../rig/sums.ts'

const SEED = Number(process.env['INFLUX_FERRY_CRASH_SEED'] ?? Date.now() % 1_000_000)
const START = 1_700_000_000_000_000_000n

const linesOf = (measurement: string, count: number): Line[] =>
  Array.from({ length: count }, (_, i) => ({
    measurement,
    tags: { host: `h ${i % 3}\\x` },
    fields: { f: float(i / 4), s: string(`"${i}"\n\u2028`) },
    time: START + BigInt(i) * 1_000_000n,
  }))

const pointsIn = (lines: readonly Line[]): string[] =>
  lines
    .flatMap(({ measurement, tags, fields, time }) =>
      Object.entries(fields).map(
        ([field, { type, value }]) =>
          `${canonicalKey(measurement, tags, field, time)} = ${canonicalValue(type, value)}`,
      ),
    )
    .sort()

/** Refused as long as the table `bad` has another type of `f`. */
const bad = linesOf('bad', 150)
const good = linesOf('good', 350)
const ALL = pointsIn([...bad, ...good])

interface Opened {
  sandbox: OpenSandbox
  migration: Migration
  env: NodeJS.ProcessEnv
  state: string
  letters: string
}

interface Settings {
  api?: 'v1' | 'v2'
  faults?: string[]
  write?: string
  concurrency?: number
  mapping?: string
  lines?: readonly (Line | string)[]
}

async function open({
  api = 'v2',
  faults = [],
  write = '',
  concurrency = 2,
  mapping = '',
  lines = [...bad, ...good],
}: Settings) {
  const sandbox = await openSandbox({ faults })
  const env = { SANDBOX_URL: sandbox.url, MANAGEMENT_TOKEN: sandbox.managementToken }
  const migration = await migrationOf(
    `apiVersion: influx-ferry/v1
name: letters
verify: { level: none }
sources:
  - { name: s, kind: line-protocol, files: [all.lp] }
target:
  url: \${SANDBOX_URL}
  admin: { kind: api, token: '\${MANAGEMENT_TOKEN}' }
  write: { api: ${api}, concurrency: ${concurrency}${write} }
mappings:
  - { source: s, target: letters, onInexpressible: dead-letter${mapping} }
`,
    env,
  )
  onTestFinished(async () => {
    await sandbox.close()
    await migration.remove()
  })
  const text = lines.map((one) => `${typeof one === 'string' ? one : encodeLine(one)}\n`).join('')
  await writeFile(join(migration.folder, 'all.lp'), text)
  const work = join(migration.folder, '.influx-ferry/letters')
  const opened: Opened = {
    ...{ sandbox, migration, env },
    state: join(migration.folder, 'manifest.state.json'),
    letters: join(work, 'dead-letter/s.ndjson'),
  }
  await conflict(opened)
  return opened
}

/** Somebody else's type. */
async function conflict({ sandbox }: Opened): Promise<void> {
  await sandbox.admin('POST', '/databases', { name: 'letters' })
  expect((await sandbox.write('bad f="text" 1', { bucket: 'letters' })).status).toBe(204)
}

const resolve = ({ sandbox }: Opened) => sandbox.admin('DELETE', '/databases/letters/tables/bad')

async function cluster({ sandbox }: Opened): Promise<string[]> {
  const found = await readBack(sandbox, { database: 'letters' })
  return found.filter((point) => !point.includes('"text"'))
}

async function expectMoved(opened: Opened, points: readonly string[] = ALL): Promise<void> {
  const found = await cluster(opened)
  expect(found.length).toBe(points.length)
  expect(found.find((point, i) => point !== points[i])).toBeUndefined()
  expect(await opened.migration.letters()).toEqual([])
  expectSumsToClose(await opened.migration.status())
  expect((await readdir(join(opened.letters, '..'))).filter((name) => name !== 's.ndjson')).toEqual([])
  expect(await opened.migration.run()).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await opened.migration.command('verify', '--level', 'full')).toMatchObject({ exitCode: 0 })
}

/** What is in the letters and what is in the cluster is all, and nothing is in both. */
async function expectAccounted(opened: Opened): Promise<void> {
  const found = [...(await cluster(opened)), ...pointsOf(await opened.migration.letters())].sort()
  expect(found.length).toBe(ALL.length)
  expect(found.find((point, i) => point !== ALL[i])).toBeUndefined()
}

describe.each(['v2', 'v1'] as const)('over %s', (api) => {
  it.each([
    ['that names what it refuses', []],
    ['that refuses whole bodies', ['partial-writes-off']],
  ])('what a cluster %s did not take is taken after it was changed', async (_, faults) => {
    const opened = await open({ api, faults, write: ', batch: { lines: 400 }' })
    const { migration } = opened
    expect(await migration.run()).toMatchObject({ exitCode: 3, stderr: '' })
    await expectAccounted(opened)
    const before = await migration.letters()
    expect(before).toHaveLength(150)

    const inVain = await migration.retry()
    expect(inVain).toMatchObject({ exitCode: 3, stderr: '' })
    expect(inVain.stdout).toMatch(/s +150 +0 +150 +0/)
    expect(await migration.letters()).toHaveLength(150)
    await expectAccounted(opened)
    expectSumsToClose(await migration.status())

    await resolve(opened)
    const retried = await migration.retry('--mapping', 's')
    expect(retried).toMatchObject({ exitCode: 0, stderr: '' })
    expect(retried.stdout).toMatch(/s +150 +150 +0 +0/)
    await expectMoved(opened)
    expect((await migration.retry()).stdout).toBe('letters: no dead letter is left\n')
  })
})

it('takes what a raised limit of tables lets in, and leaves the rest with the new reason', async () => {
  const opened = await open({ lines: [...linesOf('one', 5), ...linesOf('two', 5), ...bad.slice(0, 5)] })
  const { sandbox, migration } = opened
  await sandbox.admin('PATCH', '/databases/letters', { maxTables: 2 })
  expect((await migration.run()).exitCode).toBe(3)
  expect((await migration.letters()).filter(({ reason }) => reason.includes('table'))).toHaveLength(5)
  await sandbox.admin('PATCH', '/databases/letters', { maxTables: 3 })
  expect((await migration.retry()).stdout).toMatch(/s +10 +5 +5 +0/)
  const left = await migration.letters()
  expect(left.map(({ reason, by }) => `${by} ${/column f/.test(reason)}`)).toEqual(
    Array(5).fill('cluster true'),
  )
  expectSumsToClose(await migration.status())
})

it('reads lines of ours that somebody corrected, the last value winning', async () => {
  const lines = ['ta\tb,t=x f=1 5', 'ta\tb,t=x f=2 5', 'ta\tb,t=x f=3 6', 'good f=1 5']
  const opened = await open({ lines })
  const { migration, letters } = opened
  expect((await migration.run()).exitCode).toBe(3)
  const text = await readFile(letters, 'utf8')
  const [first = '', second = '', third = ''] = text.split('\n')
  // One is no line any more, and would take in the next.
  const corrected = [first, second, third.replace('f=3 6', 'f=\\"3 6')].map((one) =>
    one.replace('ta\\tb', 'table'),
  )
  await writeFile(letters, `${corrected.join('\n')}\n`)
  const retried = await migration.retry()
  expect(retried).toMatchObject({ exitCode: 3, stderr: '' })
  expect(retried.stdout).toMatch(/s +3 +1 +0 +1/)
  expect(retried.stdout).toContain('1 letter not a line of line protocol, or edited')
  expect(await cluster(opened)).toEqual(['"good" "f" @5 = 1 (float)', '"table","t"="x" "f" @5 = 2 (float)'])
  const status = await migration.status()
  expectSumsToClose(status)
  expect(status.totals).toMatchObject({ overwritten: 1, refusedPoints: 1, points: 2 })
})

it('leaves what was made under other transforms than the present ones', async () => {
  const opened = await open({ lines: bad.slice(0, 3) })
  const { migration, letters } = opened
  expect((await migration.run()).exitCode).toBe(3)
  await writeFile(
    letters,
    (await readFile(letters, 'utf8')).replaceAll('"points"', '"transforms":"f00","points"'),
  )
  await resolve(opened)
  const retried = await migration.retry()
  expect(retried).toMatchObject({ exitCode: 3, stderr: '' })
  expect(retried.stdout).toContain('3 letters made under other transforms than the present ones')
  expect(await cluster(opened)).toEqual([])
})

it('makes of lines that were sent as they are what transforms make of them now', async () => {
  const opened = await open({ lines: [...bad.slice(0, 20), ...good.slice(0, 5)] })
  const { migration, sandbox } = opened
  expect((await migration.run()).exitCode).toBe(3)
  const manifest = join(migration.folder, 'manifest.yaml')
  const transforms = `, transforms: [{ measurement: bad, renameFields: { f: number }, dropFields: [s], tagsToFields: [host] }]`
  await migration.rewrite(
    (await readFile(manifest, 'utf8')).replace(/, onInexpressible.* }/, `${transforms} }`),
  )
  const retried = await migration.retry()
  expect(retried).toMatchObject({ exitCode: 0, stderr: '' })
  const table = (await cluster(opened)).filter((point) => point.startsWith('"bad"'))
  const expected = bad
    .slice(0, 20)
    .flatMap(({ tags, fields, time }) => [
      `${canonicalKey('bad', {}, 'number', time)} = ${canonicalValue('float', fields['f']?.value ?? 0)}`,
      `${canonicalKey('bad', {}, 'host', time)} = ${canonicalValue('string', tags['host'] ?? '')}`,
    ])
  expect(table).toEqual(expected.sort())
  const status = await migration.status()
  expectSumsToClose(status)
  expect(status.totals).toMatchObject({ points: 50, dropped: 20, added: 20, refusedLines: 0 })
  expect(await migration.letters()).toEqual([])
  expect(sandbox.stats().points).toBeGreaterThan(0)
})

describe('a retry that is killed', () => {
  const settings = { faults: ['delay:30ms@1..'], write: ', batch: { lines: 10 }, maxRetries: 0' }

  async function refused(): Promise<Opened> {
    const opened = await open(settings)
    expect((await opened.migration.run()).exitCode).toBe(3)
    await resolve(opened)
    return opened
  }

  it('while it sends, or writes its draft, sends the same lines again', async () => {
    const opened = await refused()
    const { migration, env, sandbox } = opened
    for (const part of [0.2, 0.6, 1]) {
      const before = sandbox.stats().writeRequests
      const args = ['retry', join(migration.folder, 'manifest.yaml'), '--dead-letter']
      const retry = new FerryProcess(args, { cwd: migration.folder, env })
      while (sandbox.stats().writeRequests < before + part * 15 && retry.child.exitCode === null)
        await sleep(2)
      await retry.end('SIGKILL')
      const there = new Set([...(await cluster(opened)), ...pointsOf(await migration.letters())])
      expect(ALL.filter((point) => !there.has(point))).toEqual([])
    }
    expect(await migration.retry()).toMatchObject({ exitCode: 0, stderr: '' })
    await expectMoved(opened)
  })

  it.each([
    ['before the state has it', 'state', 3],
    ['before the new file has its place', 'letters', 0],
  ] as const)('%s, is ended by the next run', async (_, kept, exitCode) => {
    const opened = await refused()
    const { migration, letters, state } = opened
    await copyFile(letters, `${migration.folder}/letters`)
    await copyFile(state, `${migration.folder}/state`)
    expect((await migration.retry()).exitCode).toBe(0)
    // The disk as it was then: both files old or one of them, and the draft there.
    await copyFile(letters, `${letters}.next`)
    await copyFile(`${migration.folder}/letters`, letters)
    if (kept === 'state') await copyFile(`${migration.folder}/state`, state)
    expect((await migration.run()).exitCode).toBe(exitCode)
    expect((await stat(letters)).size > 0).toBe(exitCode === 3)
    if (exitCode === 3) expect((await migration.retry()).exitCode).toBe(0)
    await expectMoved(opened)
  })

  it('or stopped by the cluster, keeps what is stored and says why', async () => {
    const opened = await refused()
    const { migration, sandbox } = opened
    sandbox.setFaults(['500@4..'])
    const failed = await migration.retry()
    expect(failed.exitCode).toBe(1)
    expect(failed.stderr).toContain('write/no-answer')
    expect(await migration.letters()).toHaveLength(150)
    sandbox.setFaults([])
    expect((await migration.retry()).exitCode).toBe(0)
    await expectMoved(opened)
  })
})

it('loses nothing and doubles nothing in any sequence of runs, kills and retries', async () => {
  process.stdout.write(`INFLUX_FERRY_CRASH_SEED=${SEED}\n`)
  for (let history = 0; history < 4; history += 1) {
    const random = seededRandom(SEED + history)
    const transfer = history % 2 === 0 ? '' : '\ntransfer: direct'
    const opened = await open({
      faults: ['delay:20ms@1..'],
      write: `, batch: { lines: 20 } }${transfer}\nspool: { memory: 16MB`,
    })
    const { migration, env } = opened
    const resolved = 2 + Math.floor(random() * 4)
    /** A retry was killed that may have stored what is in the letters still. */
    let isTorn = false
    for (let step = 0; step < 7; step += 1) {
      if (step === resolved) await resolve(opened)
      const words = random() < 0.5 ? ['run'] : ['retry', '--dead-letter']
      const args = [...words, join(migration.folder, 'manifest.yaml')]
      const one = new FerryProcess(args, { cwd: migration.folder, env })
      if (random() < 0.7) {
        await one.runFor(300 + random() * 1500)
        const { signal } = await one.end('SIGKILL')
        if (words[0] === 'retry') isTorn = signal === 'SIGKILL' && step >= resolved
      } else {
        const { exitCode, stderr } = await one.ended
        // Before the first run there is nothing to retry.
        expect([0, 2, 3], stderr).toContain(exitCode)
        if (words[0] === 'retry') isTorn = false
        else if (!isTorn) await expectAccounted(opened)
      }
    }
    expect([0, 3]).toContain((await migration.run()).exitCode)
    expect((await migration.retry()).exitCode).toBe(0)
    await expectMoved(opened)
    await rm(migration.folder, { recursive: true, force: true })
  }
})

describe('maxRejected', () => {
  const write = ', batch: { lines: 100 }'
  /** Half of the first batch is bad; of all it is a twentieth. */
  const lines = [...linesOf('a', 50), ...bad.slice(0, 50), ...linesOf('good', 900)]

  it.each(['staged', 'direct'])(
    'stops a run by a part of what was sent, and lets it go on (transfer: %s)',
    async (transfer) => {
      // One batch at a time: what else were stored meanwhile would count in the part.
      const more = `\ntransfer: ${transfer}\nspool: { memory: 16MB`
      const settings = { lines, concurrency: 1, write: `${write} }${more}` }
      const opened = await open({ ...settings, mapping: ', maxRejected: 10%' })
      const { migration, sandbox } = opened
      const stopped = await migration.run()
      expect(stopped.exitCode).toBe(1)
      expect(stopped.stderr).toMatch(
        /100 points of s were refused, and "maxRejected" allows 10% \(rejected\/too-many\)/,
      )
      expect(stopped.stderr).toContain('column f')
      const { totals } = await migration.status()
      expect(totals.refusedLines).toBe(50)
      expect(totals.rowsWritten).toBeLessThan(500)
      // What was under way is put down, and nothing is sent before the limit is raised.
      expect(sandbox.stats().byStatus[0]).toBeUndefined()
      const { writeRequests } = sandbox.stats()
      expect((await migration.run()).exitCode).toBe(1)
      expect(sandbox.stats().writeRequests).toBe(writeRequests)
      const manifest = await readFile(join(migration.folder, 'manifest.yaml'), 'utf8')
      await migration.rewrite(manifest.replace('10%', '60%'))
      expect(await migration.run()).toMatchObject({ exitCode: 3, stderr: '' })
      expectSumsToClose(await migration.status())
      expect((await migration.status()).totals).toMatchObject({ rowsWritten: 950, refusedLines: 50 })
    },
  )

  it('by a part does not judge before a batch is through', async () => {
    const settings = { lines: [...bad.slice(0, 1), ...linesOf('good', 400)], write }
    const { migration } = await open({ ...settings, mapping: ', maxRejected: 1%' })
    expect(await migration.run()).toMatchObject({ exitCode: 3, stderr: '' })
  })

  it('of none stops at the first', async () => {
    const { migration } = await open({ lines, write, mapping: ', maxRejected: 0' })
    const stopped = await migration.run()
    expect(stopped.exitCode).toBe(1)
    expect(stopped.stderr).toContain('"maxRejected" allows 0')
  })
})
