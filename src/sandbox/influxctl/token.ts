/** influxctl token create|list|get|revoke|update */
import { ACCOUNT, CLUSTER } from './database.ts'
import { formatOf, InfluxctlError, readFlags, type FlagKind, type Flags } from './flags.ts'
import { atLeast, manage, type Session } from './session.ts'
import { boxed } from './table.ts'

interface Listed {
  id: string
  description: string
  expiresAt?: string
  revokedAt?: string
}

const GRANTS: Record<string, FlagKind> = { 'read-database': 'repeated', 'write-database': 'repeated' }

/** @throws InfluxctlError */
export async function token(session: Session, [command = '', ...argv]: string[]): Promise<void> {
  if (command === 'create') return create(session, argv)
  if (command === 'list') return list(session, argv)
  if (command === 'get') return get(session, argv)
  if (command === 'update') return update(session, argv)
  if (command === 'delete' || (command === 'revoke' && atLeast(session.version, 2, 10, 0)))
    return revoke(session, argv)
  throw new InfluxctlError(`No help topic for 'token ${command}'`)
}

async function create(session: Session, argv: string[]): Promise<void> {
  const expiry = atLeast(session.version, 2, 10, 0) && { 'expires-at': 'text' as const }
  const flags = readFlags(argv, { ...GRANTS, ...expiry, format: 'text' })
  const format = formatOf(flags)
  const [description, ...more] = flags.rest
  if (description === undefined || more.length > 0)
    throw new InfluxctlError('token create needs one description, after the flags')
  const expiresAt = flags.text('expires-at')
  const body = { description, permissions: grantsOf(flags), ...(expiresAt !== undefined && { expiresAt }) }
  const made = (await manage(session, 'POST', '/tokens', JSON.stringify(body))) as Listed & {
    accessToken: string
  }
  const secret = made.accessToken
  if (format === 'json') session.stdout(`${JSON.stringify({ ...listed(made), token: secret }, null, 2)}\n`)
  else if (atLeast(session.version, 2, 11, 0)) session.stdout(`${box(made)}${secret}\n`)
  else {
    session.stderr('warn  please save the token below, it will not be shown again\n')
    session.stdout(`${secret}\n`)
  }
}

async function list(session: Session, argv: string[]): Promise<void> {
  const revoked = atLeast(session.version, 2, 10, 0) && { 'include-revoked': 'boolean' as const }
  const flags = readFlags(argv, { format: 'text', sort: 'text', ...revoked })
  const format = formatOf(flags)
  const all = (await manage(session, 'GET', '/tokens')) as Listed[]
  const key = flags.text('sort') === 'description' ? 'description' : 'id'
  const tokens = all
    .filter(({ revokedAt }) => revokedAt === undefined || flags.has('include-revoked'))
    .sort((a, b) => (a[key] < b[key] ? -1 : 1))
  show(session, format, tokens)
}

async function get(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, { format: 'text', 'include-revoked': 'boolean' })
  const format = formatOf(flags)
  const [id = ''] = flags.rest
  const found = (await manage(session, 'GET', `/tokens/${encodeURIComponent(id)}`)) as Listed
  if (format === 'json') session.stdout(`${JSON.stringify(listed(found), null, 2)}\n`)
  else session.stdout(boxed(['ID', 'DESCRIPTION'], [[found.id, found.description]]))
}

async function update(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, GRANTS)
  const [id, ...more] = flags.rest
  if (id === undefined || more.length > 0)
    throw new InfluxctlError('token update needs one token id, after the flags')
  const body = JSON.stringify({ permissions: grantsOf(flags) })
  await manage(session, 'PATCH', `/tokens/${encodeURIComponent(id)}`, body)
}

async function revoke(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, { force: 'boolean' })
  if (flags.rest.length === 0) throw new InfluxctlError('missing required argument: token id')
  if (!flags.has('force'))
    throw new InfluxctlError(
      'revoking a token asks for confirmation, which the stand-in can not: use --force',
    )
  for (const id of flags.rest) await manage(session, 'DELETE', `/tokens/${encodeURIComponent(id)}`)
}

function grantsOf(flags: Flags) {
  return [
    ...flags.texts('read-database').map((resource) => ({ action: 'read', resource })),
    ...flags.texts('write-database').map((resource) => ({ action: 'write', resource })),
  ]
}

function show(session: Session, format: 'table' | 'json', tokens: Listed[]): void {
  if (format === 'json') session.stdout(`${JSON.stringify(tokens.map(listed), null, 2)}\n`)
  else
    session.stdout(
      boxed(
        ['ID', 'DESCRIPTION'],
        tokens.map(({ id, description }) => [id, description]),
      ),
    )
}

/** `permissions` is `{}` in the documented sample, whatever the token may do. */
function listed({ id, description }: Listed) {
  return { account_id: ACCOUNT, cluster_id: CLUSTER, id, description, permissions: {} }
}

function box({ id, description, expiresAt, revokedAt }: Listed): string {
  return boxed(
    ['id', id],
    [
      ['description', description],
      ['expires at', expiresAt ?? ''],
      ['revoked at', revokedAt ?? ''],
    ],
  )
}
