import { Command, Option } from 'commander'
import { ExitCode, Failure } from '../../core/failure.ts'
import { systemClock } from '../../io/clock.ts'
import { readManifestFile } from '../../manifest/read.ts'
import { expectSamePlan, planFileOf } from '../../plan/plan-file.ts'
import type { Migration } from '../../manifest/migration.ts'
import { PHASES, type Observer, type Phase } from '../../run/events.ts'
import { runMigration } from '../../run/run.ts'
import { acquireLock } from '../../state/lock.ts'
import { initialState } from '../../state/state.ts'
import { StateFile } from '../../state/state-file.ts'
import type { Watch } from '../../watch/server.ts'
import { interruptSignal } from '../interrupt.ts'
import { jsonEvents } from '../json-events.ts'
import {
  collect,
  envOption,
  jsonOption,
  manifestArgument,
  stateOption,
  waysToDoItAgain,
  type ManifestOptions,
} from '../options.ts'
import { plainLog } from '../plain-log.ts'
import { prepare, slicesOf, statePathOf } from '../prepare.ts'
import { showOutcome } from '../show-outcome.ts'

interface RunOptions extends ManifestOptions {
  json?: boolean
  plan?: string
  only?: Phase[]
  mapping?: string[]
  update?: boolean
  listen?: string
  /** What to do after a run that is done, where it is not what a user would do. */
  next?: string
}

export function runCommand(): Command {
  return new Command('run')
    .description('do what is left of the migration: export, create databases and tokens, write, verify')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--plan <file>', 'do exactly this plan (plan --out), or refuse')
    .addOption(new Option('--only <phases>', `comma-separated: ${PHASES.join(', ')}`).argParser(parsePhases))
    .option('--mapping <id>', 'only this mapping, as "plan --json" names it (repeatable)', collect)
    .option('--update', 'change existing databases to what the manifest asks for')
    .option(
      '--listen <address>',
      'meanwhile show metrics for Prometheus (/metrics) and a live report (/) at host:port',
    )
    .addOption(jsonOption('write what happens as one JSON object a line (schemas/event.schema.json)'))
    .action((file: string, options: RunOptions) => run(file, options, interruptSignal()))
}

/** Runs a manifest with the display that fits the place, and leaves the exit code in the process. */
export async function run(file: string, options: RunOptions, signal: AbortSignal): Promise<void> {
  // Before a lock is put beside it.
  await readManifestFile(file)
  const watch = await openWatchAt(options.listen)
  try {
    await runWatched(file, options, signal, watch)
  } finally {
    await watch?.close()
  }
}

async function runWatched(
  file: string,
  options: RunOptions,
  signal: AbortSignal,
  watch: Watch | undefined,
): Promise<void> {
  const lock = await acquireLock(statePathOf(file, options))
  try {
    const { migration, plan, state, statePath } = await prepare(file, options, signal, false)
    if (options.plan !== undefined)
      await expectSamePlan(options.plan, planFileOf(migration.name, plan, state))
    expectSomethingToExport(file, migration, options.only)
    const slices = slicesOf(plan, options.mapping)
    const stateFile = new StateFile(statePath, state ?? initialState(migration.name, migration.hash))
    const { observe, finished } = await display(options)
    const reproduce = waysToDoItAgain(file, options)
    const watched = watch?.follow({ migration, slices: plan.slices, state: stateFile, reproduce })
    const result = await runMigration({
      migration,
      plan,
      slices,
      state: stateFile,
      phases: new Set(options.only === undefined ? PHASES : ['validate', ...options.only]),
      update: options.update === true,
      verifyAgain: options.only?.includes('verify') === true,
      clock: systemClock,
      signal,
      observe(event) {
        observe(event)
        watched?.(event)
      },
    })
    await finished()
    if (options.json !== true) {
      process.stdout.write(
        showOutcome({ file, options, migration, plan, slices, state: stateFile.state, result }),
      )
    }
    process.exitCode = result.exitCode
    if (result.failure !== undefined) throw result.failure
  } finally {
    await lock.release()
  }
}

/** Before anything is done: a port that is in use is a mistake of the command line. */
async function openWatchAt(listen: string | undefined): Promise<Watch | undefined> {
  if (listen === undefined) return undefined
  const { isLoopback, parseListenAddress } = await import('../../watch/listen-address.ts')
  const address = parseListenAddress(listen)
  // Its library is not loaded for runs that nobody watches.
  const { openWatch } = await import('../../watch/server.ts')
  const watch = await openWatch(address)
  process.stderr.write(`watch: ${watch.url}/ and ${watch.url}/metrics\n`)
  if (!isLoopback(address))
    process.stderr.write(
      `warning: other machines may reach ${watch.url}, and no password is asked for: it shows names and refused lines\n`,
    )
  return watch
}

function parsePhases(text: string): Phase[] {
  const phases = text.split(',').map((phase) => phase.trim())
  const unknown = phases.find((phase) => !PHASES.includes(phase as Phase))
  if (unknown === undefined) return phases as Phase[]
  throw new Failure('options/only', `--only: there is no phase "${unknown}"`, {
    remedy: `Phases are ${PHASES.join(', ')}.`,
    exit: ExitCode.manifest,
  })
}

/** `--only export` would do nothing, and look as if it had. */
function expectSomethingToExport(file: string, { transfer }: Migration, only: Phase[] | undefined): void {
  if (transfer !== 'direct' || !only?.includes('export') || only.includes('write')) return
  throw new Failure('options/only', '--only export: with "transfer: direct" nothing is exported ahead', {
    where: file,
    remedy:
      'Slices are written as they are read, in the write phase. For a spool to look at, say "transfer: staged".',
    exit: ExitCode.manifest,
  })
}

/** JSON lines when asked for, a task list on a terminal, a plain log elsewhere. */
async function display(options: RunOptions): Promise<{ observe: Observer; finished: () => Promise<void> }> {
  if (options.json === true) return { observe: jsonEvents(process.stdout), finished: () => Promise.resolve() }
  if (process.stdout.isTTY && process.env['CI'] === undefined) return (await import('../tasks.ts')).taskList()
  return { observe: plainLog(process.stdout), finished: () => Promise.resolve() }
}
