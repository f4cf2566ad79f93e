/** The manifest's JSON Schema, as far as messages are made from it. */
import { readFileSync } from 'node:fs'
import { packageFile } from '../core/package-file.ts'

export interface SchemaNode {
  description?: string
  properties?: Record<string, SchemaNode>
  oneOf?: { $ref: string }[]
  discriminator?: { propertyName: string }
  examples?: unknown[]
  default?: unknown
  const?: unknown
  $defs?: Record<string, SchemaNode>
}

let loaded: SchemaNode | undefined

export function manifestSchema(): SchemaNode {
  loaded ??= JSON.parse(readFileSync(packageFile('schemas/manifest.schema.json'), 'utf8')) as SchemaNode
  return loaded
}

/** The values that tell a union's variants apart: `data-dir`, `line-protocol`. */
export function tagsOf({ oneOf = [], discriminator }: SchemaNode): string[] {
  const tag = discriminator?.propertyName ?? ''
  return oneOf.map(({ $ref }) => {
    const variant = manifestSchema().$defs?.[$ref.replace('#/$defs/', '')]
    return String(variant?.properties?.[tag]?.const)
  })
}
