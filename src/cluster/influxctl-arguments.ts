/** influxctl's documented flags. */
import { formatDuration } from '../core/units.ts'
import type { PartitionPart } from '../manifest/migration.ts'
import type { DatabaseSpec, TokenSpec } from './cluster.ts'

/** Documented defaults. The columns' one is told differently (250, 200) in different places: so both are passed. */
export const DEFAULT_LIMITS = { maxTables: 500, maxColumns: 250 }
const DEFAULT_TIME_FORMAT = '%Y-%m-%d'

export function createDatabaseArguments(spec: DatabaseSpec): string[] {
  return [
    ...['database', 'create'],
    ...settings({ ...spec, ...limitsOf(spec, DEFAULT_LIMITS) }),
    ...templateFlags(spec.partitionTemplate ?? []),
    ...positional(spec.name),
  ]
}

/** Both limits always: before influxctl 2.10.4 changing one of them alone did not work. */
export function updateDatabaseArguments(
  name: string,
  change: { retentionPeriod: bigint; maxTables: number; maxColumns: number },
): string[] {
  return ['database', 'update', ...settings(change), ...positional(name)]
}

export function createTokenArguments(spec: TokenSpec): string[] {
  return [
    ...['token', 'create', '--format', 'json'],
    ...spec.read.flatMap((database) => ['--read-database', database]),
    ...spec.write.flatMap((database) => ['--write-database', database]),
    ...(spec.expiresAt === undefined ? [] : ['--expires-at', spec.expiresAt]),
    ...positional(spec.description),
  ]
}

export function limitsOf(
  asked: { maxTables: number | undefined; maxColumns: number | undefined },
  otherwise: { maxTables: number | undefined; maxColumns: number | undefined },
): { maxTables: number; maxColumns: number } {
  return {
    maxTables: asked.maxTables ?? otherwise.maxTables ?? DEFAULT_LIMITS.maxTables,
    maxColumns: asked.maxColumns ?? otherwise.maxColumns ?? DEFAULT_LIMITS.maxColumns,
  }
}

/** `90d12h30m`; infinite is `0s`. Seconds are not documented as a unit: whole minutes, rounded up, so nothing expires early. */
export function retentionFlag(nanos: bigint): string {
  const minute = 60_000_000_000n
  return nanos === 0n ? '0s' : formatDuration(((nanos + minute - 1n) / minute) * minute)
}

function settings(to: { retentionPeriod: bigint; maxTables: number; maxColumns: number }): string[] {
  return [
    ...['--retention-period', retentionFlag(to.retentionPeriod)],
    ...['--max-tables', String(to.maxTables)],
    ...['--max-columns', String(to.maxColumns)],
  ]
}

/** A template without a time part is never compacted; influxctl 2.10.3 and later insist on the flag. */
function templateFlags(template: PartitionPart[]): string[] {
  if (template.length === 0) return []
  const hasTime = template.some(({ type }) => type === 'time')
  const flags = template.flatMap((part) => {
    switch (part.type) {
      case 'tag':
        return ['--template-tag', part.value]
      case 'bucket':
        return ['--template-tag-bucket', `${part.value.tagName},${part.value.numberOfBuckets}`]
      case 'time':
        return ['--template-timeformat', part.value]
    }
  })
  return hasTime ? flags : [...flags, '--template-timeformat', DEFAULT_TIME_FORMAT]
}

/** A name or description that begins like a flag must not be taken for one. */
function positional(value: string): string[] {
  return value.startsWith('-') ? ['--', value] : [value]
}
