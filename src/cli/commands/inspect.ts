import { Command } from 'commander'
import { interruptSignal } from '../interrupt.ts'
import { jsonOption } from '../options.ts'
import { sourceOptions, sourceOf, type SourceOptions } from '../source-options.ts'
import { table } from '../../report/table.ts'
import { readCatalog } from '../../source/read-catalog.ts'
import { catalogJson, catalogTable } from '../../source/show-catalog.ts'

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'show what a data directory or line protocol files hold: databases, policies, shard groups, files',
    )
    .addOption(jsonOption('print the catalog as JSON'))
    .action(async (options: SourceOptions & { json?: boolean }) => {
      const catalog = await readCatalog(sourceOf(options), interruptSignal())
      if (options.json === true) return void process.stdout.write(catalogJson(catalog))
      const { header, rows, rightAligned } = catalogTable(catalog)
      const notes = catalog.notes.map((note) => `\nnote: ${note}`)
      process.stdout.write(
        `${table(header, rows, rightAligned)}\n${notes.join('')}${notes.length > 0 ? '\n' : ''}`,
      )
    })
  return sourceOptions(command)
}
