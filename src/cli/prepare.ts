/** What plan, run and status begin with: the manifest, the sources' catalogs, the state and the plan made of them. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Diagnostic } from '../core/diagnostic.ts'
import { ExitCode, Failure } from '../core/failure.ts'
import { loadManifest } from '../manifest/load.ts'
import type { Migration } from '../manifest/migration.ts'
import { showDiagnostics } from '../manifest/show-diagnostics.ts'
import { makePlan } from '../plan/make-plan.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import type { Catalog } from '../source/catalog.ts'
import { readCatalog } from '../source/read-catalog.ts'
import type { State } from '../state/state.generated.ts'
import { readState } from '../state/state-file.ts'
import { commandLine, type ManifestOptions } from './options.ts'

/** Loads a manifest and shows what is wrong with it, and without `notes` only that, on standard error. @throws Failure exit code 2 when it has errors */
export async function loadOrExplain(
  file: string,
  { env, variables = process.env }: ManifestOptions,
  notes = true,
): Promise<Migration> {
  const { migration, diagnostics } = await loadManifest(file, {
    ...(env !== undefined && { environment: env }),
    env: variables,
  })
  await explain(file, notes ? diagnostics : diagnostics.filter(({ severity }) => severity !== 'note'))
  if (migration === undefined) throw wrong(file, diagnostics)
  return migration
}

/** Reads sources and state and makes the plan, showing what is wrong on standard error. */
export async function prepare(
  file: string,
  options: ManifestOptions,
  signal: AbortSignal,
  notes = true,
): Promise<{ migration: Migration; plan: Plan; state: State | undefined; statePath: string }> {
  const migration = await loadOrExplain(file, options, notes)
  const statePath = statePathOf(file, options)
  const state = await readState(statePath)
  if (state !== undefined && state.name !== migration.name) {
    throw new Failure(
      'state/other-migration',
      `the state file is of the migration "${state.name}", not "${migration.name}"`,
      {
        where: statePath,
        remedy: 'Name another state file with --state, or give the migration its old name back.',
        exit: ExitCode.manifest,
      },
    )
  }
  const { plan, diagnostics } = makePlan(migration, await readCatalogs(migration, signal), state)
  await explain(file, diagnostics)
  if (diagnostics.some(({ severity }) => severity === 'error')) throw wrong(file, diagnostics)
  return { migration, plan, state, statePath }
}

/** What was done so far. @throws Failure `state/none` (exit code 2) when that is nothing, and what {@link readState} throws */
export async function readStateOf(file: string, options: ManifestOptions): Promise<State> {
  const path = statePathOf(file, options)
  const state = await readState(path)
  if (state !== undefined) return state
  throw new Failure('state/none', 'nothing was done yet: there is no state file', {
    where: path,
    remedy: `Begin with: ${commandLine('run', file, options)}`,
    exit: ExitCode.manifest,
  })
}

/** `manifest.yaml` keeps its state in `manifest.state.json`, with `--env staging` in `manifest.staging.state.json`. */
export function statePathOf(file: string, { env, state }: ManifestOptions): string {
  const name = basename(file).replace(/\.ya?ml$/, '')
  return state ?? join(dirname(file), env === undefined ? `${name}.state.json` : `${name}.${env}.state.json`)
}

/** The slices of the mappings named by `--mapping`, or all. @throws Failure `options/mapping` */
export function slicesOf(plan: Plan, mappings: readonly string[] | undefined): Slice[] {
  if (mappings === undefined) return plan.slices
  const unknown = mappings.find((id) => plan.mappings.every((mapping) => mapping.id !== id))
  if (unknown === undefined) return plan.slices.filter(({ mapping }) => mappings.includes(mapping.id))
  throw new Failure('options/mapping', `--mapping: there is no mapping "${unknown}"`, {
    remedy: `Mappings are ${plan.mappings.map(({ id }) => id).join(', ')}.`,
    exit: ExitCode.manifest,
  })
}

async function readCatalogs(migration: Migration, signal: AbortSignal): Promise<Catalog[]> {
  const used = new Set(migration.mappings.map(({ source }) => source))
  return Promise.all(
    migration.sources
      .filter(({ name }) => used.has(name))
      .map((source) =>
        readCatalog(source, signal, join(migration.spool.dir, 'catalog', `${source.name}.json`)),
      ),
  )
}

async function explain(file: string, diagnostics: readonly Diagnostic[]): Promise<void> {
  if (diagnostics.length === 0) return
  const text = await readFile(file, 'utf8').catch(() => '')
  const { isTTY: color = false, columns: width = 110 } = process.stderr
  process.stderr.write(`${showDiagnostics([...diagnostics], text, { color, width }).trimEnd()}\n\n`)
}

function wrong(file: string, diagnostics: readonly Diagnostic[]): Failure {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  return new Failure(
    'manifest/invalid',
    `the manifest has ${errors === 1 ? 'an error' : `${errors} errors`}; nothing was done`,
    {
      where: file,
      exit: ExitCode.manifest,
    },
  )
}
