import { Command } from 'commander'
import { ExitCode, Failure } from '../../core/failure.ts'
import { countOf } from '../../core/units.ts'
import { readManifestFile } from '../../manifest/read.ts'
import type { Slice } from '../../plan/plan.ts'
import { showSlice } from '../../plan/slices.ts'
import { acquireLock } from '../../state/lock.ts'
import { StateFile } from '../../state/state-file.ts'
import type { State } from '../../state/state.generated.ts'
import { interruptSignal } from '../interrupt.ts'
import {
  collect,
  commandLine,
  envOption,
  jsonOption,
  manifestArgument,
  stateOption,
  type ManifestOptions,
} from '../options.ts'
import { prepare, statePathOf } from '../prepare.ts'
import { run } from './run.ts'

interface RerunOptions extends ManifestOptions {
  differing?: boolean
  slice?: string[]
  json?: boolean
}

export function rerunCommand(): Command {
  return new Command('rerun')
    .description('move slices again that were written, then do what "run" does')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--differing', 'those in which source and cluster were not equal')
    .option('--slice <id>', 'this one, as "status --json" names it (repeatable)', collect)
    .addOption(jsonOption('write what happens as one JSON object a line (schemas/event.schema.json)'))
    .action(async (file: string, options: RerunOptions) => {
      const signal = interruptSignal()
      await readManifestFile(file)
      const lock = await acquireLock(statePathOf(file, options))
      try {
        await mark(file, options, signal)
      } finally {
        await lock.release()
      }
      await run(file, options, signal)
    })
}

/** Puts down in the state that slices are to be moved again. */
async function mark(file: string, options: RerunOptions, signal: AbortSignal): Promise<void> {
  const { plan, state, statePath } = await prepare(file, options, signal, false)
  const slices = asked(plan.slices, state, options, commandLine('verify', file, options))
  const gone = slices.find(({ files }) => files.length === 0)
  if (gone !== undefined)
    throw new Failure('rerun/source-gone', 'the source no longer holds a slice that is to be moved again', {
      where: showSlice(gone.id),
      remedy: 'Restore its shard from a backup, or name the other slices with --slice.',
    })
  const stateFile = new StateFile(statePath, state as State)
  for (const { id } of slices) stateFile.apply({ type: 'slice-again', slice: id })
  await stateFile.save()
  process.stderr.write(
    `${countOf(slices.length, 'slice')} to be moved again. What is missing or has another value is put right;\n` +
      'points that are only in the cluster stay there: it has no way to delete them.\n\n',
  )
}

function asked(
  planned: readonly Slice[],
  state: State | undefined,
  { differing, slice: ids = [] }: RerunOptions,
  verify: string,
): Slice[] {
  const refuse = (message: string, remedy: string) =>
    new Failure('rerun/slices', message, { remedy, exit: ExitCode.manifest })
  if (differing !== true && ids.length === 0)
    throw refuse(
      'nothing says which slices are to be moved again',
      'Say --differing, or --slice with its id.',
    )
  const written = planned.filter(({ id }) => state?.slices[id]?.status === 'written')
  const unknown = ids.find((id) => written.every((slice) => slice.id !== id))
  if (unknown !== undefined)
    throw refuse(`--slice: no written slice is called "${unknown}"`, 'Ids are in "status --json".')
  const slices = written.filter(({ id }) => {
    const one = state?.slices[id]
    const differs = one?.status === 'written' && one.verified?.outcome === 'differs'
    return ids.includes(id) || (differing === true && differs)
  })
  if (slices.length === 0)
    throw refuse('no slice is known to differ from its source', `To compare them now: ${verify}`)
  return slices
}
