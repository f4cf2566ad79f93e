/**
 * What a manifest means, after environments, variables and defaults: the value every later step works from.
 * Nothing here is optional by oversight: a default has been filled in, a time is nanoseconds, a size is bytes.
 */
import type { Secret } from '../core/secret.ts'
import type { TimeWindow } from '../core/time.ts'

export interface Migration {
  name: string
  /** The manifest's path as the user gave it, and the environment overlay in force. */
  file: string
  environment: string | undefined
  /**
   * SHA-256 (hex) over the canonical JSON of everything that decides *what* is moved *where*. Secrets, concurrency
   * and paths of work folders are left out, so that changing them does not contradict a run under way.
   */
  hash: string
  sources: Source[]
  timeRange: TimeWindow
  target: Target
  /** In the order of the manifest, wildcards still in them. `plan/expand.ts` meets them with a catalog. */
  mappings: Mapping[]
  tokens: TokenRequest[]
  /** Whether slices are exported to disk first, or written as they are read. */
  transfer: 'staged' | 'direct'
  verify: VerifyOptions
  spool: SpoolOptions
}

export type VerifyLevel = 'none' | 'basic' | 'full'

export interface VerifyOptions {
  level: VerifyLevel
  /** Queries under way at a time. */
  concurrency: number
}

export type Source = DataDirSource | LineProtocolSource

export interface DataDirSource {
  kind: 'data-dir'
  name: string
  reader: 'tsm' | 'influx_inspect'
  dataDir: string
  walDir: string
  /** May not exist: the catalog then falls back to directories and says so. */
  metaDir: string
  /** Where a hard-linked copy is made and read, absolute; `undefined`: the files are read where they are. */
  snapshotDir: string | undefined
  /** At a damaged block or file. Reader `tsm` only: influx_inspect's output does not tell. */
  onCorruption: 'fail' | 'skip'
  /** Reader `influx_inspect`: program and leading arguments, `['influx_inspect']` or `['docker', 'exec', 'db', 'influx_inspect']`. */
  command: string[]
}

export interface LineProtocolSource {
  kind: 'line-protocol'
  name: string
  /** Files or globs (`exports/*.lp.gz`), absolute, in the order later ones win. Not yet expanded. */
  files: string[]
}

export interface Target {
  /** Without a trailing slash. */
  url: string
  admin: Admin
  write: WriteOptions
  tls: { ca: string | undefined; insecure: boolean }
}

export type Admin =
  | {
      kind: 'influxctl'
      command: string[]
      /** The user's own profile (with the user's config file, or influxctl's default one) ... */
      profile: string | undefined
      config: string | undefined
      /** ... or a management token: then a temporary 0600 profile is written from `target.url` and removed. */
      token: Secret | undefined
    }
  | { kind: 'api'; token: Secret }
  /** Databases and tokens are made by somebody else; the run only checks that they are there. */
  | { kind: 'none' }

export interface WriteOptions {
  api: 'v1' | 'v2'
  concurrency: number
  /** Lines and raw (uncompressed) bytes a batch holds at most. */
  batch: { lines: number; bytes: number }
  /** Bytes a second over all lanes, counted on the wire (gzipped); undefined: no limit. */
  limit: number | undefined
  /** Milliseconds. */
  timeout: number
  /** How long a new token's 401 is waited out, milliseconds. */
  tokenActivation: number
  maxRetries: number
}

export interface Mapping {
  /** `mappings[3]` in the manifest; how messages point back at it. */
  index: number
  position: { line: number; column: number }
  source: string
  /** Exact name or pattern with `*`. `undefined` for a line-protocol source whose files name no database. */
  database: string | undefined
  retentionPolicy: string | undefined
  /** Target database, with `{database}` and `{retentionPolicy}` still in it. */
  target: string
  timeRange: TimeWindow
  /** `source`: as in meta.db; `0n`: infinite; else nanoseconds. */
  retentionPeriod: 'source' | bigint
  maxTables: number | undefined
  maxColumns: number | undefined
  partitionTemplate: PartitionPart[] | undefined
  /** In the order in which they are applied. */
  transforms: Transform[]
  onInexpressible: 'fail' | 'dead-letter'
  maxRejected: MaxRejected | undefined
}

export type MaxRejected = { points: number } | { percent: number }

export type FieldType = 'float' | 'integer' | 'unsigned' | 'string' | 'boolean'

/** One rule; its keys are applied in this order. Patterns are names with `*` for any characters. */
export interface Transform {
  /** Pattern of the measurement, as the rules before have left it. */
  measurement: string
  drop: boolean
  /** Each a list of alternatives, of tag keys to patterns that must all fit; `''` fits a tag that is not there. */
  keepSeries: Record<string, string>[] | undefined
  dropSeries: Record<string, string>[] | undefined
  keepFields: string[] | undefined
  dropFields: string[] | undefined
  keepTags: string[] | undefined
  dropTags: string[] | undefined
  /** By field pattern. */
  cast: Record<string, FieldType>
  /** By field name: the names that values of some types get. */
  splitByType: Record<string, Partial<Record<FieldType, string>>>
  tagsToFields: string[]
  fieldsToTags: string[]
  renameTags: Record<string, string>
  renameFields: Record<string, string>
  setTags: Record<string, string>
  /** By target measurement: patterns of fields that go there. */
  splitFields: Record<string, string[]>
  /** Nanoseconds that times are cut to a multiple of. */
  precision: bigint | undefined
  /** With `{measurement}` still in it. */
  rename: string | undefined
}

export type PartitionPart =
  | { type: 'time'; value: string }
  | { type: 'tag'; value: string }
  | { type: 'bucket'; value: { tagName: string; numberOfBuckets: number } }

export interface TokenRequest {
  description: string
  /** Target databases, or `['*']` for all. */
  read: string[]
  write: string[]
  /** RFC 3339. */
  expiresAt: string | undefined
  /** A ready token of the user's: nothing is created. */
  given: Secret | undefined
  /** Where a created token is kept: a 0600 file, or a command that gets it on standard input. */
  keep: { kind: 'file'; path: string } | { kind: 'command'; command: string[] } | undefined
}

export interface SpoolOptions {
  /** Threads that read TSM files; `undefined`: as many as there are cores. */
  workers: number | undefined
  /** Work folder: spool files, dead letters, tokens. Absolute. */
  dir: string
  /** Bytes the row assembler may use before it spills a sorted run to disk. */
  memory: number
  /** gzip level 1 to 9. */
  gzipLevel: number
}
