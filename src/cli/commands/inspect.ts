import { Command } from 'commander'
import { interruptSignal } from '../interrupt.ts'
import { jsonOption } from '../options.ts'
import { sourceOptions, sourceOf, type SourceOptions } from '../source-options.ts'
import { table } from '../../report/table.ts'
import { countOf, formatCount } from '../../core/units.ts'
import { readCatalog } from '../../source/read-catalog.ts'
import { catalogJson, catalogTable } from '../../source/show-catalog.ts'
import {
  inventoriesOf,
  inventoryTable,
  inventoryValue,
  type PolicyInventory,
} from '../../source/show-inventory.ts'

/** Bytes for indexes: they are read a piece at a time. */
const MEMORY = 256e6

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'show what a data directory or line protocol files hold: databases, policies, shard groups, files',
    )
    .option(
      '--measurements',
      'also measurements, from the indexes of the TSM files: series, fields, types, points, times, deletes',
    )
    .addOption(jsonOption('print the catalog as JSON'))
    .action(async (options: SourceOptions & { json?: boolean; measurements?: boolean }) => {
      const signal = interruptSignal()
      const catalog = await readCatalog(sourceOf(options), signal)
      const isAsked = options.measurements === true && catalog.origin !== 'line-protocol'
      const inventories = isAsked ? await inventoriesOf(catalog, MEMORY, signal) : undefined
      if (options.json === true) {
        const more = inventories && { inventories: inventories.map(inventoryValue) }
        return void process.stdout.write(catalogJson(catalog, more))
      }
      const { header, rows, rightAligned } = catalogTable(catalog)
      const notes = catalog.notes.map((note) => `\nnote: ${note}`)
      if (options.measurements === true && !isAsked)
        notes.push('\nnote: line protocol files have no index: their measurements are not shown')
      process.stdout.write(
        `${table(header, rows, rightAligned)}\n${notes.join('')}${notes.length > 0 ? '\n' : ''}`,
      )
      for (const inventory of inventories ?? []) process.stdout.write(`\n${showInventory(inventory)}`)
    })
  return sourceOptions(command)
}

function showInventory(inventory: PolicyInventory): string {
  const { database, retentionPolicy, series, files } = inventory
  const { header, rows, rightAligned, remarks } = inventoryTable(inventory)
  const head = `${database}.${retentionPolicy}: ${formatCount(series)} series in ${countOf(files.length, 'TSM file')}`
  const body = rows.length === 0 ? [] : [table(header, rows, rightAligned)]
  return `${[head, ...body, ...remarks].join('\n')}\n`
}
