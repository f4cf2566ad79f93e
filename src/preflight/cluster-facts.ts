/** What the cluster has already and what the tokens at hand may do, as far as it can be asked. Nothing is changed there. */
import { gzipSync } from 'node:zlib'
import { Failure } from '../core/failure.ts'
import { getOrAdd } from '../core/get-or-add.ts'
import type { Clock } from '../io/clock.ts'
import { resolveSecret } from '../io/secrets.ts'
import type { ClusterAdmin, DatabaseInfo } from '../cluster/cluster.ts'
import { ping } from '../cluster/http.ts'
import { readKeptToken } from '../cluster/kept-token.ts'
import { query, type Series } from '../cluster/query.ts'
import { tokenPath } from '../cluster/tokens.ts'
import { openWriteClient } from '../cluster/write-client.ts'
import type { FieldType, Migration, TokenRequest } from '../manifest/migration.ts'

export interface ClusterFacts {
  /** By name; `undefined` when nobody can be asked (admin.kind: none). */
  databases: ReadonlyMap<string, DatabaseInfo> | undefined
  /** By database, of those that could be read. */
  tables: ReadonlyMap<string, ExistingTables>
  /** The cluster's clock minus ours, milliseconds; `undefined` when it does not tell. */
  clockDifference: number | undefined
  /** Given tokens that may not do what is needed. */
  refusals: TokenRefusal[]
  /** What could not be asked, and why that matters. */
  notes: string[]
  /** Databases that are there, whose columns cannot be read before there is a token. */
  unseen: string[]
}

/** By name. */
export type ExistingTables = ReadonlyMap<string, ExistingTable>

export interface ExistingTable {
  tags: Set<string>
  fields: Map<string, FieldType>
}

export interface TokenRefusal {
  description: string
  database: string
  action: 'read' | 'write'
  reason: string
}

export interface AskOptions {
  migration: Migration
  /** The tokens of the run. */
  tokens: readonly TokenRequest[]
  /** The databases that are written to. */
  targets: readonly string[]
  admin: ClusterAdmin | undefined
  clock: Clock
  signal: AbortSignal
}

/** @throws Failure `cluster/...` when it cannot be reached, `admin/...`, `secret/...`, `token/unreadable` */
export async function askCluster(options: AskOptions): Promise<ClusterFacts> {
  const { migration, tokens, targets, admin, clock, signal } = options
  const { date } = await ping(migration.target, signal)
  const listed = await admin?.listDatabases(signal)
  const databases = listed && new Map(listed.map((database) => [database.name, database]))
  const facts = {
    databases,
    tables: new Map<string, ExistingTables>(),
    clockDifference: date === undefined ? undefined : date - clock.now(),
    refusals: [] as TokenRefusal[],
    notes: [] as string[],
    unseen: [] as string[],
  }
  const unread: string[] = []
  for (const database of targets) {
    if (databases !== undefined && !databases.has(database)) continue
    const token = tokens.find(({ read }) => read.includes(database) || read.includes('*'))
    const secret = token && (await secretAtHand(token, migration, signal))
    const read = secret === undefined ? undefined : await tablesOrReason(options, database, secret)
    if (typeof read === 'object') facts.tables.set(database, read)
    else unread.push(database)
    if (secret === undefined) facts.unseen.push(database)
    if (typeof read === 'string' && token?.given !== undefined)
      facts.refusals.push({ description: token.description, database, action: 'read', reason: read })
    facts.refusals.push(...(await writeRefusals(options, database)))
  }
  if (unread.length > 0 && databases !== undefined)
    facts.notes.push(
      `columns that ${unread.map((name) => `"${name}"`).join(', ')} ${unread.length === 1 ? 'has' : 'have'} already are not known: there is no token at hand that may read them`,
    )
  return facts
}

/** Given, or kept by an earlier run. Nothing is created. */
async function secretAtHand(
  token: TokenRequest,
  { spool }: Migration,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (token.given !== undefined) return resolveSecret(token.given, signal)
  const path = tokenPath(spool.dir, token)
  return path === undefined ? undefined : (await readKeptToken(path))?.secret
}

/** Tables with their columns; a reason when the token may not read; `undefined` when the answer says nothing. */
async function tablesOrReason(
  { migration, signal }: AskOptions,
  database: string,
  secret: string,
): Promise<ExistingTables | string | undefined> {
  try {
    return await readTables((q) => query(migration.target, secret, database, q, signal))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return error.code === 'query/unauthorized' ? error.message : undefined
  }
}

/** Tables with their columns, asked for with `ask`, one statement at a time. @throws what `ask` does */
export async function readTables(ask: (q: string) => Promise<Series[]>): Promise<ExistingTables> {
  const tables = new Map<string, ExistingTable>()
  const tableOf = (name: string) => getOrAdd(tables, name, () => ({ tags: new Set(), fields: new Map() }))
  for (const { name, values } of await ask('SHOW FIELD KEYS'))
    for (const [field, type] of values as [string, FieldType][]) tableOf(name).fields.set(field, type)
  for (const { name, values } of await ask('SHOW TAG KEYS'))
    for (const [tag] of values as [string][]) tableOf(name).tags.add(tag)
  return tables
}

/** An empty body writes nothing, and is acknowledged when the token may write. */
async function writeRefusals(
  { migration, tokens, signal }: AskOptions,
  database: string,
): Promise<TokenRefusal[]> {
  const refusals: TokenRefusal[] = []
  for (const { given, write, description } of tokens) {
    if (given === undefined || !(write.includes(database) || write.includes('*'))) continue
    const client = openWriteClient(migration.target, await resolveSecret(given, signal))
    try {
      const { status } = await client.write(database, gzipSync(''), signal)
      if (status === 401 || status === 403)
        refusals.push({
          ...{ description, database, action: 'write' },
          reason: status === 401 ? 'the cluster does not know it' : 'it has no write access',
        })
    } finally {
      client.close()
    }
  }
  return refusals
}
