/** POST /write and POST /api/v2/write. */
import { webcrypto } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { authorize, tokenOf } from './auth.ts'
import { readBody } from './body.ts'
import type { Cluster } from './cluster.ts'
import { HttpError } from './http-error.ts'
import { ingest, type Ingested } from './ingest.ts'

const PRECISIONS = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
])

/** Carries a write through to its commit: the SHA-256 of a body that is wholly written. @throws HttpError otherwise */
export async function handleWrite(cluster: Cluster, request: IncomingMessage, url: URL): Promise<string> {
  const v1 = url.pathname === '/write'
  const body = await readBody(request, cluster.maxBodyBytes)
  const name = v1 ? v1Database(url.searchParams) : url.searchParams.get('bucket')
  if (!name) throw new HttpError(400, v1 ? 'missing field `db`' : 'missing bucket value')
  const multiplier = precision(url.searchParams, v1)
  const secret = tokenOf(request, v1 ? url.searchParams.get('p') : undefined)
  authorize(cluster.store.tokens, secret, 'write', name, {
    now: Date.now(),
    delay: cluster.faults.tokenDelay,
  })
  const hash = webcrypto.subtle.digest('SHA-256', body)
  const { rejected } = await cluster.store.exclusively(() => writeBody(cluster, name, body, multiplier))
  const sha256 = Buffer.from(await hash).toString('hex')
  if (rejected === undefined) return sha256
  const summary = rejected.nothingWritten ? 'no data written' : 'partial write has occurred'
  const lines = rejected.messages.join('\n')
  throw new HttpError(400, `${summary}, errors encountered on line(s):\n${lines}`, rejected.first)
}

type Rejected = NonNullable<Ingested['rejected']> & { nothingWritten: boolean }

async function writeBody(
  cluster: Cluster,
  name: string,
  body: Buffer,
  multiplier: bigint,
): Promise<{ rejected: Rejected | undefined }> {
  const { store, faults, stats } = cluster
  const database = store.find(name)
  if (database === undefined) throw new HttpError(404, `database "${name}" not found`)
  const ingested = ingest(database, body, {
    multiplier,
    now: BigInt(Date.now()) * 1_000_000n,
    stringLimit: cluster.stringLimit,
    partialWrites: faults.partialWrites,
    nextTableId: () => store.nextId(),
  })
  const { refused, rejected } = ingested
  if (refused !== undefined || (rejected !== undefined && !faults.partialWrites)) {
    ingested.undo()
    if (refused === undefined) throw new HttpError(400, rejected?.messages[0] ?? '')
    throw new HttpError(refused.kind === 'retention' ? faults.retentionStatus : 400, refused.message)
  }
  if (ingested.lines > 0) {
    try {
      await store.write(database, ingested.batches)
    } catch (error) {
      ingested.undo()
      throw error
    }
  }
  stats.lines += ingested.lines
  stats.points += ingested.values
  return { rejected: rejected && { ...rejected, nothingWritten: ingested.lines === 0 } }
}

/** Where the v1 API writes: a retention policy is joined in lower case, `autogen` and `default` are dropped. */
function v1Database(parameters: URLSearchParams): string | null {
  const db = parameters.get('db')
  const rp = (parameters.get('rp') ?? '').toLowerCase()
  const none = rp === '' || rp === "''" || rp === 'autogen' || rp === 'default'
  return db === null || db === '' || none ? db : `${db}/${rp}`
}

function precision(parameters: URLSearchParams, v1: boolean): bigint {
  const unit = parameters.get('precision') || 'ns'
  const multiplier = PRECISIONS.get(unit)
  if (multiplier !== undefined) return multiplier
  const target = v1 ? 'db/rp/precision' : 'org/bucket/precision'
  throw new HttpError(
    400,
    `failed to deserialize ${target} in request: unknown variant \`${unit}\`, expected one of \`s\`, \`ms\`, \`us\`, \`ns\``,
  )
}
