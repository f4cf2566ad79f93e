/** The manifest's JSON Schema, as far as messages are made from it. */
import { readFileSync } from 'node:fs'

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
  // The same relative place from src/manifest/ and from dist/manifest/; the package ships schemas/.
  const file = new URL('../../schemas/manifest.schema.json', import.meta.url)
  loaded ??= JSON.parse(readFileSync(file, 'utf8')) as SchemaNode
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
