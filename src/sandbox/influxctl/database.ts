/** influxctl database create|list|update|delete|undelete|rename */
import { parseDuration } from '../../core/units.ts'
import { toJson } from '../exact-json.ts'
import { formatOf, InfluxctlError, readFlags, type FlagKind, type Flags } from './flags.ts'
import { atLeast, manage, type Session } from './session.ts'
import { boxed } from './table.ts'

/** The stand-in has one account and one cluster. */
export const ACCOUNT = '00000000-0000-4000-8000-000000000001'
export const CLUSTER = '00000000-0000-4000-8000-000000000002'

const LIMITS: Record<string, FlagKind> = {
  'retention-period': 'text',
  'max-tables': 'text',
  'max-columns': 'text',
}
const TEMPLATE: Record<string, FlagKind> = {
  'template-tag': 'repeated',
  'template-tag-bucket': 'repeated',
  'template-timeformat': 'text',
}

interface Listed {
  name: string
  retentionPeriod: number | bigint
  maxTables: number
  maxColumnsPerTable: number
}

/** @throws InfluxctlError */
export async function database(session: Session, [command = '', ...argv]: string[]): Promise<void> {
  const since2102 = atLeast(session.version, 2, 10, 2)
  switch (command) {
    case 'create':
      return create(session, argv)
    case 'list':
      return list(session, argv)
    case 'update':
      return update(session, argv)
    case 'delete':
      return remove(session, argv)
    case 'undelete':
    case 'rename':
      if (since2102) return command === 'rename' ? rename(session, argv) : undelete(session, argv)
      break
    default:
  }
  throw new InfluxctlError(`No help topic for 'database ${command}'`)
}

async function create(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, { ...LIMITS, ...TEMPLATE })
  const name = only(flags, 'database name')
  const template = templateOf(session, flags)
  const body = {
    name,
    retentionPeriod: periodOf(flags) ?? 0n,
    maxTables: limitOf(flags, 'max-tables') || 500,
    maxColumnsPerTable: limitOf(flags, 'max-columns') || 250,
    ...(template !== undefined && { partitionTemplate: template }),
  }
  await manage(session, 'POST', '/databases', toJson(body))
  if (atLeast(session.version, 2, 11, 0))
    session.stdout(box({ ...body, retentionPeriod: body.retentionPeriod }))
}

async function list(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, {
    format: 'text',
    ...(atLeast(session.version, 2, 10, 4) && { 'filter-status': 'text' as const }),
  })
  const format = formatOf(flags)
  const databases = (await manage(session, 'GET', '/databases')) as Listed[]
  if (format === 'table') {
    const rows = databases.map((one) => [
      one.name,
      shownPeriod(BigInt(one.retentionPeriod)),
      String(one.maxTables),
      String(one.maxColumnsPerTable),
    ])
    session.stdout(
      boxed(['DATABASE NAME', 'RETENTION PERIOD', 'MAX TABLES', 'MAX COLUMNS PER TABLE'], rows, [2, 3]),
    )
    return
  }
  const shown = databases.map((one) => ({
    account_id: ACCOUNT,
    cluster_id: CLUSTER,
    database_name: one.name,
    retention_period_ns: one.retentionPeriod,
    max_tables: one.maxTables,
    max_columns_per_table: one.maxColumnsPerTable,
  }))
  session.stdout(`${toJson(shown, 2)}\n`)
}

async function update(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, LIMITS)
  const name = only(flags, 'database name')
  const body = {
    retentionPeriod: periodOf(flags),
    maxTables: limitOf(flags, 'max-tables') || undefined,
    maxColumnsPerTable: limitOf(flags, 'max-columns') || undefined,
  }
  const updated = (await manage(session, 'PATCH', pathOf(name), toJson(body))) as Listed
  if (atLeast(session.version, 2, 11, 0)) session.stdout(box(updated))
}

async function remove(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, { force: 'boolean' })
  if (flags.rest.length === 0) throw new InfluxctlError('missing required argument: database name')
  if (!flags.has('force'))
    throw new InfluxctlError(
      'deleting a database asks for confirmation, which the stand-in can not: use --force',
    )
  for (const name of flags.rest) await manage(session, 'DELETE', pathOf(name))
}

async function undelete(session: Session, argv: string[]): Promise<void> {
  await manage(session, 'PUT', `${pathOf(only(readFlags(argv, {}), 'database name'))}/undelete`)
}

async function rename(session: Session, argv: string[]): Promise<void> {
  const [from, to, ...more] = readFlags(argv, {}).rest
  if (from === undefined || to === undefined || more.length > 0)
    throw new InfluxctlError('rename needs the old name and the new name')
  await manage(session, 'PUT', `${pathOf(from)}/rename`, JSON.stringify({ name: to }))
}

const pathOf = (name: string) => `/databases/${encodeURIComponent(name)}`

function only(flags: Flags, what: string): string {
  const [name, ...more] = flags.rest
  if (name === undefined) throw new InfluxctlError(`missing required argument: ${what}`)
  if (more.length > 0)
    throw new InfluxctlError(`too many arguments: ${more.join(' ')} (flags go before the ${what})`)
  return name
}

/** Number and unit, repeated: `m h d w mo y`; seconds appear only as `0s`. */
function periodOf(flags: Flags): bigint | undefined {
  const text = flags.text('retention-period')
  if (text === undefined) return undefined
  const period = /^(?:0s|(?:\d+(?:\.\d+)?(?:mo|[mhdwy]))+)$/.test(text) ? parseDuration(text) : undefined
  if (period === undefined) throw new InfluxctlError(`invalid retention period "${text}"`)
  if (period > 0n && period < 3_600_000_000_000n)
    throw new InfluxctlError('retention period must be at least 1h')
  return period
}

function limitOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name)
  if (text !== undefined && !/^\d+$/.test(text))
    throw new InfluxctlError(`invalid value "${text}" for flag -${name}: parse error`)
  return text === undefined ? undefined : Number(text)
}

function templateOf(session: Session, flags: Flags): unknown[] | undefined {
  const tags = flags.texts('template-tag')
  const buckets = flags.texts('template-tag-bucket')
  const format = flags.text('template-timeformat')
  if (tags.length + buckets.length === 0 && format === undefined) return undefined
  if (format === undefined && atLeast(session.version, 2, 10, 3))
    throw new InfluxctlError(
      '--template-timeformat is required with --template-tag and --template-tag-bucket',
    )
  return [
    ...tags.map((value) => ({ type: 'tag', value })),
    ...buckets.map((text) => {
      const [, tagName, count] = /^(.+),(\d+)$/.exec(text) ?? []
      if (tagName === undefined) throw new InfluxctlError(`invalid template tag bucket "${text}": want TAG,N`)
      return { type: 'bucket', value: { tagName, numberOfBuckets: Number(count) } }
    }),
    { type: 'time', value: format ?? '%Y-%m-%d' },
  ]
}

function box({ name, retentionPeriod, maxTables, maxColumnsPerTable }: Listed): string {
  return boxed(
    ['name', name],
    [
      ['retention period', shownPeriod(BigInt(retentionPeriod))],
      ['max tables', String(maxTables)],
      ['max columns per table', String(maxColumnsPerTable)],
    ],
  )
}

/** `infinite`, `24h`, `1h30m`. */
function shownPeriod(period: bigint): string {
  if (period === 0n) return 'infinite'
  const seconds = period / 1_000_000_000n
  const parts = [
    [seconds / 3600n, 'h'],
    [(seconds / 60n) % 60n, 'm'],
    [seconds % 60n, 's'],
  ] as const
  return parts.flatMap(([count, unit]) => (count === 0n ? [] : [`${count}${unit}`])).join('')
}
