// Made from schemas/manifest.schema.json by scripts/generate.mjs. Change the schema, not this file.

export type Source = DataDirSource | LineProtocolSource
/**
 * @minItems 1
 */
export type Command = string | string[]
export type Url = string
export type Admin = InfluxctlAdmin | ApiAdmin | NoAdmin
/**
 * Never written here itself: ${VARIABLE}, { file: path } or { command: [program, argument] } that prints it.
 */
export type Secret =
  | string
  | {
      /**
       * File that holds the secret.
       */
      file?: string
      command?: Command
    }
export type PartitionPart = TimePart | TagPart | BucketPart

/**
 * What to move from InfluxDB 1.x to InfluxDB Clustered. Any text may hold variables: ${NAME} or ${NAME:-default}; $${ stands for ${ itself. Relative paths are relative to the folder of this file.
 */
export interface Manifest {
  /**
   * Version of this file format.
   */
  apiVersion: 'influx-ferry/v1'
  /**
   * Name of the migration: letters, digits, '.', '_' and '-', starting with a letter or digit. It names the work folder and the token.
   */
  name: string
  /**
   * Where the data is read from. The source is never written to.
   *
   * @minItems 1
   */
  sources: Source[]
  timeRange?: TimeRange
  target?: Target
  /**
   * Which database and retention policy goes into which database of the cluster. Where several match, the first one takes the data.
   *
   * @minItems 1
   */
  mappings: Mapping[]
  /**
   * Database tokens to create, or given ones to use. Default: one token that may read and write every target database.
   *
   * @minItems 1
   */
  tokens?: TokenRequest[]
  /**
   * staged: everything is exported into the work folder, then written from there. direct: batches are written as they are made, and nothing waits on disk; what an interruption leaves half sent is read once more. What is under way is finished the way it began.
   */
  transfer?: 'staged' | 'direct'
  verify?: Verify
  spool?: Spool
  /**
   * Changes for one environment each, chosen with --env NAME. An object is merged into the one above, key by key; a list or a single value replaces it; an object whose kind changes is replaced as a whole.
   */
  environments?: {
    [k: string]: Environment
  }
}
/**
 * The data folder of an InfluxDB 1.x server, or a restored backup of one.
 */
export interface DataDirSource {
  /**
   * How mappings call this source.
   */
  name: string
  /**
   * data-dir: the folders of an InfluxDB 1.x server.
   */
  kind: 'data-dir'
  /**
   * What reads the files: tsm, influx-ferry itself, which checks every block and needs no program of InfluxDB's; or influx_inspect, InfluxData's own tool.
   */
  reader?: 'tsm' | 'influx_inspect'
  /**
   * For a source whose influxd is running. hardlink: hard links to the TSM files and a copy of the WAL are made, read, and removed when the export is over. none: the files are read where they are, and a slice whose files change meanwhile fails.
   */
  snapshot?: 'none' | 'hardlink'
  /**
   * Folder for the snapshot, on the file system of dataDir. Default: snapshot/NAME in the work folder.
   */
  snapshotDir?: string
  /**
   * What happens at a damaged block or file (reader tsm). fail: its slice fails, the others go on. skip: it is left out and listed in the dead letter, and the run ends with exit code 3.
   */
  onCorruption?: 'fail' | 'skip'
  /**
   * The folder with one folder a database in it ([data] dir in influxdb.conf).
   */
  dataDir: string
  /**
   * The folder of the write-ahead log ([data] wal-dir). Default: wal beside dataDir.
   */
  walDir?: string
  /**
   * The folder with meta.db ([meta] dir), which tells retention periods and shard windows. Default: meta beside dataDir.
   */
  metaDir?: string
  command?: Command
}
/**
 * Files that were exported already: line protocol, plain or gzipped, with or without the comment lines of influx_inspect.
 */
export interface LineProtocolSource {
  /**
   * How mappings call this source.
   */
  name: string
  /**
   * line-protocol: .lp and .lp.gz files.
   */
  kind: 'line-protocol'
  /**
   * Files or patterns with *. A value in a later file replaces the same point's value in an earlier one.
   *
   * @minItems 1
   */
  files: string[]
}
export interface TimeRange {
  /**
   * RFC 3339 time of the first point to move. Default: the beginning of time.
   */
  start?: string
  /**
   * RFC 3339 time before which points are moved. Default: the end of time.
   */
  end?: string
}
export interface Target {
  url?: Url
  admin?: Admin
  write?: Write
  tls?: Tls
}
/**
 * By InfluxData's influxctl, with a profile of yours or with a management token.
 */
export interface InfluxctlAdmin {
  /**
   * influxctl: run InfluxData's command line tool.
   */
  kind: 'influxctl'
  command?: Command
  /**
   * The profile to use, from your influxctl configuration.
   */
  profile?: string
  /**
   * Your influxctl configuration file. Default: the one influxctl looks for.
   */
  config?: string
  token?: Secret
}
/**
 * By the cluster's management API (/api/v0), there since InfluxDB Clustered 20250508.
 */
export interface ApiAdmin {
  /**
   * api: the management API.
   */
  kind: 'api'
  token: Secret
}
/**
 * Databases and tokens are made by somebody else.
 */
export interface NoAdmin {
  /**
   * none: nothing is created; the run only checks that the databases are there.
   */
  kind: 'none'
}
export interface Write {
  /**
   * v2: POST /api/v2/write; v1: POST /write.
   */
  api?: 'v1' | 'v2'
  /**
   * How many batches are under way at a time.
   */
  concurrency?: number
  /**
   * The most that one request holds, whichever is reached first.
   */
  batch?: {
    /**
     * Lines in a batch.
     */
    lines?: number
    /**
     * Size of a batch before gzip. Clusters refuse more than 50 MiB.
     */
    bytes?: string | number
  }
  /**
   * Upper limit of the rate of sending, as sent (gzipped). Default: none.
   */
  limit?: string
  /**
   * How long an answer to one request is waited for.
   */
  timeout?: string
  /**
   * How long a new token may be refused (401) until the cluster knows it.
   */
  tokenActivation?: string
  /**
   * How often one batch is sent again after 500, 504, a broken connection or no answer. (429 and 503 are waited out, as long as some batch is stored every 10 minutes.)
   */
  maxRetries?: number
}
export interface Tls {
  /**
   * PEM file with the certificates that are trusted. Default: those of the system.
   */
  ca?: string
  /**
   * true: do not check the certificate at all.
   */
  insecure?: boolean
}
export interface Mapping {
  /**
   * Name of the source.
   */
  source: string
  /**
   * Database in the source; * stands for any characters. Needed for data-dir; for line-protocol files that name no database, leave it out.
   */
  database?: string
  /**
   * Retention policy in the source; * stands for any characters. Needed for data-dir.
   */
  retentionPolicy?: string
  /**
   * Database in the cluster, at most 64 letters, digits, '_', '/' and '-'. {database} and {retentionPolicy} stand for the names in the source.
   */
  target: string
  timeRange?: TimeRange
  /**
   * Retention period of the target database: source (as in the source), infinite, or a duration of at least 1h (units m h d w mo y).
   */
  retentionPeriod?: string
  /**
   * Limit of tables (measurements) of the target database. Default: the cluster's, 500.
   */
  maxTables?: number
  /**
   * Limit of columns (time, tags and fields) a table of the target database. Default: the cluster's, 250. Only tables created later get a changed limit.
   */
  maxColumns?: number
  /**
   * How the target database cuts its tables: one time part and up to 7 tag or bucket parts. It cannot be changed later. Default: by day.
   *
   * @minItems 1
   * @maxItems 8
   */
  partitionTemplate?: PartitionPart[]
  /**
   * What is changed on the way, rule by rule: each rule sees what the one before it has left. Within a rule, keys are applied in the order in which they are described here.
   *
   * @minItems 1
   */
  transforms?: Transform[]
  /**
   * What happens to points that the cluster's line protocol cannot express, or the cluster does not take: tabs in names, strings that are too long or not UTF-8, ... fail: nothing is written while there are some (with transfer: direct the slice fails that has one). dead-letter: they are listed in the dead letter, and the rest is moved.
   */
  onInexpressible?: 'fail' | 'dead-letter'
  /**
   * How many points of this mapping may be refused, by the cluster or by influx-ferry, before the run stops: a number, or a part of the points so far: of those that were read, what influx-ferry refused, and of those that were sent, what the cluster refused; each counts only when it is about as many points as target.write.batch.lines. Default: any.
   */
  maxRejected?: number | string
}
/**
 * Cuts by day, month or year.
 */
export interface TimePart {
  /**
   * time: cut by time.
   */
  type: 'time'
  /**
   * Day, month or year.
   */
  value: '%Y-%m-%d' | '%Y-%m' | '%Y'
}
/**
 * Cuts by the value of a tag.
 */
export interface TagPart {
  /**
   * tag: cut by a tag's values.
   */
  type: 'tag'
  /**
   * Name of the tag.
   */
  value: string
}
/**
 * Cuts by a hash of the value of a tag.
 */
export interface BucketPart {
  /**
   * bucket: cut by a hash of a tag's values.
   */
  type: 'bucket'
  /**
   * The tag and the number of buckets.
   */
  value: {
    /**
     * Name of the tag.
     */
    tagName: string
    /**
     * How many buckets.
     */
    numberOfBuckets: number
  }
}
export interface Transform {
  /**
   * Measurements the rule is about; * stands for any characters.
   */
  measurement?: string
  /**
   * true: the measurement is not moved at all.
   */
  drop?: boolean
  /**
   * Only series with these tag values are moved: one of the list must fit, with all of its tags. * stands for any characters; "" for a tag that is not there.
   *
   * @minItems 1
   */
  keepSeries?: {
    [k: string]: string
  }[]
  /**
   * Series with these tag values are not moved.
   *
   * @minItems 1
   */
  dropSeries?: {
    [k: string]: string
  }[]
  /**
   * Only these fields are moved; * stands for any characters.
   *
   * @minItems 1
   */
  keepFields?: string[]
  /**
   * Fields that are not moved.
   *
   * @minItems 1
   */
  dropFields?: string[]
  /**
   * Only these tags are kept. Series that become one by that are merged.
   *
   * @minItems 1
   */
  keepTags?: string[]
  /**
   * Tags that are left out. Series that become one by that are merged.
   *
   * @minItems 1
   */
  dropTags?: string[]
  /**
   * Fields and the type that they get. A value that is not one of that type goes to the dead letter: 1.5 and "abc" are no integer.
   */
  cast?: {
    [k: string]: 'float' | 'integer' | 'unsigned' | 'string' | 'boolean'
  }
  /**
   * Fields of which the values of some types get another name.
   */
  splitByType?: {
    [k: string]: FieldByType
  }
  /**
   * Tags that become fields of type string. Series that become one by that are merged.
   *
   * @minItems 1
   */
  tagsToFields?: string[]
  /**
   * Fields whose values become tags of their row.
   *
   * @minItems 1
   */
  fieldsToTags?: string[]
  /**
   * Tags and their new names.
   */
  renameTags?: {
    [k: string]: string
  }
  /**
   * Fields and their new names.
   */
  renameFields?: {
    [k: string]: string
  }
  /**
   * Tags that every row gets, in place of what it has by this name.
   */
  setTags?: {
    [k: string]: string
  }
  /**
   * Moves fields into measurements of their own, with the same tags and times: for tables with too many columns. Other fields stay. * stands for any characters.
   */
  splitFields?: {
    /**
     * @minItems 1
     */
    [k: string]: string[]
  }
  /**
   * Times are cut to this precision. Of points of one field whose times become equal, the latest is kept.
   */
  precision?: 'us' | 'ms' | 's' | 'm' | 'h'
  /**
   * New name of the measurement; {measurement} stands for the old one.
   */
  rename?: string
}
export interface FieldByType {
  /**
   * Name of the field for values of type float.
   */
  float?: string
  /**
   * Name of the field for values of type integer.
   */
  integer?: string
  /**
   * Name of the field for values of type unsigned.
   */
  unsigned?: string
  /**
   * Name of the field for values of type string.
   */
  string?: string
  /**
   * Name of the field for values of type boolean.
   */
  boolean?: string
}
export interface TokenRequest {
  /**
   * By this the token is found again. Default: influx-ferry and the manifest's name.
   */
  description?: string
  /**
   * Target databases the token may read; "*" for all of the cluster. Default: every target database.
   */
  read?: string[]
  /**
   * Target databases the token may write; "*" for all of the cluster. Default: every target database.
   */
  write?: string[]
  /**
   * RFC 3339 time at which the token ends. Default: never.
   */
  expiresAt?: string
  /**
   * Use the token in this environment variable instead of creating one.
   */
  env?: string
  token?: Secret
  /**
   * Where a created token is kept: in a file (mode 0600), or with a command that gets it on standard input. Default: a file in the work folder.
   */
  keep?: {
    /**
     * File that gets the token.
     */
    file?: string
    command?: Command
  }
}
export interface Verify {
  /**
   * What a run compares in the end. basic: for every measurement, field and slice how many points there are, first and last time, minimum, maximum and sum. full: also every value, which reads all of it back. none: nothing.
   */
  level?: 'basic' | 'full' | 'none'
  /**
   * How many queries are under way at a time.
   */
  concurrency?: number
}
export interface Spool {
  /**
   * Folder for exported data, refused lines and tokens. Default: the folder .influx-ferry/NAME beside the manifest, with --env .influx-ferry/NAME.ENVIRONMENT.
   */
  dir?: string
  /**
   * Memory for sorting rows; what does not fit waits on disk.
   */
  memory?: string | number
  /**
   * Threads that read TSM files (the default is the number of cores); fewer where "memory" is not enough for them. What is exported is the same, whatever the number.
   */
  workers?: number
  /**
   * 1 is fast, 9 is small.
   */
  gzipLevel?: number
}
/**
 * What differs in one environment.
 */
export interface Environment {
  /**
   * Replaces all sources.
   *
   * @minItems 1
   */
  sources?: Source[]
  timeRange?: TimeRange
  /**
   * Changes to target.
   */
  target?: {
    url?: Url
    /**
     * Changes to target.admin; another kind replaces it.
     */
    admin?: {
      /**
       * influxctl, api or none.
       */
      kind?: 'influxctl' | 'api' | 'none'
      command?: Command
      /**
       * Profile of influxctl.
       */
      profile?: string
      /**
       * Configuration of influxctl.
       */
      config?: string
      token?: Secret
    }
    write?: Write
    tls?: Tls
  }
  /**
   * Replaces all mappings.
   *
   * @minItems 1
   */
  mappings?: Mapping[]
  /**
   * Replaces all tokens.
   *
   * @minItems 1
   */
  tokens?: TokenRequest[]
  /**
   * Replaces transfer.
   */
  transfer?: 'staged' | 'direct'
  verify?: Verify
  spool?: Spool
}
