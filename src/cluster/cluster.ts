/** The target as the run sees it. Two admin kinds and two write APIs stand behind these interfaces. */
import type { PartitionPart } from '../manifest/migration.ts'

export interface DatabaseInfo {
  name: string
  /** Nanoseconds; `0n` is infinite. */
  retentionPeriod: bigint
  /** `undefined` when the cluster does not say. */
  maxTables: number | undefined
  maxColumns: number | undefined
}

export interface DatabaseSpec extends DatabaseInfo {
  partitionTemplate: PartitionPart[] | undefined
}

export interface TokenInfo {
  id: string
  description: string
}

export interface TokenSpec {
  description: string
  /** Database names, or `['*']`. */
  read: string[]
  write: string[]
  /** RFC 3339. */
  expiresAt: string | undefined
}

/** influxctl or the management API. Every method throws a Failure (`admin/...`) whose message holds no secret. */
export interface ClusterAdmin {
  listDatabases(signal: AbortSignal): Promise<DatabaseInfo[]>
  createDatabase(spec: DatabaseSpec, signal: AbortSignal): Promise<void>
  updateDatabase(
    name: string,
    change: { retentionPeriod: bigint; maxTables: number | undefined; maxColumns: number | undefined },
    signal: AbortSignal,
  ): Promise<void>
  listTokens(signal: AbortSignal): Promise<TokenInfo[]>
  /** The secret is shown once, here. `id` is undefined where the server's answer does not hold it. */
  createToken(spec: TokenSpec, signal: AbortSignal): Promise<{ id: string | undefined; secret: string }>
  /** Removes what was written for the connection (the temporary profile). */
  close(): Promise<void>
}

/** One answer of the write API. `status` 0 means that no answer came (`error` says why): the outcome is unknown. */
export interface WriteResponse {
  status: number
  body: string
  /** Milliseconds, from a Retry-After header. */
  retryAfter: number | undefined
  error: string | undefined
}

/** Sends one gzipped body to one database: exactly one HTTP request, no retry, no re-encoding. */
export interface WriteClient {
  write(database: string, gzip: Uint8Array, signal: AbortSignal): Promise<WriteResponse>
  close(): void
}
