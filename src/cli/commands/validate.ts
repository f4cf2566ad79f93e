import { Command } from 'commander'
import { ExitCode } from '../../core/failure.ts'
import { countOf } from '../../core/units.ts'
import { reportOf } from '../../preflight/report.ts'
import { countFindings, hasErrors, showPreflight } from '../../preflight/show-preflight.ts'
import { interruptSignal } from '../interrupt.ts'
import {
  commandLine,
  envOption,
  jsonOption,
  manifestArgument,
  stateOption,
  type ManifestOptions,
} from '../options.ts'
import { preflightFindings, suggestedYaml } from '../preflight.ts'
import { loadOrExplain, prepare } from '../prepare.ts'

interface ValidateOptions extends ManifestOptions {
  deep?: boolean
  suggest?: boolean
  offline?: boolean
  update?: boolean
  json?: boolean
}

export function validateCommand(): Command {
  return new Command('validate')
    .description(
      'check a manifest by itself: syntax, keys, types, rules, variables; with --deep, also source and cluster',
    )
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--deep', 'read the source, strings included, ask the cluster, and tell what it will not take')
    .option('--suggest', 'with --deep: print the sections of the manifest that resolve it, to be pasted')
    .option('--offline', 'with --deep: do not ask the cluster')
    .option('--update', 'with --deep: as "run --update" would find it')
    .addOption(jsonOption('with --deep: print the findings as JSON'))
    .action(async (file: string, options: ValidateOptions) => {
      if (options.deep === true || options.suggest === true) return validateDeep(file, options)
      const { sources, mappings } = await loadOrExplain(file, options)
      process.stdout.write(
        `${file} is valid: ${countOf(sources.length, 'source')}, ${countOf(mappings.length, 'mapping')}.\n`,
      )
      process.stdout.write(`Next: ${commandLine('validate --deep', file, options)}\n`)
    })
}

async function validateDeep(file: string, options: ValidateOptions): Promise<void> {
  const signal = interruptSignal()
  const { migration, plan, state } = await prepare(file, options, signal, options.suggest !== true)
  const { findings, notes } = await preflightFindings({
    ...{ migration, plan, state, signal, deep: true, mustReach: true },
    offline: options.offline === true,
    update: options.update === true,
  })
  const report = reportOf(findings, migration)
  if (hasErrors(findings)) process.exitCode = ExitCode.manifest
  if (options.json === true)
    return void process.stdout.write(`${JSON.stringify({ ...report, notes }, null, 1)}\n`)
  if (options.suggest === true) {
    const yaml = await suggestedYaml({ migration, plan }, findings)
    const comment =
      yaml === '' ? 'Nothing to resolve by YAML.' : `Put these in the place of those in ${file}.`
    process.stdout.write(`# ${comment}\n${yaml}`)
    for (const advice of report.advice) process.stdout.write(`# ${advice.replaceAll('\n', '\n# ')}\n`)
    return
  }
  const said = [...notes.map((note) => `note: ${note}\n`), showPreflight(report)].filter(
    (part) => part !== '',
  )
  for (const part of said) process.stdout.write(`${part}\n`)
  process.stdout.write(
    hasErrors(findings)
      ? `${countFindings(report.findings)}. All suggestions together: ${commandLine('validate --deep --suggest', file, options)}\n`
      : `The cluster can take it${report.findings.length > 0 ? ` (${countFindings(report.findings)})` : ''}.\nNext: ${commandLine('plan', file, options)}\n`,
  )
}
