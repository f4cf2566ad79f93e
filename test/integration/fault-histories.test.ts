/** Runs that are hurt in every way at once, seeded: after the last rerun everything is there, verified, and the sums close. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectSameContents } from '../rig/crash-rig.ts'
import { FaultHistory, KINDS, type Kind } from '../rig/fault-history.ts'
import { makeFaultSource } from '../rig/fault-source.ts'
import { expectSumsToClose } from '../rig/sums.ts'

const SEED = Number(process.env['SEED'] ?? 1)
const HISTORIES = Number(process.env['HISTORIES'] ?? 300)
const AT_ONCE = 3

let folder: string
let source: string
let expected: Map<string, string[]>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'influx-ferry-fault-source-'))
  source = await makeFaultSource(folder)
  const history = await FaultHistory.begin(0, source)
  try {
    expect((await history.finish()).ended).toMatchObject({ exitCode: 0, stderr: '' })
    expected = await history.contents()
    expect([...expected.values()].every((points) => points.length > 1000)).toBe(true)
  } finally {
    await history.remove()
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function live(seed: number, counts: Map<Kind, number>): Promise<number> {
  const history = await FaultHistory.begin(seed, source)
  try {
    await history.hurt()
    const { ended, state } = await history.finish()
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
    expectSumsToClose(state)
    expectSameContents(await history.contents(), expected)
    for (const kind of history.kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return state.totals.points
  } catch (error) {
    throw new Error(`history ${seed} (SEED=${seed} HISTORIES=1): ${history.story.join('; ')}`, {
      cause: error,
    })
  } finally {
    await history.remove()
  }
}

test(
  `histories of faults, SEED=${SEED} HISTORIES=${HISTORIES}`,
  async () => {
    const seeds = Array.from({ length: HISTORIES }, (_, i) => SEED + i).values()
    const counts = new Map<Kind, number>()
    let points = 0
    const worker = async () => {
      for (const seed of seeds) points += await live(seed, counts)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    const byKind = KINDS.map((kind) => `${kind} ${counts.get(kind) ?? 0}`).join(', ')
    process.stdout.write(
      `${HISTORIES} histories: ${byKind}; ${points.toLocaleString('en-US')} points moved, none lost\n`,
    )
    if (HISTORIES >= 100) for (const kind of KINDS) expect(counts.get(kind), kind).toBeGreaterThan(5)
  },
  HISTORIES * 20_000 + 60_000,
)
