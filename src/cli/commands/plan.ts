import { Command } from 'commander'
import { ExitCode } from '../../core/failure.ts'
import { countOf } from '../../core/units.ts'
import type { Migration } from '../../manifest/migration.ts'
import { planFileOf, writePlanFile } from '../../plan/plan-file.ts'
import type { Plan } from '../../plan/plan.ts'
import { showPlan, type DatabasesFound } from '../../plan/show-plan.ts'
import type { ClusterFacts } from '../../preflight/cluster-facts.ts'
import { reportOf } from '../../preflight/report.ts'
import { countFindings, hasErrors, showPreflight } from '../../preflight/show-preflight.ts'
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
import { preflightFindings } from '../preflight.ts'
import { prepare } from '../prepare.ts'

interface PlanOptions extends ManifestOptions {
  json?: boolean
  out?: string
  offline?: boolean
  deep?: boolean
  update?: boolean
}

export function planCommand(): Command {
  return new Command('plan')
    .description('show what a run would do and why, and what the cluster will not take; changes nothing')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .option('--offline', 'do not ask the cluster what it has')
    .option('--deep', 'also read the strings of the source, as "validate --deep" does')
    .option('--update', 'as "run --update" would find it')
    .option('--out <file>', 'also write the plan to a file for "run --plan"')
    .addOption(jsonOption('print the plan as JSON (schemas/plan.schema.json)'))
    .action(async (file: string, options: PlanOptions) => {
      const signal = interruptSignal()
      const { migration, plan, state } = await prepare(file, options, signal)
      const planFile = planFileOf(migration.name, plan, state)
      if (options.out !== undefined) await writePlanFile(options.out, planFile)
      const left = plan.slices.some(({ id }) => state?.slices[id]?.status !== 'written')
      const { findings, cluster, notes } = await preflightFindings({
        ...{ migration, plan, state, signal },
        ...{ deep: options.deep === true, mustReach: false },
        offline: options.offline === true || (migration.target.admin.kind === 'none' && !left),
        update: options.update === true,
      })
      const report = reportOf(findings, migration)
      if (hasErrors(findings)) process.exitCode = ExitCode.manifest
      if (options.json === true) {
        const preflight = { ...report, notes }
        return void process.stdout.write(`${JSON.stringify({ ...planFile, preflight }, null, 1)}\n`)
      }
      const tokens = tokenRequestsOf({ migration, plan })
        .filter(({ given }) => given === undefined)
        .map(({ description, read, write }) => `"${description}"  read ${names(read)}; write ${names(write)}`)
      const text = showPlan(
        migration.name,
        { ...plan, notes: [...plan.notes, ...notes, ...transferNote(migration)] },
        state,
        databasesFound(plan, cluster),
        tokens,
      )
      const table = showPreflight(report)
      const run = commandLine('run', file, options)
      const next = options.out === undefined ? run : `${run} --plan ${options.out}`
      const last = hasErrors(findings)
        ? `Nothing was changed, and a run would write nothing: ${countFindings(report.findings)}.`
        : `Nothing was changed. To do it: ${next}`
      process.stdout.write(`${text}\n${table && `\n${table}`}${left ? `\n${last}\n` : ''}`)
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

/** Which of the planned databases are there already, and how they differ. */
function databasesFound(plan: Plan, cluster: ClusterFacts | undefined): DatabasesFound | undefined {
  const existing = cluster?.databases
  if (existing === undefined) return undefined
  const found = plan.databases.flatMap((wish) => {
    const database = existing.get(wish.name)
    return database === undefined ? [] : [[wish.name, differencesOf(wish, database)] as const]
  })
  return new Map(found)
}
