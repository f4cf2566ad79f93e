/** The token phase: a database token for every target, in hand for the writing and nowhere else. */
import { ExitCode, Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import type { ClusterAdmin, WriteClient } from '../cluster/cluster.ts'
import { obtainToken } from '../cluster/tokens.ts'
import type { QueryClient } from '../cluster/query.ts'
import { openWriteClient } from '../cluster/write-client.ts'
import type { TokenRequest } from '../manifest/migration.ts'
import { PatientQuery } from '../verify/patient-query.ts'
import { targetsOf, type RunContext } from './context.ts'

export interface TokenInHand {
  secret: string
  /** Milliseconds; `undefined` for a token that was given. A young token's 401 is waited out. */
  createdAt: number | undefined
  databases: ReadonlySet<string>
  /** Databases it may read. */
  readable: ReadonlySet<string>
}

/** Opens the client for a target database, with the token that may write there. */
export type ClientFor = (database: string) => { client: WriteClient; token: TokenInHand }

/** The tokens the manifest asks for; without any, one for all targets. */
export function tokenRequestsOf(context: Pick<RunContext, 'migration' | 'plan'>): TokenRequest[] {
  const { migration, plan } = context
  if (migration.tokens.length > 0) return migration.tokens
  const targets = plan.databases.map(({ name }) => name)
  return [
    {
      description: `influx-ferry ${migration.name}`,
      read: targets,
      write: targets,
      expiresAt: undefined,
      given: undefined,
      keep: undefined,
    },
  ]
}

/** Questions to a database, for which a young token is waited for. */
export function queryAs(
  { createdAt }: TokenInHand,
  client: QueryClient,
  database: string,
  { migration, clock, signal }: RunContext,
): PatientQuery {
  const activeBy = createdAt === undefined ? undefined : createdAt + migration.target.write.tokenActivation
  return new PatientQuery({ client, database, clock, signal, activeBy })
}

/** The tokens of a run and the clients opened with them. */
export class Tokens {
  readonly #context: RunContext
  readonly #tokens: TokenInHand[] = []
  readonly #clients = new Map<TokenInHand, WriteClient>()

  constructor(context: RunContext) {
    this.#context = context
  }

  /** Whether none was obtained yet: without the token phase nothing is created, but what is kept or given is used. */
  get isEmpty(): boolean {
    return this.#tokens.length === 0
  }

  /** @returns what was created and what was there, in words. */
  async obtain(admin: ClusterAdmin | undefined): Promise<string> {
    const { state, migration, clock, signal, observe } = this.#context
    const tell = (message: string) => observe({ type: 'note', message })
    let created = 0
    for (const request of tokenRequestsOf(this.#context)) {
      const known = state.state.tokens[request.description]
      const token = await obtainToken({ request, admin, known, migration, clock, signal, tell })
      if (token.created) {
        const { id, createdAt } = token
        const databases = [...new Set([...request.read, ...request.write])]
        state.apply({
          type: 'token-created',
          description: request.description,
          id,
          at: new Date(createdAt ?? 0).toISOString(),
          databases,
        })
        await state.save()
        created += 1
      }
      this.#tokens.push({
        secret: token.secret,
        createdAt: token.createdAt,
        databases: new Set(request.write),
        readable: new Set(request.read),
      })
    }
    this.#expectAllCovered()
    const there = this.#tokens.length - created
    return [
      created > 0 && `${countOf(created, 'token')} created`,
      there > 0 && `${countOf(there, 'token')} at hand`,
    ]
      .filter(Boolean)
      .join(', ')
  }

  clientFor(database: string): ReturnType<ClientFor> {
    const token = this.#find(database)
    if (token === undefined) throw new Error(`no token for ${database}`)
    let client = this.#clients.get(token)
    if (client === undefined) {
      client = openWriteClient(this.#context.migration.target, token.secret)
      this.#clients.set(token, client)
    }
    return { client, token }
  }

  /** The token that may read a database. @throws Failure `token/may-not-read` */
  readerOf(database: string): TokenInHand {
    const token = this.#tokens.find(({ readable }) => readable.has(database) || readable.has('*'))
    if (token !== undefined) return token
    throw new Failure('token/may-not-read', `no token in the manifest may read "${database}"`, {
      where: this.#context.migration.file,
      remedy:
        'Add the database to the "read" list of a token; or, to go without comparing, say "verify: { level: none }".',
      exit: ExitCode.manifest,
    })
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  #find(database: string): TokenInHand | undefined {
    return this.#tokens.find(({ databases }) => databases.has(database) || databases.has('*'))
  }

  #expectAllCovered(): void {
    const uncovered = [...targetsOf(this.#context)].filter((database) => this.#find(database) === undefined)
    if (uncovered.length === 0) return
    throw new Failure(
      'token/uncovered',
      `no token in the manifest may write to ${uncovered.map((name) => `"${name}"`).join(', ')}`,
      {
        where: this.#context.migration.file,
        remedy:
          'Add the database to the "write" list of a token, or leave "tokens" out to get one for all targets.',
        exit: ExitCode.manifest,
      },
    )
  }
}
