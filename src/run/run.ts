/** A whole run: the phases in their order, each told about, the state saved whatever happens. */
import { ExitCode, Failure, messageOf } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import { version } from '../core/version.ts'
import { openAdmin } from '../cluster/admin.ts'
import type { ClusterAdmin } from '../cluster/cluster.ts'
import { noteOtherTransforms } from './changed-transforms.ts'
import { createPhase, expectNoAdminNeeded, setFinalRetention } from './create.ts'
import {
  slicesToExport,
  slicesToSend,
  slicesToWrite,
  stateOf,
  targetsOf,
  type RunContext,
} from './context.ts'
import type { ClusterFacts } from '../preflight/cluster-facts.ts'
import type { Lock } from '../state/lock.ts'
import { totalsOf, type Totals } from '../state/totals.ts'
import type { Phase } from './events.ts'
import { exportPhase } from './export.ts'
import { expectExpressible } from './inexpressible.ts'
import { expectLettersClose } from './letters-close.ts'
import { withHistory } from './history.ts'
import { tidyUp } from './tidy-up.ts'
import { preflightOfColumns } from './preflight.ts'
import { Tokens } from './token.ts'
import { TsmReading } from './tsm-reading.ts'
import { validatePhase } from './validate.ts'
import { slicesThatDiffer, slicesToVerify, verifyPhase } from './verify.ts'
import { lockWorkFolder } from './work-folder.ts'
import { writePhase } from './write.ts'

export type Outcome = 'done' | 'refused' | 'differs' | 'incomplete' | 'failed' | 'interrupted'

export interface RunResult {
  outcome: Outcome
  exitCode: ExitCode
  totals: Totals
  failure: Failure | undefined
}

/**
 * Does what is left of the plan. Every expected failure is in the result; only a defect is thrown, and even then the
 * state is saved first.
 */
export async function runMigration(given: RunContext): Promise<RunResult> {
  const context = withHistory(given)
  if (isFinished(context)) {
    const open = await tidyUpAfterwards(context)
    noteOtherTransforms(context)
    context.observe({
      type: 'note',
      message: `Nothing to do: everything the manifest asks for was moved${compared(context)}.`,
    })
    return end(context, open)
  }
  const { state, migration, clock, observe } = context
  state.apply({
    type: 'run-started',
    at: new Date(clock.now()).toISOString(),
    version,
    manifestHash: migration.hash,
    environment: migration.environment,
    slices: context.plan.slices.length,
  })
  await state.save()
  observe({
    type: 'run-started',
    name: migration.name,
    manifest: migration.file,
    ...(migration.environment !== undefined && { environment: migration.environment }),
    slices: context.slices.length,
  })
  let failure: Failure | undefined
  try {
    await runPhases(context)
  } catch (error) {
    if (!(error instanceof Failure)) {
      await state.save()
      throw error
    }
    failure = error
  }
  const result = end(context, failure)
  state.apply({ type: 'run-ended', at: new Date(clock.now()).toISOString(), outcome: result.outcome })
  await state.save()
  return result
}

function compared(context: RunContext): string {
  const differing = slicesThatDiffer(context).length
  return differing === 0 ? '' : `, and ${countOf(differing, 'slice')} did not compare equal`
}

/** The last run may have been killed after its last save. @returns what is wrong with the dead letters by now */
async function tidyUpAfterwards(context: RunContext): Promise<Failure | undefined> {
  // Takes over a lock that it left, too.
  const lock = await lockWorkFolder(context.migration).catch((error: unknown) => {
    if (error instanceof Failure) return undefined // another migration is at work there
    throw error
  })
  if (lock === undefined) return undefined
  try {
    await tidyUp(context)
    await expectLettersClose(context)
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  } finally {
    await lock.release()
  }
}

const WRITING: readonly Phase[] = ['create', 'token', 'write']

async function runPhases(given: RunContext): Promise<void> {
  const reading = new TsmReading(given)
  const context = { ...given, reading }
  const connection = new Connection(context)
  let lock: Lock | undefined
  let cluster: ClusterFacts | undefined
  try {
    await phase(context, 'validate', async () => {
      lock = await lockWorkFolder(context.migration)
      const validated = await validatePhase(context, () => connection.admin())
      cluster = validated.cluster
      return validated.summary
    })
    await phase(context, 'export', () => exportPhase(context), nothingToExport(context))
    if (WRITING.some((name) => context.phases.has(name))) await expectExpressible(context)
    await phase(context, 'create', async () => {
      const admin = await connection.admin()
      if (admin !== undefined) return createPhase(context, admin)
      expectNoAdminNeeded(context)
      return 'left to you (admin.kind: none)'
    })
    const tokens = new Tokens(context)
    const nothingToWrite =
      slicesToWrite(context).length + slicesToSend(context).length === 0 &&
      (allWritten(context) ? 'everything is written' : 'nothing to write')
    try {
      await phase(
        context,
        'token',
        async () => tokens.obtain(await connection.admin()),
        nothingToVerify(context) !== false && nothingToWrite,
      )
      await phase(
        context,
        'write',
        async () => {
          if (tokens.isEmpty) await tokens.obtain(undefined)
          await preflightOfColumns(context, cluster, (database) => tokens.readerOf(database))
          return writePhase(context, (database) => tokens.clientFor(database))
        },
        nothingToWrite,
      )
      // What is missing there would be looked for in the cluster.
      await expectLettersClose(context)
      await phase(
        context,
        'verify',
        async () => {
          if (tokens.isEmpty) await tokens.obtain(undefined)
          const admin = await connection.admin()
          return verifyPhase(context, { admin, readerOf: (database) => tokens.readerOf(database) })
        },
        nothingToVerify(context),
      )
    } finally {
      tokens.close()
    }
    if (context.phases.has('write')) await finishRetention(context, connection)
  } finally {
    await reading.close()
    await connection.close()
    await lock?.release()
  }
}

function nothingToVerify(context: RunContext): string | false {
  if (context.migration.verify.level === 'none') return 'not compared (verify: { level: none })'
  if (slicesToVerify(context).length > 0) return false
  return context.slices.some((slice) => stateOf(context, slice)?.status === 'written')
    ? 'everything that is written is compared'
    : 'nothing is written'
}

function nothingToExport(context: RunContext): string | false {
  if (slicesToExport(context).length > 0) return false
  return context.migration.transfer === 'direct'
    ? 'slices are written as they are read (transfer: direct)'
    : 'everything is exported'
}

async function finishRetention(context: RunContext, connection: Connection): Promise<void> {
  const targets = targetsOf(context)
  const loading = Object.entries(context.state.state.databases).some(
    ([name, { retention }]) => targets.has(name) && retention === 'loading',
  )
  const admin = loading ? await connection.admin() : undefined
  const set = admin === undefined ? [] : await setFinalRetention(context, admin)
  if (set.length > 0) context.observe({ type: 'note', message: `Retention set: ${set.join(', ')}.` })
}

/** Runs one phase, or says why not: not asked for (`--only`), or nothing to do. */
async function phase(
  context: RunContext,
  name: Phase,
  work: () => Promise<string>,
  nothing: string | false = false,
): Promise<void> {
  const { observe, clock } = context
  context.signal.throwIfAborted()
  if (!context.phases.has(name))
    return observe({ type: 'phase-skipped', phase: name, summary: 'not asked for (--only)' })
  if (nothing !== false) return observe({ type: 'phase-skipped', phase: name, summary: nothing })
  observe({ type: 'phase-started', phase: name })
  const started = clock.now()
  // A clock that was set back must not make a time negative.
  const seconds = () => Math.max(0, (clock.now() - started) / 1000)
  try {
    const summary = await work()
    observe({ type: 'phase-done', phase: name, summary, seconds: seconds() })
  } catch (error) {
    const code = error instanceof Failure ? error.code : 'defect'
    observe({ type: 'phase-failed', phase: name, code, message: messageOf(error), seconds: seconds() })
    throw error
  }
}

/** The admin connection, opened when it is first needed. */
class Connection {
  readonly #context: RunContext
  #admin: Promise<ClusterAdmin | undefined> | undefined

  constructor(context: RunContext) {
    this.#context = context
  }

  admin(): Promise<ClusterAdmin | undefined> {
    return (this.#admin ??= openAdmin(this.#context.migration.target, this.#context.signal))
  }

  async close(): Promise<void> {
    const admin = await this.#admin?.catch(() => undefined)
    await admin?.close()
  }
}

function allWritten({ slices, state }: RunContext): boolean {
  return slices.every(({ id }) => state.state.slices[id]?.status === 'written')
}

function isFinished(context: RunContext): boolean {
  const { databases } = context.state.state
  const targets = targetsOf(context)
  const isCompared = slicesToVerify(context).length === 0
  return (
    allWritten(context) &&
    isCompared &&
    [...targets].every((name) => databases[name]?.retention !== 'loading')
  )
}

function end(context: RunContext, failure: Failure | undefined): RunResult {
  const totals = totalsOf(context.slices, context.state.state)
  const [outcome, exitCode] = outcomeOf(context, totals, failure)
  context.observe({ type: 'run-ended', outcome, exitCode, totals })
  return { outcome, exitCode, totals, failure }
}

function outcomeOf(context: RunContext, totals: Totals, failure: Failure | undefined): [Outcome, ExitCode] {
  if (failure !== undefined)
    return [failure.exit === ExitCode.interrupted ? 'interrupted' : 'failed', failure.exit]
  if (totals.slices.failed > 0) return ['failed', ExitCode.failed]
  if (totals.slices.written < context.slices.length) return ['incomplete', ExitCode.done]
  if (slicesThatDiffer(context).length > 0) return ['differs', ExitCode.refusedOrDiffers]
  const complete = totals.refusedPoints === 0 && totals.skipped === 0
  return complete ? ['done', ExitCode.done] : ['refused', ExitCode.refusedOrDiffers]
}
