/** The plan as people read it: what would be done, and why, like a diff. */
import { formatWindow } from '../core/time.ts'
import { countOf, formatBytes, formatDuration } from '../core/units.ts'
import type { SliceState, State } from '../state/state.generated.ts'
import type { Plan, PlannedDatabase, PlannedMapping, Slice } from './plan.ts'

/** What the cluster has, as far as it was asked: differences by database name (`[]` is equal), or `undefined` for missing. */
export type DatabasesFound = ReadonlyMap<string, readonly string[]>

/** Lines that start with `+` create, `~` change, `>` move, `=` are done already. */
export function showPlan(
  name: string,
  plan: Plan,
  state: State | undefined,
  found: DatabasesFound | undefined,
  tokens: readonly string[],
): string {
  const left = plan.slices.filter(({ id }) => state?.slices[id]?.status !== 'written')
  const head =
    left.length === 0
      ? `${name}: nothing to do, ${countOf(plan.slices.length, 'slice')} moved already`
      : `${name}: ${countOf(left.length, 'slice')} to move (${formatBytes(bytesOf(left))} of source files)`
  return [
    head,
    '',
    ...plan.databases.map((database) => databaseLine(database, found)),
    ...(left.length === 0 ? [] : tokens.map((token) => `  + token     ${token}`)),
    ...plan.mappings.map((mapping) => mappingLine(mapping, plan.slices, state)),
    ...plan.notes.map((note) => `\nnote: ${note}`),
  ].join('\n')
}

function databaseLine(database: PlannedDatabase, found: DatabasesFound | undefined): string {
  const { name, retentionPeriod, maxTables, maxColumns, partitionTemplate } = database
  const settings = [
    `retention ${formatDuration(retentionPeriod)}`,
    maxTables !== undefined && `${maxTables} tables`,
    maxColumns !== undefined && `${maxColumns} columns`,
    partitionTemplate && `${countOf(partitionTemplate.length, 'partition part')}`,
  ]
  const wish = settings.filter(Boolean).join(', ')
  const differences = found?.get(name)
  if (found === undefined) return `  ? database  ${name}  ${wish}`
  if (differences === undefined) return `  + database  ${name}  ${wish}`
  if (differences.length === 0) return `  = database  ${name}  ${wish}`
  return `  ~ database  ${name}  ${differences.join('; ')} (changed only with --update)`
}

const PROGRESS: Record<SliceState['status'], string> = {
  written: 'written',
  exported: 'exported',
  sending: 'under way',
  failed: 'failed before',
}

function mappingLine(mapping: PlannedMapping, slices: readonly Slice[], state: State | undefined): string {
  const own = slices.filter(
    (slice) => slice.mapping.id === mapping.id && slice.mapping.target === mapping.target,
  )
  const counts = new Map<string, number>()
  for (const { id } of own) {
    const status = state?.slices[id]?.status ?? 'pending'
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  const from =
    mapping.database === ''
      ? mapping.source
      : `${mapping.source} ${mapping.database}.${mapping.retentionPolicy}`
  const done = own.length > 0 && counts.get('written') === own.length
  const progress = Object.entries(PROGRESS)
    .flatMap(([status, words]) => (counts.has(status) ? [`${counts.get(status)} ${words}`] : []))
    .join(', ')
  const [first] = own
  const last = own.at(-1)
  const range = first && last ? `, ${formatWindow({ start: first.window.start, end: last.window.end })}` : ''
  return (
    `  ${done ? '=' : '>'} ${from} -> ${mapping.target}\n` +
    `      ${countOf(own.length, 'slice')}, ${formatBytes(bytesOf(own))}${range}${progress && `; ${progress}`}` +
    transformLines(mapping)
  )
}

/** What is changed on the way, in a line: the keys of all rules about a measurement. */
function transformLines({ transforms = [] }: PlannedMapping): string {
  if (transforms.length === 0) return ''
  const keys = new Map<string, string[]>()
  for (const { measurement, ...rule } of transforms) {
    const own = Object.entries(rule).flatMap(([key, value]) => (isNothing(value) ? [] : [key]))
    keys.set(measurement, [...(keys.get(measurement) ?? []), ...own])
  }
  const text = [...keys].map(([measurement, own]) => `${measurement}: ${own.join(', ')}`).join('; ')
  const shown = text.length > TRANSFORMS_WIDTH ? `${text.slice(0, TRANSFORMS_WIDTH).trimEnd()} ...` : text
  return `\n      transforms: ${shown}`
}

/** Columns for all rules. */
const TRANSFORMS_WIDTH = 120

function isNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === false ||
    (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  )
}

function bytesOf(slices: readonly Slice[]): number {
  // A line protocol file may hold several policies.
  const files = new Map(slices.flatMap((slice) => slice.files.map(({ path, bytes }) => [path, bytes])))
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0)
}
