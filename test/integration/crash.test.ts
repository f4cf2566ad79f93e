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
} from '../rig/crash-rig.ts'
import { makeCrashSource, type CrashSource } from '../rig/crash-source.ts'
import type { FerryProcess } from '../rig/ferry-process.ts'
import type { OpenSandbox } from '../rig/open-sandbox.ts'
import { expectSumsToClose } from '../rig/sums.ts'

/** Set it to see the same moments again, as far as the machine keeps the same time. */
const SEED = Number(process.env['INFLUX_FERRY_CRASH_SEED'] ?? Date.now() % 1_000_000)

const HISTORIES = 6
const KILLS = 50
/** What each history is killed in, in this order. */
const KILLED_IN: Phase[] = [
  'export',
  'export',
  'export',
  'create',
  'token',
  'write',
  'write',
  'write',
  'write',
]
const CONCURRENCY = 3

let folder: string
let source: CrashSource
let sourceFiles: string[]
let bodies: Bodies
/** What a run that was never killed leaves. */
let expected: { contents: Map<string, string[]>; letters: string[]; totals: unknown }
/** Milliseconds that a phase took last; those of `export` are a slice's, those of `write` a batch's. */
const durations: Record<AdminKind, Map<Phase, number>> = {
  api: new Map(),
  influxctl: new Map([
    ['create', 2000],
    ['token', 1000],
  ]),
}
const kills = new Map<Phase, number>()

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
    learnFrom(exporting, 'api')
    learnFrom(writing, 'api')
  } finally {
    await sandbox.close()
    await migration.remove()
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** How long the phases took that ended. */
function learnFrom({ events }: FerryProcess, admin: AdminKind): void {
  const started = new Map<Phase, number>()
  const steps = { export: bodies.size, write: batchCount() }
  for (const event of events) {
    const time = Date.parse(('time' in event && event.time) || '')
    if (event.type === 'phase-started') started.set(event.phase, time)
    if (event.type !== 'phase-done') continue
    const { phase } = event
    const took = time - (started.get(phase) ?? time)
    durations[admin].set(phase, took / (phase === 'export' || phase === 'write' ? steps[phase] : 1))
  }
}

const batchCount = () => [...bodies.values()].flat().length

interface Opened {
  migration: CrashMigration
  sandbox: OpenSandbox
  admin: AdminKind
}

async function open(admin: AdminKind): Promise<Opened> {
  const sandbox = await openSlowSandbox()
  const migration = await CrashMigration.create(source, sandbox, admin)
  onTestFinished(async () => {
    await sandbox.close()
    await migration.remove()
  })
  return { migration, sandbox, admin }
}

/**
 * Waits for a random moment of `phase`, each as likely as any other: after some of the slices or batches that are
 * left, and a part of the time that the next one takes; at most for the end. A phase with nothing left to do passes
 * its moment on to a later one.
 */
async function momentOf(
  run: FerryProcess,
  phase: Phase,
  { migration, sandbox, admin }: Opened,
  random: () => number,
): Promise<void> {
  const state = await migration.state()
  const [steps, part] = [random(), random()]
  let there = phase
  const begun = await run.sees((event) => {
    if (event.type !== 'phase-started' && event.type !== 'phase-skipped') return false
    if (KILLED_IN.indexOf(event.phase) < KILLED_IN.indexOf(phase)) return false
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
  await run.runFor(part * (durations[admin].get(there) ?? durations.api.get(there) ?? 0))
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

describe('a run that is killed at random moments, again and again', () => {
  async function history(number: number): Promise<void> {
    const random = seededRandom(SEED + number)
    const admin = number % 3 === 0 ? 'influxctl' : 'api'
    const opened = await open(admin)
    const { migration, sandbox } = opened
    const acknowledged = new Acknowledged(bodies)
    const story: string[] = []
    for (const phase of KILLED_IN) {
      const run = migration.start()
      await momentOf(run, phase, opened, random)
      const { signal, exitCode, stderr } = await run.end('SIGKILL')
      learnFrom(run, admin)
      if (signal !== 'SIGKILL') {
        expect(exitCode, stderr).toBe(3)
        break
      }
      expect(stderr).toBe('')
      const hit = run.phase ?? 'validate'
      kills.set(hit, (kills.get(hit) ?? 0) + 1)
      const { bodies: counts } = sandbox.stats()
      acknowledged.hold(await migration.state(), counts)
      expect(acknowledged.violations(counts)).toEqual([])
      story.push(`${hit} (${acknowledged.size} batches)`)
    }
    say(`history ${number}, ${admin}: killed in ${story.join(', ')}`)
    expect(await migration.start().ended).toMatchObject({ exitCode: 3, stderr: '' })
    expect(acknowledged.violations(sandbox.stats().bodies)).toEqual([])
    await expectDone(opened)
  }

  it.each(Array.from({ length: HISTORIES }, (_, i) => [i + 1]))(
    'ends as if it never had been: history %i',
    history,
  )

  it('was killed often enough, in every phase', async () => {
    const sum = () => [...kills.values()].reduce((total, count) => total + count, 0)
    for (let number = HISTORIES + 1; sum() < KILLS && number < HISTORIES + 6; number += 1)
      await history(number)
    expect(sum()).toBeGreaterThanOrEqual(KILLS)
    for (const phase of new Set(KILLED_IN)) expect(kills.get(phase), phase).toBeGreaterThanOrEqual(2)
  })

  it('would be found out if it sent what the state held', async () => {
    const { migration, sandbox } = await open('api')
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
  it.each(['SIGINT', 'SIGTERM'] as const)('by %s, saves its state, says so, and goes on', async (name) => {
    const random = seededRandom(SEED + 100)
    const opened = await open('api')
    const { migration, sandbox } = opened
    const acknowledged = new Acknowledged(bodies)
    for (const phase of ['export', 'create', 'write', 'write'] as const) {
      const run = migration.start()
      await momentOf(run, phase, opened, random)
      const { exitCode, signal, stderr } = await run.end(name)
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
      // Nothing but what was under way is unknown to the state.
      const sent = Object.keys(counts).length
      expect(sent - acknowledged.size).toBeLessThanOrEqual(CONCURRENCY)
    }
    expect(await migration.start().ended).toMatchObject({ exitCode: 3, stderr: '' })
    expect(acknowledged.violations(sandbox.stats().bodies)).toEqual([])
    await expectDone(opened)
  })

  it('ends at once when it is asked twice', async () => {
    const { migration } = await open('api')
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
