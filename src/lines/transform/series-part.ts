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
  /** A source field's value, or the text of a former tag. `isIn`: which rows have it; of a field, by default those of the source. */
  value: { from: number; isIn?: InRow } | { constant: string; isIn: InRow; rows: number[] }
}

/** Whether a row has something, by which source fields it has. */
export type InRow = (has: (field: number) => boolean) => boolean

export function inRowOf({ value }: PartField): InRow {
  return 'from' in value ? (value.isIn ?? ((has) => has(value.from))) : value.isIn
}
