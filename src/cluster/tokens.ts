/** A database token in hand: given by the user, kept from an earlier run, or created now. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ExitCode, Failure } from '../core/failure.ts'
import type { Clock } from '../io/clock.ts'
import { resolveSecret } from '../io/secrets.ts'
import type { Migration, TokenRequest } from '../manifest/migration.ts'
import type { ClusterAdmin } from './cluster.ts'
import { keepToken, preparePlace, readKeptToken } from './kept-token.ts'

/** What the state knows of a token created by an earlier run. Never the secret. */
export interface KnownToken {
  id?: string
  /** RFC 3339. */
  createdAt: string
  /** Databases it may read or write. */
  databases: string[]
}

export interface ObtainOptions {
  request: TokenRequest
  admin: ClusterAdmin | undefined
  known: KnownToken | undefined
  migration: Pick<Migration, 'spool' | 'file'>
  clock: Clock
  signal: AbortSignal
  /** For the user, in words: what is replaced, and what is left to be revoked. Told before anything is created. */
  tell: (note: string) => void
}

export interface ObtainedToken {
  secret: string
  /** Whether it was created just now, and has to be put down in the state. */
  created: boolean
  id: string | undefined
  /** Milliseconds since the epoch; `undefined` for a token that was given. */
  createdAt: number | undefined
}

/**
 * A created token is kept before this returns. One that an earlier run created and whose secret is gone, or that
 * lacks a database now asked for, is replaced. Its id is told before that: a run that is killed right after has named it.
 *
 * @throws Failure `token/none`, `token/no-place`, `token/not-kept`, `token/unreadable`, `secret/...`, `admin/...`
 */
export async function obtainToken(options: ObtainOptions): Promise<ObtainedToken> {
  const { request, known, admin, migration, signal, tell } = options
  if (request.given !== undefined) {
    const secret = await resolveSecret(request.given, signal)
    return { secret, created: false, id: undefined, createdAt: undefined }
  }
  const path = tokenPath(migration.spool.dir, request)
  const kept = path === undefined ? undefined : await readKeptToken(path)
  const missing = known === undefined ? [] : missingDatabases(request, known)
  if (kept !== undefined && missing.length === 0) {
    const createdAt = known === undefined ? kept.writtenAt : Date.parse(known.createdAt)
    for (const note of kept.notes) tell(note)
    return { secret: kept.secret, created: false, id: known?.id, createdAt }
  }
  if (admin === undefined) throw nobodyToAsk(request, migration.file)
  const why = missing.length > 0 ? `lacks ${missing.join(', ')}` : 'is lost'
  return create(options, admin, path, why)
}

/** Where a created token is kept; `undefined` when a command takes it, which cannot be asked for it again. */
export function tokenPath(spoolDir: string, { keep, description }: TokenRequest): string | undefined {
  if (keep !== undefined) return keep.kind === 'file' ? keep.path : undefined
  const slug = description
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  // Descriptions that differ only in what a slug drops must not share a file.
  const hash = createHash('sha256').update(description).digest('hex').slice(0, 8)
  return join(spoolDir, 'tokens', `${[slug, hash].filter(Boolean).join('-')}.token`)
}

async function create(
  { request, known, clock, signal, tell }: ObtainOptions,
  admin: ClusterAdmin,
  path: string | undefined,
  why: string,
): Promise<ObtainedToken> {
  const { description, read, write, expiresAt } = request
  if (known !== undefined) tell(replaced(description, known, why, request))
  const namesakes = (await admin.listTokens(signal)).filter(
    (token) => token.description === description && token.id !== known?.id,
  )
  if (namesakes.length > 0) {
    tell(
      `the cluster has other tokens described "${description}" (${namesakes.map(({ id }) => id).join(', ')}); ` +
        'revoke those that nobody uses',
    )
  }
  if (path !== undefined) await preparePlace(path)
  const createdAt = clock.now()
  const { id, secret } = await admin.createToken({ description, read, write, expiresAt }, signal)
  await keepToken(path ?? commandOf(request), secret, id, signal)
  return { secret, created: true, id, createdAt }
}

function missingDatabases({ read, write }: TokenRequest, { databases }: KnownToken): string[] {
  if (databases.includes('*')) return []
  return [...new Set([...read, ...write])].filter((database) => !databases.includes(database))
}

function replaced(
  description: string,
  { id, createdAt }: KnownToken,
  why: string,
  { keep }: TokenRequest,
): string {
  const which = id === undefined ? `of ${createdAt}` : id
  const reason = keep?.kind === 'command' && why === 'is lost' ? 'was handed to a command' : why
  return `the token "${description}" (${which}) ${reason}; a new one takes its place, revoke the old one`
}

function commandOf({ keep }: TokenRequest): string[] {
  return keep?.kind === 'command' ? keep.command : []
}

function nobodyToAsk({ description }: TokenRequest, file: string): Failure {
  return new Failure('token/none', `there is no token "${description}", and none can be created`, {
    where: file,
    remedy:
      'Run with the token phase too, which creates one. With "admin: { kind: none }" give a ready one:\n' +
      'tokens: [{ env: INFLUX_TOKEN }]',
    exit: ExitCode.manifest,
  })
}
