import { Command } from 'commander'
import { ExitCode, Failure } from '../../core/failure.ts'
import { countOf, formatCount } from '../../core/units.ts'
import { systemClock } from '../../io/clock.ts'
import { readManifestFile } from '../../manifest/read.ts'
import { table } from '../../report/table.ts'
import { reasonsIn, showReasons } from '../../run/refusal-reasons.ts'
import { retryDeadLetters, type RetryResult } from '../../run/retry.ts'
import type { RunContext } from '../../run/context.ts'
import { deadLetterPath } from '../../run/work-folder.ts'
import { acquireLock } from '../../state/lock.ts'
import { StateFile } from '../../state/state-file.ts'
import { interruptSignal } from '../interrupt.ts'
import {
  collect,
  commandLine,
  envOption,
  manifestArgument,
  stateOption,
  type ManifestOptions,
} from '../options.ts'
import { plainLog } from '../plain-log.ts'
import { prepare, slicesOf, statePathOf } from '../prepare.ts'

interface RetryOptions extends ManifestOptions {
  mapping?: string[]
}

export function retryCommand(): Command {
  return new Command('retry')
    .description('send again what was refused, after the manifest or the cluster was changed')
    .addArgument(manifestArgument())
    .requiredOption('--dead-letter', 'what is in the dead letters')
    .option('--mapping <id>', 'only this mapping, as "plan --json" names it (repeatable)', collect)
    .addOption(envOption())
    .addOption(stateOption())
    .action((file: string, options: RetryOptions) => retry(file, options, interruptSignal()))
}

async function retry(file: string, options: RetryOptions, signal: AbortSignal): Promise<void> {
  await readManifestFile(file)
  const lock = await acquireLock(statePathOf(file, options))
  try {
    const { migration, plan, state, statePath } = await prepare(file, options, signal, false)
    if (state === undefined)
      throw new Failure('state/none', 'nothing was done yet: there is no state file', {
        where: statePath,
        remedy: `Begin with: ${commandLine('run', file, options)}`,
        exit: ExitCode.manifest,
      })
    const context: RunContext = {
      ...{ migration, plan, slices: slicesOf(plan, options.mapping), signal },
      state: new StateFile(statePath, state),
      phases: new Set(),
      update: false,
      verifyAgain: false,
      clock: systemClock,
      observe: plainLog(process.stdout),
    }
    const result = await retryDeadLetters(context)
    process.stdout.write(await showRetry(context, result, commandLine('run', file, options)))
    process.exitCode = result.exitCode
  } finally {
    await lock.release()
  }
}

async function showRetry({ migration }: RunContext, { mappings }: RetryResult, run: string): Promise<string> {
  if (mappings.length === 0) return `${migration.name}: no dead letter is left\n`
  const rows = mappings.map(({ mapping, retried: { letters, rows, refused, left } }) => [
    mapping.id,
    ...[letters, rows, refused, sumOf(left)].map(formatCount),
  ])
  const parts = [
    table(['MAPPING', 'LETTERS', 'ROWS SENT', 'REFUSED AGAIN', 'LEFT'], rows, [1, 2, 3, 4]),
    ...(await refusedAgain(migration, mappings)),
    ...whyLeft(mappings),
  ]
  const isLeft = mappings.some(({ retried: { refused, left } }) => refused + left.size > 0)
  const headline = isLeft ? 'some is left in the dead letter' : 'no dead letter is left'
  const compares = migration.verify.level !== 'none' && mappings.some(({ retried }) => retried.rows > 0)
  const next = compares ? `\nNext: ${run}   compares what is there now with the source\n` : ''
  return `\n${migration.name}: ${headline}\n\n${parts.join('\n')}\n${next}`
}

async function refusedAgain(
  migration: RunContext['migration'],
  mappings: RetryResult['mappings'],
): Promise<string[]> {
  const refused = mappings.filter(({ retried }) => retried.refused > 0)
  if (refused.length === 0) return []
  const paths = refused.map(({ mapping }) => deadLetterPath(migration, mapping))
  const reasons = await reasonsIn(paths, ({ where }) => where === undefined)
  return ['', 'Refused, points by reason:', ...showReasons(reasons)]
}

function whyLeft(mappings: RetryResult['mappings']): string[] {
  const all = new Map<string, number>()
  for (const { retried } of mappings)
    for (const [why, letters] of retried.left) all.set(why, (all.get(why) ?? 0) + letters)
  if (all.size === 0) return []
  return [
    '',
    'Left as they are:',
    ...[...all].map(([why, letters]) => `  ${countOf(letters, 'letter')} ${why}`),
  ]
}

function sumOf(left: ReadonlyMap<string, number>): number {
  return [...left.values()].reduce((sum, letters) => sum + letters, 0)
}
