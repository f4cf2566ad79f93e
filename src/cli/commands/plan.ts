import { Command } from 'commander'
import { messageOf } from '../../core/failure.ts'
import { countOf } from '../../core/units.ts'
import { openAdmin } from '../../cluster/admin.ts'
import type { Migration } from '../../manifest/migration.ts'
import { planFileOf, writePlanFile } from '../../plan/plan-file.ts'
import type { Plan } from '../../plan/plan.ts'
import { showPlan, type DatabasesFound } from '../../plan/show-plan.ts'
import { differencesOf } from '../../run/create.ts'
import { tokenRequestsOf } from '../../run/token.ts'
import { interruptSignal } from '../interrupt.ts'
import {
  commandLine,
  envOption,
  jsonOption,
  manifestArgument,
  stateOption,
  type ManifestOptions,
} from '../options.ts'
import { prepare } from '../prepare.ts'

interface PlanOptions extends ManifestOptions {
  json?: boolean
  out?: string
  offline?: boolean
}

export function planCommand(): Command {
  return new Command('plan')
    .description('show what a run would do, and why; changes nothing')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--offline', 'do not ask the cluster which databases it has')
    .option('--out <file>', 'also write the plan to a file for "run --plan"')
    .addOption(jsonOption('print the plan as JSON (schemas/plan.schema.json)'))
    .action(async (file: string, options: PlanOptions) => {
      const signal = interruptSignal()
      const { migration, plan, state } = await prepare(file, options, signal)
      const planFile = planFileOf(migration.name, plan, state)
      if (options.out !== undefined) await writePlanFile(options.out, planFile)
      if (options.json === true) return void process.stdout.write(`${JSON.stringify(planFile, null, 1)}\n`)

      const { found, note } = await askCluster(migration, plan, options.offline === true, signal)
      const tokens = tokenRequestsOf({ migration, plan })
        .filter(({ given }) => given === undefined)
        .map(({ description, read, write }) => `"${description}"  read ${names(read)}; write ${names(write)}`)
      const text = showPlan(
        migration.name,
        { ...plan, notes: [...plan.notes, ...note, ...transferNote(migration)] },
        state,
        found,
        tokens,
      )
      const left = plan.slices.some(({ id }) => state?.slices[id]?.status !== 'written')
      const run = commandLine('run', file, options)
      const next = options.out === undefined ? run : `${run} --plan ${options.out}`
      process.stdout.write(`${text}\n${left ? `\nNothing was changed. To do it: ${next}\n` : ''}`)
    })
}

function transferNote({ transfer, target }: Migration): string[] {
  if (transfer === 'staged') return []
  const { concurrency } = target.write
  return [
    `transfer: direct: slices are read one after another and written as they are read, with up to ${countOf(concurrency, 'request')} at a time; there is no spool`,
  ]
}

const NAMES_SHOWN = 3

function names(databases: readonly string[]): string {
  const shown = databases.slice(0, NAMES_SHOWN).join(', ')
  return databases.length > NAMES_SHOWN ? `${shown} and ${databases.length - NAMES_SHOWN} more` : shown
}

/** Which of the planned databases are there already. A cluster that cannot be asked is a note, not an error. */
async function askCluster(
  migration: Migration,
  plan: Plan,
  offline: boolean,
  signal: AbortSignal,
): Promise<{ found: DatabasesFound | undefined; note: string[] }> {
  if (offline || migration.target.admin.kind === 'none') return { found: undefined, note: [] }
  try {
    const admin = await openAdmin(migration.target, signal)
    if (admin === undefined) return { found: undefined, note: [] }
    try {
      const existing = new Map(
        (await admin.listDatabases(signal)).map((database) => [database.name, database]),
      )
      const found = plan.databases.flatMap((wish) => {
        const database = existing.get(wish.name)
        return database === undefined ? [] : [[wish.name, differencesOf(wish, database)] as const]
      })
      return { found: new Map(found), note: [] }
    } finally {
      await admin.close()
    }
  } catch (error) {
    return {
      found: undefined,
      note: [`the cluster could not be asked which databases it has: ${messageOf(error)}`],
    }
  }
}
