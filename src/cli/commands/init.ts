import { access, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { ExitCode, Failure, reasonOf } from '../../core/failure.ts'
import { readCatalog } from '../../source/read-catalog.ts'
import { manifestFor } from '../../source/write-manifest.ts'
import { interruptSignal } from '../interrupt.ts'
import { initSuggestions } from '../init-suggestions.ts'
import { nameOf, sourceOf, sourceOptions, type SourceOptions } from '../source-options.ts'

const SCHEMA = 'https://unpkg.com/influx-ferry/schemas/manifest.schema.json'

interface InitOptions extends SourceOptions {
  name?: string
  out?: string
  force?: boolean
}

export function initCommand(): Command {
  const command = new Command('init')
    .description('write a commented manifest from what a source holds')
    .option('--name <name>', 'name of the migration')
    .option('--out <file>', 'write it there (default: standard output)')
    .option('--force', 'overwrite an existing file')
    .action(async (options: InitOptions) => {
      const source = sourceOf(options)
      const signal = interruptSignal()
      const catalog = await readCatalog(source, signal)
      const bare = { name: options.name ?? nameOf(source), schema: SCHEMA }
      const suggestions = await initSuggestions(manifestFor(source, catalog, bare), catalog, signal)
      const manifest = manifestFor(source, catalog, { ...bare, suggestions })
      if (options.out === undefined) process.stdout.write(manifest)
      else await save(options.out, manifest, options.force === true)
    })
  return sourceOptions(command)
}

async function save(file: string, manifest: string, force: boolean): Promise<void> {
  if (!force && (await exists(file))) {
    throw new Failure('init/exists', 'the file exists', {
      where: file,
      remedy: 'Name another one, or add --force.',
      exit: ExitCode.manifest,
    })
  }
  try {
    await writeFile(file, manifest)
  } catch (error) {
    throw new Failure('init/unwritable', `cannot write the manifest: ${reasonOf(error)}`, {
      where: file,
      remedy: 'Name a place that you may write to (--out).',
      cause: error,
    })
  }
  process.stdout.write(`Wrote ${file}. Look at the targets, then: influx-ferry plan ${file}\n`)
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
