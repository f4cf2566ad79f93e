import type { FieldType } from '../../manifest/migration.ts'

/** A series on its way through the rules. */
export interface Part {
  measurement: string
  tags: Map<string, PartTag>
  fields: PartField[]
  precision: bigint | undefined
}

/** `fields`: source fields whose values, row by row, come before `text`, the later ones first. */
export interface PartTag {
  text: string
  fields: { from: number; type: FieldType }[]
}

export interface PartField {
  name: string
  type: FieldType
  /** A source field, or the text of a former tag (see `Constant` in series-transform.ts). */
  value: { from: number } | { constant: string; rows: number[]; except: number[] }
}
