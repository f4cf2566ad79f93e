/** The second layer: the manifest against its JSON Schema, in words a person can act on. */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Finding, Path } from './finding.ts'
import { describeSchemaError } from './schema-messages.ts'

let compiled: ValidateFunction | undefined

/** Everything in `data` that the schema does not allow, all at once. */
export function validateAgainstSchema(data: unknown): Finding[] {
  compiled ??= compile()
  if (compiled(data)) return []
  const findings = (compiled.errors ?? []).filter(isOwnError).map((error) => toFinding(data, error))
  return withoutRepetition(findings)
}

function compile(): ValidateFunction {
  // The same relative place from src/manifest/ and from dist/manifest/; the package ships schemas/.
  const schema = new URL('../../schemas/manifest.schema.json', import.meta.url)
  const ajv = new Ajv2020({ allErrors: true, verbose: true, discriminator: true, allowUnionTypes: true })
  return ajv.compile(JSON.parse(readFileSync(schema, 'utf8')) as object)
}

/** A discriminator names the branch that was meant; what it needs of `required` it reports itself. */
function isOwnError({ keyword, schemaPath, params }: ErrorObject): boolean {
  const parameters = params as Record<string, unknown>
  return !(
    keyword === 'required' &&
    /\$defs\/\w+\/required$/.test(schemaPath) &&
    isTag(parameters['missingProperty'], schemaPath)
  )
}

/** The tag of a union is asked for twice: by the union itself and by its discriminator. */
function isTag(property: unknown, schemaPath: string): boolean {
  const union = /\$defs\/(source|admin|partitionPart)\/required$/.test(schemaPath)
  return union && (property === 'kind' || property === 'type')
}

function toFinding(data: unknown, error: ErrorObject): Finding {
  const path = pathOf(data, error.instancePath)
  const { message, hint, code, key } = describeSchemaError(error, path)
  return {
    severity: 'error',
    code: `manifest/${code}`,
    message,
    path: key === undefined ? path : [...path, key],
    ...(code === 'unknown-key' && { at: 'key' as const }),
    ...(hint !== undefined && { hint }),
  }
}

/** A JSON pointer as a path, with numbers where the data has a list. */
function pathOf(data: unknown, pointer: string): Path {
  const path: Path = []
  let here = data
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(here) ? Number(key) : key)
    here = (here as Record<string, unknown> | undefined)?.[key]
  }
  return path
}

function withoutRepetition(findings: Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.filter((finding) => {
    const id = JSON.stringify([finding.path, finding.message])
    return !seen.has(id) && seen.add(id)
  })
}
