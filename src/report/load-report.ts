import { dirname, join } from 'node:path'
import { Failure } from '../core/failure.ts'
import { loadManifest } from '../manifest/load.ts'
import type { Migration } from '../manifest/migration.ts'
import type { State } from '../state/state.generated.ts'
import { readVerification, verificationPath } from '../verify/verification-file.ts'
import type { Verification } from '../verify/verification.generated.ts'
import { LetterTally } from './letter-tally.ts'
import { makeReport } from './model.ts'
import type { Report } from './report.generated.ts'

export interface LoadReportOptions {
  /** As the user named it; it need not be there any more. */
  manifest: string
  environment: string | undefined
  /** What variables in the manifest stand for. */
  variables: Record<string, string | undefined>
  state: State
  statePath: string
  reproduce: string[]
}

/** A report from what lies beside the manifest. @throws what the file system says about the dead letters */
export async function loadReport(options: LoadReportOptions): Promise<Report> {
  const { state, manifest } = options
  const { migration, why } = await migrationOf(options)
  const folder = migration?.spool.dir ?? usualWorkFolder(options)
  const { verification, note } = await verificationOf(options.statePath)
  const report = makeReport({
    ...{ manifest, state, migration, reproduce: options.reproduce },
    verification,
    letters: await new LetterTally(join(folder, 'dead-letter')).read(),
    isUnderWay: false,
    now: Date.now(),
  })
  if (why !== undefined)
    report.migration.notes.push(`What the manifest asks for is not shown, as it cannot be read here: ${why}.`)
  if (note !== undefined) report.migration.notes.push(note)
  return report
}

/** A report is made long after the migration, and perhaps where its variables are not set: what is wrong is no error here. */
async function migrationOf(
  options: LoadReportOptions,
): Promise<{ migration: Migration | undefined; why?: string }> {
  const { manifest, environment, variables, state } = options
  const given = { ...(environment !== undefined && { environment }), env: variables }
  try {
    const { migration, diagnostics } = await loadManifest(manifest, given)
    if (migration?.name === state.name) return { migration }
    const [mistake] = diagnostics.filter(({ severity }) => severity === 'error')
    return { migration: undefined, why: mistake?.message ?? 'it is of another migration now' }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { migration: undefined, why: error.message }
  }
}

/** A report that knows nothing of the comparison is better than none. */
async function verificationOf(
  statePath: string,
): Promise<{ verification: Verification | undefined; note?: string }> {
  try {
    return { verification: await readVerification(verificationPath(statePath)) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const note = `What was compared is not shown: ${error.message} (${error.where ?? ''}).`
    return { verification: undefined, note }
  }
}

function usualWorkFolder({ manifest, environment, state }: LoadReportOptions): string {
  const name = environment === undefined ? state.name : `${state.name}.${environment}`
  return join(dirname(manifest), '.influx-ferry', name)
}
