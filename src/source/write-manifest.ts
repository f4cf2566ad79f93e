/** The manifest that `influx-ferry init` proposes: everything the source holds, each with a target of its own. */
import { formatWindow } from '../core/time.ts'
import { countOf, formatBytes, formatDuration } from '../core/units.ts'
import { checkTargetName, nearestTargetName } from '../manifest/target-name.ts'
import type { Source } from '../manifest/migration.ts'
import type { Catalog, CatalogDatabase, CatalogRetentionPolicy } from './catalog.ts'
import { bytesOf, extent, filesOf } from './show-catalog.ts'

export interface ManifestOptions {
  /** Name of the migration. */
  name: string
  /** For the editor: path or URL of manifest.schema.json. */
  schema?: string
  /** By mapping, in the order in which they are written: keys, as YAML, that let the cluster take all of it. */
  suggestions?: ReadonlyMap<number, string>
}

/** influxd's own measurements about itself: nothing to migrate. */
const INTERNAL_DATABASE = '_internal'

/** YAML with comments. Names that a cluster would refuse get the nearest allowed target, and a comment that says so. */
export function manifestFor(source: Source, catalog: Catalog, options: ManifestOptions): string {
  const taken = new Set<string>()
  const mappings = catalog.databases
    .filter(({ name }) => name !== INTERNAL_DATABASE)
    .flatMap((database) =>
      database.retentionPolicies.map((policy) => mappingLines(source.name, database, policy, taken)),
    )
  const { suggestions } = options
  const leftOut = catalog.databases.some(({ name }) => name === INTERNAL_DATABASE)
    ? [`  # ${INTERNAL_DATABASE} holds influxd's own monitoring and is left out.`]
    : []
  const lines = [
    ...(options.schema === undefined ? [] : [`# yaml-language-server: $schema=${options.schema}`]),
    `# Written by influx-ferry init from what the source holds. Look at the targets, then: influx-ferry plan`,
    ...catalog.notes.map((note) => `# Note: ${inComment(note)}`),
    'apiVersion: influx-ferry/v1',
    `name: ${scalar(options.name)}`,
    '',
    'sources:',
    ...sourceLines(source),
    '',
    '# timeRange: { start: 2020-01-01T00:00:00Z, end: 2023-01-01T00:00:00Z }   # default: all of time',
    '',
    'target:',
    '  url: https://cluster.example.com # the address of your cluster',
    '  admin: { kind: influxctl, profile: default } # or { kind: api, token: "${INFLUX_MANAGEMENT_TOKEN}" }',
    '',
    mappings.length === 0 ? 'mappings: []' : 'mappings:',
    ...leftOut,
    ...mappings.flatMap((lines, index) => [...lines, ...suggestionLines(suggestions?.get(index))]),
  ]
  return `${lines.join('\n')}\n`
}

function suggestionLines(yaml: string | undefined): string[] {
  if (yaml === undefined) return []
  const lines = yaml.trimEnd().split('\n')
  return [
    '    # The cluster would not take all of this as it is (influx-ferry validate --deep tells more). With this it does:',
    ...lines.map((line) => `    # ${line}`),
  ]
}

function sourceLines(source: Source): string[] {
  const head = [`  - name: ${scalar(source.name)}`, `    kind: ${source.kind}`]
  switch (source.kind) {
    case 'line-protocol':
      return [...head, '    files:', ...source.files.map((file) => `      - ${scalar(file)}`)]
    case 'data-dir': {
      const program =
        source.reader === 'tsm'
          ? []
          : [`    reader: ${source.reader}`, `    command: [${source.command.map(scalar).join(', ')}]`]
      return [
        ...head,
        `    dataDir: ${scalar(source.dataDir)}`,
        `    walDir: ${scalar(source.walDir)}`,
        `    metaDir: ${scalar(source.metaDir)}`,
        ...program,
      ]
    }
  }
}

function mappingLines(
  source: string,
  database: CatalogDatabase,
  policy: CatalogRetentionPolicy,
  taken: Set<string>,
): string[] {
  const named = [database.name, policy.name].filter((name) => name !== '').join('/') || source
  const target = freeName(nearestTargetName(named) || 'database', taken)
  const isDefault = policy.name !== '' && policy.name === database.defaultRetentionPolicy
  return [
    `  # ${inComment(holds(policy))}`,
    ...(target === named || database.name === ''
      ? []
      : [`  # ${inComment(`"${named}" ${checkTargetName(named) ?? 'is taken'}. This is a proposal:`)}`]),
    ...(isDefault
      ? [
          '  # The default policy: v1 clients that name no retention policy (or autogen) will read and write the database',
          `  # ${inComment(`"${database.name}" of the cluster. Make that the target if they are to find this data.`)}`,
        ]
      : []),
    ...(database.name.includes('*') || policy.name.includes('*')
      ? ['  # Caution: * stands for any characters here, so this may match other names too.']
      : []),
    `  - source: ${scalar(source)}`,
    ...(database.name === '' ? [] : [`    database: ${scalar(database.name)}`]),
    ...(policy.name === '' ? [] : [`    retentionPolicy: ${scalar(policy.name)}`]),
    `    target: ${scalar(target)}`,
    policy.duration === undefined
      ? '    retentionPeriod: infinite # the source does not tell'
      : `    retentionPeriod: source # ${formatDuration(policy.duration)}`,
  ]
}

function holds(policy: CatalogRetentionPolicy): string {
  const { start, end } = extent(policy)
  const bytes = bytesOf([...filesOf(policy, 'tsmFiles'), ...filesOf(policy, 'walFiles')])
  if (start === undefined || end === undefined || bytes === 0) return 'Holds no points.'
  return `${countOf(policy.shardGroups.length, 'shard group')}, ${formatWindow({ start, end })}, ${formatBytes(bytes)}`
}

function freeName(name: string, taken: Set<string>): string {
  let free = name
  for (let n = 2; taken.has(free); n += 1) free = `${name.slice(0, 60)}-${n}`
  taken.add(free)
  return free
}

/** A comment ends at the line end, and so must a name with a line end in it. */
function inComment(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** A YAML scalar; `$${` keeps a name's `${` from being taken for a variable. */
function scalar(text: string): string {
  const literal = text.replaceAll('${', () => '$${')
  const isPlain =
    /^[A-Za-z/][\w./-]*$/.test(literal) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(literal)
  return isPlain ? literal : JSON.stringify(literal)
}
