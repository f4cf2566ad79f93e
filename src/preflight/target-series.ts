import type { FieldType } from '../manifest/migration.ts'
export interface TargetSeries {
  measurement: string
  tags: [string, string][]
  rowTags: { key: string; field: string }[]
  fields: { name: string; type: FieldType; from: string }[]
  constants: { name: string; value: string }[]
  precision: bigint | undefined
}
export type TransformSeries = (series: {
  measurement: string
  tags: [string, string][]
  fields: { name: string; type: FieldType }[]
}) => TargetSeries[]

import type { Transform } from '../manifest/migration.ts'
export function transformOf(_transforms: readonly Transform[]): TransformSeries | undefined {
  return undefined
}
