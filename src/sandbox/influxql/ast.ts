/** The part of InfluxQL that the sandbox understands. */

export interface Source {
  database: string | undefined
  retentionPolicy: string | undefined
  measurement: string | RegExp
}

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | '=~' | '!~'

export type Condition =
  | { kind: 'and' | 'or'; left: Condition; right: Condition }
  | { kind: 'compare'; key: string; operator: Comparison; value: Literal }

export type Literal =
  | { kind: 'string'; value: string }
  | { kind: 'number'; text: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'regex'; value: RegExp }
  /** Nanoseconds: `now() - 1h` and the like, or a duration. */
  | { kind: 'time'; value: bigint }

export interface Projection {
  /** `undefined` selects the field or tag itself. */
  call: string | undefined
  distinct: boolean
  /** `*`, or the name of a field or tag. */
  name: string
  /** `float`, `field`, `tag`, ... of `"f"::float`. */
  cast: string | undefined
  alias: string | undefined
}

export interface Select {
  kind: 'select'
  projections: Projection[]
  sources: Source[]
  where: Condition | undefined
  groupBy: { all: boolean; tags: string[]; interval: bigint | undefined }
  fill: 'null' | 'none' | { number: string } | undefined
  descending: boolean
  limit: number | undefined
  offset: number
}

export interface Show {
  kind: 'show'
  what: 'measurements' | 'field keys' | 'tag keys' | 'tag values' | 'retention policies'
  /** `SHOW ... ON db`. */
  database: string | undefined
  sources: Source[]
  /** `WITH KEY = k`, `WITH KEY IN (k, l)`; for measurements `WITH MEASUREMENT = m` or `=~ /m/`. */
  keys: (string | RegExp)[]
  where: Condition | undefined
  limit: number | undefined
  offset: number
}

export type Statement = Select | Show

/** A statement that can't be answered. The message goes into the statement's `error`. */
export class QueryError extends Error {}
