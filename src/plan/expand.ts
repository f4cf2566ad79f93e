/** Mappings met with what the sources hold: wildcards become names, templates become target databases. */
import type { Diagnostic } from '../core/diagnostic.ts'
import type { Mapping, Migration } from '../manifest/migration.ts'
import { didYouMean } from '../manifest/did-you-mean.ts'
import { checkTargetName, matchesPattern } from '../manifest/target-name.ts'
import type { Catalog, CatalogRetentionPolicy } from '../source/catalog.ts'
import type { PlannedMapping } from './plan.ts'

export interface ExpandedMapping {
  planned: PlannedMapping
  mapping: Mapping
  retentionPolicy: CatalogRetentionPolicy
}

/** influxd's own measurements about itself. A wildcard never means them. */
const INTERNAL_DATABASE = '_internal'

/**
 * Every source database and retention policy that a mapping names, with its target. An earlier mapping takes
 * precedence over a later wildcard, so that `plant/autogen` can be named and `plant/*` be the rest.
 */
export function expandMappings(
  migration: Migration,
  catalogs: readonly Catalog[],
): { expanded: ExpandedMapping[]; diagnostics: Diagnostic[] } {
  const expanded: ExpandedMapping[] = []
  const diagnostics: Diagnostic[] = []
  const report = (
    mapping: Mapping,
    severity: Diagnostic['severity'],
    code: string,
    message: string,
    hint?: string,
  ) =>
    diagnostics.push({
      severity,
      code,
      message,
      file: migration.file,
      position: { ...mapping.position, length: 1 },
      ...(hint !== undefined && { hint }),
    })

  for (const mapping of migration.mappings) {
    const catalog = catalogs.find(({ source }) => source === mapping.source)
    if (catalog === undefined) continue
    const matches = matching(catalog, mapping)
    if (matches.length === 0)
      report(mapping, 'error', 'mapping/nothing-there', nothingThere(mapping), whatIsThere(catalog, mapping))
    for (const { database, retentionPolicy } of matches) {
      const taken = expanded.some(
        ({ planned, mapping: earlier }) =>
          planned.source === mapping.source &&
          planned.database === database &&
          planned.retentionPolicy === retentionPolicy.name &&
          (isWildcard(mapping) || isWildcard(earlier)),
      )
      if (taken) continue
      const target = targetOf(mapping, database, retentionPolicy.name)
      const wrong = checkTargetName(target)
      if (wrong !== undefined) {
        report(
          mapping,
          'error',
          'mapping/target-name',
          `${nameOf(database, retentionPolicy.name)} would become the target database "${target}": ${wrong}`,
          'Give this one a mapping of its own, before the wildcard, with a target that fits.',
        )
        continue
      }
      const planned = {
        id: mappingId(mapping.source, database, retentionPolicy.name),
        source: mapping.source,
        database,
      }
      expanded.push({
        planned: {
          ...planned,
          retentionPolicy: retentionPolicy.name,
          target,
          ...(mapping.transforms.length > 0 && { transforms: mapping.transforms }),
        },
        mapping,
        retentionPolicy,
      })
    }
  }
  for (const collision of collisions(expanded)) {
    const [first, second] = collision
    report(
      second.mapping,
      'error',
      'mapping/target-collision',
      `"${second.planned.target}" is already the target of ${nameOf(first.planned.database, first.planned.retentionPolicy)}; ` +
        `${nameOf(second.planned.database, second.planned.retentionPolicy)} would be mixed into it`,
      'Give every source database and retention policy a target of its own ("{database}/{retentionPolicy}").',
    )
  }
  return { expanded, diagnostics }
}

function* collisions(expanded: readonly ExpandedMapping[]): Generator<[ExpandedMapping, ExpandedMapping]> {
  const byTarget = new Map<string, ExpandedMapping>()
  for (const one of expanded) {
    const first = byTarget.get(one.planned.target)
    if (first === undefined) byTarget.set(one.planned.target, one)
    else if (first.planned.id !== one.planned.id) yield [first, one]
  }
}

function matching(catalog: Catalog, mapping: Mapping) {
  return catalog.databases.flatMap((database) =>
    database.retentionPolicies
      .filter(
        (retentionPolicy) =>
          matches(mapping.database, database.name) &&
          matches(mapping.retentionPolicy, retentionPolicy.name) &&
          (database.name !== INTERNAL_DATABASE || mapping.database === INTERNAL_DATABASE),
      )
      .map((retentionPolicy) => ({ database: database.name, retentionPolicy })),
  )
}

/** Whether a name, or nothing (line protocol that names no database), is what a pattern with `*` means. */
export function matches(pattern: string | undefined, name: string): boolean {
  return pattern === undefined || matchesPattern(pattern, name)
}

function isWildcard({ database, retentionPolicy }: Mapping): boolean {
  return database?.includes('*') === true || retentionPolicy?.includes('*') === true
}

function nameOf(database: string, retentionPolicy: string): string {
  return database === '' ? 'the lines that name no database' : `"${database}"."${retentionPolicy}"`
}

function nothingThere({ source, database, retentionPolicy }: Mapping): string {
  return `source "${source}" holds no ${nameOf(database ?? '*', retentionPolicy ?? '*')}`
}

function whatIsThere(catalog: Catalog, { database, retentionPolicy }: Mapping): string {
  const names = catalog.databases
    .filter(({ name }) => name !== INTERNAL_DATABASE)
    .flatMap(({ name, retentionPolicies }) => retentionPolicies.map((policy) => nameOf(name, policy.name)))
  const meant = didYouMean(nameOf(database ?? '*', retentionPolicy ?? '*'), names)
  return names.length === 0
    ? 'It holds nothing at all.'
    : `${meant === undefined ? '' : `Did you mean ${meant}? `}It holds ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', ...' : '.'}`
}

/** The target database of a source database and retention policy. */
export function targetOf({ target }: Mapping, database: string, retentionPolicy: string): string {
  return target
    .replaceAll('{database}', () => database)
    .replaceAll('{retentionPolicy}', () => retentionPolicy)
}

/** Each part percent-encoded where it is not a letter, digit, `_`, `.`, `~` or `-`, so that the id is also a path. */
export function mappingId(source: string, database: string, retentionPolicy: string): string {
  return [source, database, retentionPolicy]
    .filter((part) => part !== '')
    .map((part) =>
      encodeURIComponent(part).replace(
        /[!'()*]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .map((part) => part.replace(/^\.+$/, (dots) => dots.replaceAll('.', '%2E')))
    .join('/')
}
