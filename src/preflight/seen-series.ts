/** A series as a survey meets it in one slice: its names decoded, one entry for each field and type of it. */
import { isUtf8 } from 'node:buffer'
import type { FieldType } from '../manifest/migration.ts'
import type { SeriesNames } from '../lines/series-key.ts'

export interface SeenSeries {
  measurement: string
  tags: [key: string, value: string][]
  /** A name that is not UTF-8 is read as if it were; `reason` says so. */
  refused: string | undefined
  fields: SeenField[]
}

export interface SeenField {
  name: string
  type: FieldType
  refused: string | undefined
  /** Of what is stored, nanoseconds. */
  first: bigint
  last: bigint
  /** Stored points, overwritten ones too: counted when asked for, while the series is at hand. */
  points: () => number
}

export function seenSeries({ measurement, tags }: SeriesNames, fields: SeenField[]): SeenSeries {
  const refused =
    notUtf8(measurement, 'measurement') ??
    tags
      .map(({ key, value }) => notUtf8(key, 'tag key') ?? notUtf8(value, 'tag value'))
      .find((reason) => reason !== undefined)
  return {
    measurement: measurement.toString(),
    tags: tags.map(({ key, value }) => [key.toString(), value.toString()]),
    refused,
    fields,
  }
}

export function notUtf8(name: Uint8Array, kind: string): string | undefined {
  return isUtf8(name) ? undefined : `the ${kind} is not valid UTF-8`
}
