/** `onInexpressible: fail`: nothing is written while some of what was exported cannot be. */
import { stringify } from 'yaml'
import { ExitCode, Failure } from '../core/failure.ts'
import { countOf, formatCount } from '../core/units.ts'
import type { Mapping } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import type { ExportedSlice } from '../state/state.generated.ts'
import { mappingOf, stateOf, type RunContext } from './context.ts'
import { reasonsIn, showMapping, showReasons, type Reason } from './refusal-reasons.ts'
import { isInexpressible } from './letter-sink.ts'
import { deadLetterPath } from './work-folder.ts'

interface Found {
  mapping: Mapping
  points: number
  reasons: Reason[]
  /** Among them, strings that are in the spool (long-strings.ts), and in no letter. */
  longStrings: number
}

/** Looks at what is exported and not yet written. @throws Failure `export/inexpressible` with exit code 2, naming all of them */
export async function expectExpressible(context: RunContext): Promise<void> {
  const found: Found[] = []
  for (const [mapping, slices] of slicesToLookAt(context)) {
    const one = await lookAt(context, mapping, slices)
    if (one.points > 0) found.push(one)
  }
  if (found.length === 0) return
  const points = found.reduce((sum, one) => sum + one.points, 0)
  throw new Failure(
    'export/inexpressible',
    `${countOf(points, 'point')} cannot be written to the cluster; nothing was written`,
    {
      where: context.migration.file,
      remedy: [
        ...found.flatMap(({ mapping, points, reasons, longStrings }) => [
          `${showMapping(mapping)}: ${countOf(points, 'point')}`,
          ...showReasons(reasons),
          ...(longStrings === 0
            ? []
            : [
                `  ${formatCount(longStrings)}: the string is longer than 64 KiB; "validate --deep" tells which`,
              ]),
        ]),
        'To list them in the dead letter and move the rest, say so in the manifest:',
        '  mappings:',
        ...found.flatMap(({ mapping }) => yamlOf(mapping)),
        'or change what is wrong with "transforms". Then run again: it goes on from what is exported.',
      ].join('\n'),
      exit: ExitCode.manifest,
    },
  )
}

function slicesToLookAt(context: RunContext): Map<Mapping, Slice[]> {
  const byMapping = new Map<Mapping, Slice[]>()
  for (const slice of context.slices) {
    const state = stateOf(context, slice)
    if (state?.status !== 'exported' || state.counts.refusedPoints + longStringsOf(state) === 0) continue
    const mapping = mappingOf(context, slice)
    if (mapping.onInexpressible !== 'fail') continue
    byMapping.set(mapping, [...(byMapping.get(mapping) ?? []), slice])
  }
  return byMapping
}

async function lookAt(context: RunContext, mapping: Mapping, slices: readonly Slice[]): Promise<Found> {
  const ids = new Set(slices.map(({ id }) => id))
  const paths = [...new Set(slices.map((slice) => deadLetterPath(context.migration, slice.mapping)))]
  const own = await reasonsIn(
    paths,
    ({ slice, by, points }) => ids.has(slice) && by === 'influx-ferry' && points > 0,
  )
  const reasons = own.filter(({ example }) => isInexpressible(example))
  // By the state, not by the letters: a file that was lost is no way round.
  const damaged = own.reduce((sum, one) => sum + (reasons.includes(one) ? 0 : one.points), 0)
  const exported = slices.map((slice) => stateOf(context, slice)).filter((one) => one?.status === 'exported')
  const refused = exported.reduce((sum, { counts }) => sum + counts.refusedPoints, 0)
  const longStrings = exported.reduce((sum, one) => sum + longStringsOf(one), 0)
  return { mapping, points: refused - damaged + longStrings, reasons, longStrings }
}

function longStringsOf({ counts }: ExportedSlice): number {
  return counts.longStrings ?? 0
}

/** The mapping as it is found again in the manifest, and the line that is missing there. */
function yamlOf({ source, database, retentionPolicy, target }: Mapping): string[] {
  const mapping = { source, database, retentionPolicy, target, onInexpressible: 'dead-letter' }
  return stringify([mapping])
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
}
