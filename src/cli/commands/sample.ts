import { Command } from 'commander'
import { ExitCode, Failure } from '../../core/failure.ts'
import { showSlice } from '../../plan/slices.ts'
import { showSample } from '../../report/show-sample.ts'
import { sampleRows } from '../../run/sample.ts'
import { interruptSignal } from '../interrupt.ts'
import { envOption, manifestArgument, stateOption, type ManifestOptions } from '../options.ts'
import { prepare } from '../prepare.ts'

interface SampleCommandOptions extends ManifestOptions {
  mapping?: string
  measurement?: string
  rows: number
}

export function sampleCommand(): Command {
  return new Command('sample')
    .description('show a few rows of every measurement before and after the transforms of a mapping')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--mapping <id>', 'which mapping, as "plan --json" names it (not needed if there is one)')
    .option('--measurement <name>', 'only this measurement, as the source calls it')
    .option('--rows <number>', 'rows of each measurement', parseRows, 2)
    .action(async (file: string, options: SampleCommandOptions) => {
      const signal = interruptSignal()
      const { migration, plan } = await prepare(file, options, signal, false)
      const ids = plan.mappings.map(({ id }) => id)
      const id = options.mapping ?? (ids.length === 1 ? ids[0] : undefined)
      if (id === undefined || !ids.includes(id)) throw unknownMapping(options.mapping, ids)
      const slice = plan.slices.findLast(({ mapping, files }) => mapping.id === id && files.length > 0)
      const source = migration.sources.find(({ name }) => name === slice?.mapping.source)
      if (slice === undefined || source === undefined)
        throw new Failure('sample/nothing-there', 'the source holds nothing of this mapping', { where: id })
      const { rows, measurement } = options
      const sampled = await sampleRows(slice, source, { rows, measurement, signal })
      if (sampled.length === 0)
        throw new Failure('sample/nothing-there', `there is no measurement "${measurement ?? ''}"`, {
          where: showSlice(slice.id),
          remedy: 'Leave --measurement out to see all of them.',
          exit: ExitCode.manifest,
        })
      process.stdout.write(`${showSlice(slice.id)}\n\n${showSample(sampled)}\n`)
    })
}

function unknownMapping(given: string | undefined, ids: readonly string[]): Failure {
  const message = given === undefined ? 'which mapping?' : `there is no mapping "${given}"`
  return new Failure('options/mapping', `--mapping: ${message}`, {
    remedy: `Mappings are ${ids.join(', ')}.`,
    exit: ExitCode.manifest,
  })
}

function parseRows(text: string): number {
  const rows = Number(text)
  if (Number.isInteger(rows) && rows > 0 && rows <= 1000) return rows
  throw new Failure('options/rows', `--rows: "${text}" is not a number of rows`, {
    remedy: 'Write a whole number from 1 to 1000.',
    exit: ExitCode.manifest,
  })
}
