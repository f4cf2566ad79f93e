/** `influx-ferry verify`: comparing without a run around it. */
import { ExitCode, Failure, messageOf } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { openAdmin } from '../cluster/admin.ts'
import { ping } from '../cluster/http.ts'
import { QueryClient } from '../cluster/query.ts'
import { resolveSecret } from '../io/secrets.ts'
import type { Slice } from '../plan/plan.ts'
import { PatientQuery } from '../verify/patient-query.ts'
import { QueriedDatabase } from '../verify/queried-database.ts'
import type { Verification } from '../verify/verification.generated.ts'
import { stateOf, type RunContext } from './context.ts'
import { expectLettersClose } from './letters-close.ts'
import { ServerReader } from './server-reader.ts'
import { lettersOf } from './slice-letters.ts'
import { settleRetriedLetters } from './tidy-up.ts'
import { Tokens } from './token.ts'
import { verify } from './verify.ts'
import { lockWorkFolder } from './work-folder.ts'

export interface AloneOptions {
  level: 'basic' | 'full'
  source: Verification['source']
  /** Of `source: http`. */
  server: { url: string; login: { user: string; password: Secret } | undefined } | undefined
}

/** Compares every written slice of the context. Nothing is created: a kept or given token is used. */
export async function verifyAlone(
  context: RunContext,
  { level, source, server }: AloneOptions,
): Promise<Verification> {
  const { migration, signal } = context
  const slices = context.slices.filter((slice) => stateOf(context, slice)?.status === 'written')
  const client = server === undefined ? undefined : await openServer(context, slices, server)
  const lock = await lockWorkFolder(migration)
  const tokens = new Tokens(context)
  try {
    await settleRetriedLetters(context)
    await expectLettersClose(context)
    await tokens.obtain(undefined)
    const admin = await openAdmin(migration.target, signal)
    try {
      return await verify(context, {
        ...{ slices, level, source, admin },
        ...(client !== undefined && { server: readerOf(context, client, level) }),
        readerOf: (database) => tokens.readerOf(database),
      })
    } finally {
      await admin?.close()
    }
  } finally {
    client?.close()
    tokens.close()
    await lock.release()
  }
}

async function openServer(
  { migration, signal }: RunContext,
  slices: readonly Slice[],
  { url, login }: NonNullable<AloneOptions['server']>,
): Promise<QueryClient> {
  const sources = new Set(slices.map(({ mapping }) => mapping.source))
  const refuse = (message: string, remedy: string) =>
    new Failure('verify/source-http', message, { where: migration.file, remedy, exit: ExitCode.manifest })
  if (sources.size > 1)
    throw refuse(
      `the slices are of several sources (${[...sources].join(', ')}), and one server cannot answer for all`,
      'Name the mappings of one source with --mapping.',
    )
  if (migration.mappings.some(({ source, transforms }) => sources.has(source) && transforms.length > 0))
    throw refuse(
      'what the running server answers is not what "transforms" make of it',
      'Compare with the files instead, to which transforms are applied: --source files.',
    )
  const address = { url, tls: { ca: undefined, insecure: false } }
  await ping(address, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new Failure(
      'verify/source-unreachable',
      `the source's server does not answer: ${messageOf(error)}`,
      {
        where: url,
        remedy: 'Check --source-url, and that the server runs.',
        cause: error,
      },
    )
  })
  if (login === undefined) return new QueryClient(address, undefined)
  return new QueryClient(address, { user: login.user, password: await resolveSecret(login.password, signal) })
}

function readerOf(context: RunContext, client: QueryClient, level: 'basic' | 'full'): ServerReader {
  const { clock, signal } = context
  const databases = new Map<string, QueriedDatabase>()
  return new ServerReader(
    ({ mapping: { id, database, retentionPolicy } }) => {
      const known = databases.get(id)
      if (known !== undefined) return known
      const made = new QueriedDatabase(new PatientQuery({ client, database, clock, signal }), retentionPolicy)
      databases.set(id, made)
      return made
    },
    level,
    (slice) => lettersOf(context, slice),
  )
}
