/**
 * A series as a survey meets it in one slice: its names decoded, one entry for each field and type of it. Names are byte
 * strings, as transforms want them (lines/transform/byte-string.ts).
 */
import { isUtf8 } from 'node:buffer'
import type { FieldType } from '../manifest/migration.ts'
import type { SeriesNames } from '../lines/series-key.ts'
import { bytesOf } from '../lines/transform/byte-string.ts'

export interface SeenSeries {
  measurement: string
  tags: [key: string, value: string][]
  fields: SeenField[]
}

export interface SeenField {
  name: string
  type: FieldType
  /** Of what is stored, nanoseconds. */
  first: bigint
  last: bigint
  /** Stored points, overwritten ones too: counted when asked for, while the series is at hand. */
  points: () => number
}

export function seenSeries({ measurement, tags }: SeriesNames, fields: SeenField[]): SeenSeries {
  return {
    measurement: measurement.toString('latin1'),
    tags: tags.flatMap(({ key, value }) =>
      value.length === 0 ? [] : [[key.toString('latin1'), value.toString('latin1')]],
    ),
    fields,
  }
}

/** A byte string as text; `undefined` when it is not UTF-8. */
export function textOf(name: string): string | undefined {
  if (/^[ -~]*$/.test(name)) return name
  const bytes = bytesOf(name)
  return isUtf8(bytes) ? bytes.toString() : undefined
}

/** For messages: what is not UTF-8 gets the replacement character. */
export function shownText(name: string): string {
  return bytesOf(name).toString()
}
