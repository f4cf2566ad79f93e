import { Command } from 'commander'
import { countOf } from '../../core/units.ts'
import { commandLine, envOption, manifestArgument, type ManifestOptions } from '../options.ts'
import { loadOrExplain } from '../prepare.ts'

export function validateCommand(): Command {
  return new Command('validate')
    .description('check a manifest by itself: syntax, keys, types, rules, variables')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .action(async (file: string, options: ManifestOptions) => {
      const { sources, mappings } = await loadOrExplain(file, options)
      process.stdout.write(
        `${file} is valid: ${countOf(sources.length, 'source')}, ${countOf(mappings.length, 'mapping')}.\n`,
      )
      process.stdout.write(`Next: ${commandLine('plan', file, options)}\n`)
    })
}
