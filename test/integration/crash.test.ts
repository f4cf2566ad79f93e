/** kill -9, SIGINT and SIGTERM at random moments of real runs: nothing lost, nothing sent again that the state held. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Phase } from '../../src/run/event.generated.ts'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { seededRandom } from '../../src/sandbox/faults.ts'
import type { State } from '../../src/state/state.generated.ts'
import { Acknowledged, bodiesOf, readSpools, type Bodies } from '../rig/acknowledged.ts'
import {
  contentsOf,
  CrashMigration,
  expectSameContents,
  openSlowSandbox,
  type AdminKind,
  type Transfer,
} from '../rig/crash-rig.ts'
import { makeCrashSource, type CrashSource } from '../rig/crash-source.ts'
import type { FerryProcess } from '../rig/ferry-process.ts'
import type { OpenSandbox } from '../rig/open-sandbox.ts'
import { expectSumsToClose } from '../rig/sums.ts'

/** Set it to see the same moments again, as far as the machine keeps the same time. */
const SEED = Number(process.env['INFLUX_FERRY_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** How many histories there are, how many kills in all of them, and what each is killed in, in this order. */
const KILLING: Record<Transfer, { histories: number; kills: number; phases: Phase[] }> = {
  staged: {
    histories: 6,
    kills: 50,
    phases: ['export', 'export', 'export', 'create', 'token', 'write', 'write', 'write', 'write'],
  },
  direct: {
    histories: 3,
    kills: 22,
    phases: ['create', 'token', 'write', 'write', 'write', 'write', 'write', 'write', 'write'],
  },
}
const TRANSFERS = ['staged', 'direct'] as const
const CONCURRENCY = 3

let folder: string
let source: CrashSource
let sourceFiles: string[]
let bodies: Bodies
/** What a run that was never killed leaves. */
let expected: { contents: Map<string, string[]>; letters: string[]; totals: unknown }
const INFLUXCTL_TAKES: [Phase, number][] = [
  ['create', 2000],
  ['token', 1000],
]
/** Milliseconds that a phase took last; those of `export` are a slice's, those of `write` a batch's. */
const durations: Record<AdminKind, Record<Transfer, Map<Phase, number>>> = {
  api: { staged: new Map(), direct: new Map() },
  influxctl: { staged: new Map(INFLUXCTL_TAKES), direct: new Map(INFLUXCTL_TAKES) },
}
const kills = { staged: new Map<Phase, number>(), direct: new Map<Phase, number>() }

const say = (text: string) => void process.stdout.write(`${text}\n`)

beforeAll(async () => {
  say(`INFLUX_FERRY_CRASH_SEED=${SEED}`)
  folder = await mkdtemp(join(tmpdir(), 'influx-ferry-crash-source-'))
  source = await makeCrashSource(folder)
  sourceFiles = await source.files()
  const sandbox = await openSlowSandbox()
  const migration = await CrashMigration.create(source, sandbox, 'api')
  try {
    const exporting = migration.start('--only', 'export')
    expect(await exporting.ended).toMatchObject({ exitCode: 0, stderr: '' })
    const spools = await readSpools(await migration.state(), migration.work)
    const writing = migration.start()
    expect(await writing.ended).toMatchObject({ exitCode: 3, stderr: '' })
    const letters = await migration.letters()
    bodies = bodiesOf(
      spools,
      letters.map((letter) => JSON.parse(letter) as DeadLetter),
    )
    const contents = await contentsOf(sandbox, source.targets)
    expected = { contents, letters, totals: (await migration.status()).totals }
    expect((await migration.leftovers()).join(', ')).toBe('')
    learnFrom(exporting, durations.api.staged)
    learnFrom(writing, durations.api.staged)
  } finally {
    await sandbox.close()
    await migration.remove()
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** How long the phases took that ended. */
function learnFrom({ events }: FerryProcess, took: Map<Phase, number>): void {
  const started = new Map<Phase, number>()
  const steps = { export: bodies.size, write: batchCount() }
  for (const event of events) {
    const time = Date.parse(('time' in event && event.time) || '')
    if (event.type === 'phase-started') started.set(event.phase, time)
    if (event.type !== 'phase-done') continue
    const { phase } = event
    const milliseconds = time - (started.get(phase) ?? time)
    took.set(phase, milliseconds / (phase === 'export' || phase === 'write' ? steps[phase] : 1))
  }
}

const batchCount = () => [...bodies.values()].flat().length

interface Opened {
  migration: CrashMigration
  sandbox: OpenSandbox
  transfer: Transfer
  /** How long its phases took. */
  took: Map<Phase, number>
}

async function open(admin: AdminKind, transfer: Transfer): Promise<Opened> {
  const sandbox = await openSlowSandbox()
  const migration = await CrashMigration.create(source, sandbox, admin, '', transfer)
  onTestFinished(async () => {
    await sandbox.close()
    await migration.remove()
  })
  return { migration, sandbox, transfer, took: durations[admin][transfer] }
}

/**
 * Waits for a random moment of `phase`, each as likely as any other: after some of the slices or batches that are
 * left, and a part of the time that the next one takes; at most for the end. A phase with nothing left to do passes
 * its moment on to a later one.
 */
async function momentOf(
  run: FerryProcess,
  phase: Phase,
  { migration, sandbox, transfer, took }: Opened,
  random: () => number,
): Promise<void> {
  const state = await migration.state()
  const [steps, part] = [random(), random()]
  const { phases } = KILLING[transfer]
  let there = phase
  const begun = await run.sees((event) => {
    if (event.type !== 'phase-started' && event.type !== 'phase-skipped') return false
    if (phases.indexOf(event.phase) < phases.indexOf(phase)) return false
    there = event.phase
    return event.type === 'phase-started'
  })
  if (!begun) return
  if (there === 'export') {
    const left = bodies.size - Object.keys(state?.slices ?? {}).length
    let after = Math.floor(steps * left)
    if (after > 0) await run.sees((event) => event.type === 'slice-exported' && (after -= 1) === 0)
  }
  if (there === 'write') {
    const before = Object.keys(sandbox.stats().bodies).length
    const until = before + Math.floor(steps * (batchCount() - before))
    while (Object.keys(sandbox.stats().bodies).length < until && run.child.exitCode === null) await sleep(5)
  }
  await run.runFor(part * (took.get(there) ?? durations.api.staged.get(there) ?? 0))
}

/** Everything that must hold when a migration is done, however often it was stopped. */
async function expectDone({ migration, sandbox }: { migration: CrashMigration; sandbox: OpenSandbox }) {
  expectSameContents(await contentsOf(sandbox, source.targets), expected.contents)
  const status = await migration.status()
  expectSumsToClose(status)
  expect(status.totals).toEqual(expected.totals)
  expect(await migration.letters()).toEqual(expected.letters)
  expect((await migration.leftovers()).join(', ')).toBe('')
  const known = new Set([...bodies.values()].flat())
  const { bodies: counts } = sandbox.stats()
  expect(Object.keys(counts).filter((hash) => !known.has(hash))).toEqual([])
  expect([...known].filter((hash) => counts[hash] === undefined)).toEqual([])
  const unnamed = await migration.unnamedTokens(sandbox)
  const inUse = status.tokens['influx-ferry crash']?.id
  expect(unnamed).toEqual(inUse === undefined ? [expect.any(String)] : [inUse])
  expect(await source.files()).toEqual(sourceFiles)
}

it('has a source with all that can be half-done', () => {
  expect(bodies.size).toBeGreaterThanOrEqual(4)
  expect(batchCount()).toBeGreaterThan(50)
  const letters = expected.letters.map((letter) => JSON.parse(letter) as DeadLetter)
  expect(letters.filter(({ by }) => by === 'influx-ferry')).toHaveLength(5)
  expect(letters.filter(({ by }) => by === 'cluster')).toHaveLength(43)
})

describe.each(TRANSFERS)(
  'a run (transfer: %s) that is killed at random moments, again and again',
  (transfer) => {
    const { histories, kills: wanted, phases } = KILLING[transfer]

    async function history(number: number): Promise<void> {
      const random = seededRandom(SEED + number + (transfer === 'direct' ? 1000 : 0))
      const admin = number % 3 === 0 ? 'influxctl' : 'api'
      const opened = await open(admin, transfer)
      const { migration, sandbox, took } = opened
      const acknowledged = new Acknowledged(bodies)
      const story: string[] = []
      for (const phase of phases) {
        const run = migration.start()
        await momentOf(run, phase, opened, random)
        const { signal, exitCode, stderr } = await run.end('SIGKILL')
        learnFrom(run, took)
        if (signal !== 'SIGKILL') {
          expect(exitCode, stderr).toBe(3)
          break
        }
        expect(stderr).toBe('')
        const hit = run.phase ?? 'validate'
        kills[transfer].set(hit, (kills[transfer].get(hit) ?? 0) + 1)
        const { bodies: counts } = sandbox.stats()
        acknowledged.hold(await migration.state(), counts)
        expect(acknowledged.violations(counts)).toEqual([])
        story.push(`${hit} (${acknowledged.size} batches)`)
      }
      say(`history ${number}, ${transfer}, ${admin}: killed in ${story.join(', ')}`)
      expect(await migration.start().ended).toMatchObject({ exitCode: 3, stderr: '' })
      expect(acknowledged.violations(sandbox.stats().bodies)).toEqual([])
      await expectDone(opened)
    }

    it.each(Array.from({ length: histories }, (_, i) => [i + 1]))(
      'ends as if it never had been: history %i',
      history,
    )

    it('was killed often enough, in every phase', async () => {
      const sum = () => [...kills[transfer].values()].reduce((total, count) => total + count, 0)
      for (let number = histories + 1; sum() < wanted && number < histories + 6; number += 1)
        await history(number)
      expect(sum()).toBeGreaterThanOrEqual(wanted)
      for (const phase of new Set(phases)) expect(kills[transfer].get(phase), phase).toBeGreaterThanOrEqual(2)
    })
  },
)

describe('a batch that is sent twice', () => {
  it('would be found out', async () => {
    const { migration, sandbox } = await open('api', 'staged')
    const acknowledged = new Acknowledged(bodies)
    const run = migration.start()
    const half = batchCount() / 2
    await run.sees((event) => event.type === 'progress' && Object.keys(sandbox.stats().bodies).length > half)
    await run.end('SIGKILL')
    const state = await migration.state()
    acknowledged.hold(state, sandbox.stats().bodies)
    expect(acknowledged.size).toBeGreaterThan(0)
    const forgotten = await forgetOneBatch(migration.statePath)
    await migration.start().ended
    expect(acknowledged.violations(sandbox.stats().bodies)).toEqual([
      `${forgotten} was acknowledged 2 times, 1 when held`,
    ])
  })
})

/** Takes one acknowledged batch out of a state file, of a slice that still has its spool. @returns `slice#batch` */
async function forgetOneBatch(path: string): Promise<string> {
  const state = JSON.parse(await readFile(path, 'utf8')) as State & { checksum?: string }
  delete state.checksum
  for (const [id, slice] of Object.entries(state.slices)) {
    if (slice.status !== 'exported') continue
    const range = slice.sent.batches.at(-1)
    if (range === undefined) continue
    const { last } = range
    if (range.first === last) slice.sent.batches.pop()
    else range.last -= 1
    await writeFile(path, JSON.stringify(state))
    return `${id}#${last}`
  }
  throw new Error('no slice is half sent')
}

describe('a run that is interrupted at random moments', () => {
  it.each([
    ['SIGINT', 'staged'],
    ['SIGTERM', 'staged'],
    ['SIGINT', 'direct'],
    ['SIGTERM', 'direct'],
  ] as const)('by %s, saves its state, says so, and goes on (transfer: %s)', async (name, transfer) => {
    const random = seededRandom(SEED + 100)
    const opened = await open('api', transfer)
    const { migration, sandbox } = opened
    const acknowledged = new Acknowledged(bodies)
    const phases = {
      staged: ['export', 'create', 'write', 'write'],
      direct: ['create', 'write', 'write', 'write'],
    }
    let underWay = 0
    for (const phase of phases[transfer] as Phase[]) {
      const run = migration.start()
      await momentOf(run, phase, opened, random)
      const { exitCode, signal, stderr } = await run.end(name)
      if (phase === 'write') underWay += CONCURRENCY
      // It was done before the signal came, or while Node was taking its handlers down.
      if (run.events.at(-1)?.type === 'run-ended' && exitCode !== 130) {
        expect(run.events.at(-1)).toMatchObject({ type: 'run-ended', exitCode: 3 })
        break
      }
      expect({ exitCode, signal }, stderr).toEqual({ exitCode: 130, signal: null })
      expect(stderr).toContain(`interrupted (${name}); the state is saved`)
      expect(run.events.at(-1)).toMatchObject({ type: 'run-ended', outcome: 'interrupted', exitCode: 130 })
      const state = await migration.state()
      expect(state?.runs.at(-1)).toMatchObject({ outcome: 'interrupted' })
      const { bodies: counts } = sandbox.stats()
      const before = acknowledged.size
      acknowledged.hold(state, counts)
      expect(acknowledged.violations(counts)).toEqual([])
      expect(acknowledged.size).toBeGreaterThanOrEqual(before)
      // Nothing but what was under way, each time, is unknown to the state.
      const sent = Object.keys(counts).length
      expect(sent - acknowledged.size).toBeLessThanOrEqual(underWay)
    }
    expect(await migration.start().ended).toMatchObject({ exitCode: 3, stderr: '' })
    expect(acknowledged.violations(sandbox.stats().bodies)).toEqual([])
    await expectDone(opened)
  })

  it('ends at once when it is asked twice', async () => {
    const { migration } = await open('api', 'staged')
    // An influxctl that takes its time, whatever it is asked.
    const pidFile = join(migration.folder, 'pid')
    const deaf = `require('fs').writeFileSync(process.argv[1], String(process.pid)); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`
    const manifest = await readFile(migration.manifest, 'utf8')
    const admin = `admin: { kind: influxctl, command: ${JSON.stringify([process.execPath, '-e', deaf, pidFile])}, token: '\${MANAGEMENT_TOKEN}' }`
    await writeFile(
      migration.manifest,
      manifest.replace(/admin: .*/, () => admin),
    )
    const run = migration.start('--only', 'create')
    const pid = await pidOf(run, pidFile)
    onTestFinished(() => void killIfThere(pid))
    run.child.kill('SIGINT')
    await run.runFor(500)
    expect(run.child.exitCode).toBeNull()
    const asked = performance.now()
    expect(await run.end('SIGINT')).toMatchObject({ exitCode: 130, signal: null })
    expect(performance.now() - asked).toBeLessThan(4000)
    expect(await migration.state()).toBeDefined()
    // Its lock is nobody's, and its profile is gone with it.
    killIfThere(pid)
    await writeFile(migration.manifest, manifest)
    expect(await migration.start('--only', 'create').ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await migration.leftovers()).toEqual(['pid'])
  })
})

async function pidOf(run: FerryProcess, file: string): Promise<number> {
  while (run.child.exitCode === null) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return Number(text)
    await sleep(20)
  }
  throw new Error((await run.ended).stderr)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
