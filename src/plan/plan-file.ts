/** `plan --out` and `run --plan`: a plan that was looked at, and is done exactly as it was. */
import { readFile } from 'node:fs/promises'
import { hashOf } from '../core/canonical-json.ts'
import { ExitCode, Failure, reasonOf } from '../core/failure.ts'
import { formatDuration } from '../core/units.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { State } from '../state/state.generated.ts'
import type { PlanFile } from './plan-file.generated.ts'
import type { Plan } from './plan.ts'
import { fingerprintOf, showSlice } from './slices.ts'

/** The plan in the form of `schemas/plan.schema.json`. */
export function planFileOf(name: string, plan: Plan, state: State | undefined): PlanFile {
  const content = {
    format: 1 as const,
    name,
    manifestHash: plan.manifestHash,
    databases: plan.databases.map(({ name, retentionPeriod, maxTables, maxColumns }) => ({
      name,
      retentionPeriod: formatDuration(retentionPeriod),
      ...(maxTables !== undefined && { maxTables }),
      ...(maxColumns !== undefined && { maxColumns }),
    })),
    slices: plan.slices.map((slice) => ({
      id: slice.id,
      target: slice.mapping.target,
      status: state?.slices[slice.id]?.status ?? ('pending' as const),
      fingerprint: fingerprintOf(slice),
      bytes: slice.files.reduce((sum, { bytes }) => sum + bytes, 0),
    })),
  }
  return { ...content, checksum: hashOf(content) }
}

export async function writePlanFile(path: string, plan: PlanFile): Promise<void> {
  try {
    await writeFileAtomically(path, `${JSON.stringify(plan, null, 1)}\n`)
  } catch (error) {
    throw new Failure('plan/unwritable', `cannot write the plan: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Name a place that you may write to.',
      cause: error,
    })
  }
}

/**
 * Compares a saved plan with the one made now.
 *
 * @throws Failure `plan/unreadable`, `plan/damaged`, `plan/outdated` naming what differs
 */
export async function expectSamePlan(path: string, now: PlanFile): Promise<void> {
  const { checksum, ...saved } = await readPlanFile(path)
  if (checksum !== hashOf(saved)) {
    throw new Failure('plan/damaged', 'the plan file was changed or cut off: its checksum differs', {
      where: path,
      ...MAKE_ANEW,
    })
  }
  const difference = firstDifference(saved, now)
  if (difference !== undefined) {
    throw new Failure('plan/outdated', `the plan no longer fits: ${difference}`, {
      where: path,
      ...MAKE_ANEW,
    })
  }
}

const MAKE_ANEW = {
  remedy: 'Make it anew (influx-ferry plan --out) and look at it again.',
  exit: ExitCode.manifest,
}

async function readPlanFile(path: string): Promise<PlanFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new Failure('plan/unreadable', `cannot read the plan: ${reasonOf(error)}`, {
      where: path,
      ...MAKE_ANEW,
    })
  }
  try {
    const content = JSON.parse(text) as PlanFile
    if (content.format === 1 && Array.isArray(content.slices) && Array.isArray(content.databases))
      return content
  } catch {
    // Falls through to the one message for every kind of damage.
  }
  throw new Failure('plan/damaged', 'this is not a plan file, or it is damaged', {
    where: path,
    ...MAKE_ANEW,
  })
}

function firstDifference(saved: Omit<PlanFile, 'checksum'>, now: PlanFile): string | undefined {
  if (saved.name !== now.name) return `it is for the migration "${saved.name}", not "${now.name}"`
  if (saved.manifestHash !== now.manifestHash) return 'the manifest asks for something else now'
  const before = new Map(saved.slices.map((slice) => [slice.id, slice]))
  for (const slice of now.slices) {
    const planned = before.get(slice.id)
    if (planned === undefined) return `there is a slice it does not have: ${showSlice(slice.id)}`
    if (planned.fingerprint !== slice.fingerprint) return `the source files changed (${showSlice(slice.id)})`
    before.delete(slice.id)
  }
  const [gone] = before.keys()
  return gone === undefined ? undefined : `a slice is gone: ${showSlice(gone)}`
}
