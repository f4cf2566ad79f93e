import { Command, Option } from 'commander'
import { ExitCode, Failure } from '../../core/failure.ts'
import { systemClock } from '../../io/clock.ts'
import { readManifestFile } from '../../manifest/read.ts'
import type { RunContext } from '../../run/context.ts'
import { verifyAlone } from '../../run/verify-alone.ts'
import { acquireLock } from '../../state/lock.ts'
import { StateFile } from '../../state/state-file.ts'
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
import { plainLog } from '../plain-log.ts'
import { prepare, statePathOf } from '../prepare.ts'
import { showVerification } from '../show-verification.ts'
import { slicesOfMappings } from './run.ts'

interface VerifyOptions extends ManifestOptions {
  level?: 'basic' | 'full'
  source: 'export' | 'files' | 'http'
  sourceUrl?: string
  sourceUser?: string
  sourcePasswordFile?: string
  mapping?: string[]
  json?: boolean
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare what is in the cluster with the source, and name what differs')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .addOption(
      new Option('--level <level>', 'basic: figures of every field; full: every value').choices([
        'basic',
        'full',
      ]),
    )
    .addOption(
      new Option(
        '--source <source>',
        "the source's figures: noted by the export, read from its files again, or asked of the running server",
      )
        .choices(['export', 'files', 'http'])
        .default('export'),
    )
    .option('--source-url <url>', 'the running 1.x server (--source http)')
    .option(
      '--source-user <name>',
      'its user; the password is in INFLUX_FERRY_SOURCE_PASSWORD, or in a file:',
    )
    .option('--source-password-file <file>', 'file that holds the password')
    .option('--mapping <id>', 'only this mapping, as "plan --json" names it (repeatable)', collect)
    .addOption(jsonOption('print the verification as JSON (schemas/verification.schema.json)'))
    .action((file: string, options: VerifyOptions) => verify(file, options))
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const signal = interruptSignal()
  await readManifestFile(file)
  const lock = await acquireLock(statePathOf(file, options))
  try {
    const { migration, plan, state, statePath } = await prepare(file, options, signal, false)
    const slices = slicesOfMappings(plan, options.mapping)
    if (state === undefined || slices.every(({ id }) => state.slices[id]?.status !== 'written'))
      throw new Failure('verify/nothing-written', 'nothing is written yet that could be compared', {
        where: statePath,
        remedy: `Begin with: ${commandLine('run', file, options)}`,
        exit: ExitCode.manifest,
      })
    const log = plainLog(process.stderr)
    const context: RunContext = {
      ...{ migration, plan, slices, signal },
      state: new StateFile(statePath, state),
      phases: new Set(['verify']),
      update: false,
      verifyAgain: true,
      clock: systemClock,
      observe: (event) => {
        if (event.type === 'note' || event.type === 'warning' || event.type === 'progress') log(event)
      },
    }
    const { level: fromManifest } = migration.verify
    const level = options.level ?? (fromManifest === 'none' ? 'basic' : fromManifest)
    const record = await verifyAlone(context, { level, source: options.source, server: serverOf(options) })
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(record, null, 1)}\n`
        : showVerification(record, slices, commandLine('rerun', file, options)),
    )
    const differs = slices.some(({ id }) => record.slices[id]?.outcome === 'differs')
    process.exitCode = differs ? ExitCode.refusedOrDiffers : ExitCode.done
  } finally {
    await lock.release()
  }
}

function serverOf({ source, sourceUrl, sourceUser, sourcePasswordFile }: VerifyOptions) {
  if (source !== 'http') return undefined
  if (sourceUrl === undefined)
    throw new Failure('options/source-url', '--source http needs the address of the running server', {
      remedy: 'Say --source-url http://localhost:8086',
      exit: ExitCode.manifest,
    })
  const url = sourceUrl.replace(/\/+$/, '')
  if (sourceUser === undefined) return { url, login: undefined }
  const password =
    sourcePasswordFile === undefined
      ? {
          kind: 'value' as const,
          value: process.env['INFLUX_FERRY_SOURCE_PASSWORD'] ?? '',
          variable: 'INFLUX_FERRY_SOURCE_PASSWORD',
        }
      : { kind: 'file' as const, path: sourcePasswordFile }
  return { url, login: { user: sourceUser, password } }
}
