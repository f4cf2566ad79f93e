/** The second layer: the manifest against its JSON Schema, in words a person can act on. */
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { didYouMean } from './did-you-mean.ts'
import type { Finding, Path } from './finding.ts'
import validator from './manifest-validator.generated.ts'
import type { SchemaNode } from './schema.ts'
import { describeSchemaError } from './schema-messages.ts'

const validate = validator as ValidateFunction

/** Everything in `data` that the schema does not allow, all at once. */
export function validateAgainstSchema(data: unknown): Finding[] {
  if (validate(data)) return []
  const findings = withoutMistyped((validate.errors ?? []).filter(isOwnError)).map((error) =>
    toFinding(data, error),
  )
  return withoutRepetition(findings)
}

/** Without what is said by another error too: the tag of a union, and the pattern under `propertyNames`. */
function isOwnError({ keyword, params, parentSchema, propertyName }: ErrorObject): boolean {
  const { discriminator } = (parentSchema ?? {}) as SchemaNode
  const { missingProperty } = params as { missingProperty?: string }
  const isTag = keyword === 'required' && missingProperty === discriminator?.propertyName
  return !isTag && propertyName === undefined
}

/** A mistyped key is one mistake, not an unknown and a missing one. */
function withoutMistyped(errors: ErrorObject[]): ErrorObject[] {
  const meant = new Set(
    errors.flatMap(({ keyword, instancePath, params, parentSchema }) => {
      const { additionalProperty = '' } = params as { additionalProperty?: string }
      const known = Object.keys((parentSchema as SchemaNode | undefined)?.properties ?? {})
      return keyword === 'additionalProperties'
        ? [`${instancePath}/${didYouMean(additionalProperty, known)}`]
        : []
    }),
  )
  return errors.filter(({ keyword, instancePath, params }) => {
    const { missingProperty } = params as { missingProperty?: string }
    return keyword !== 'required' || !meant.has(`${instancePath}/${missingProperty}`)
  })
}

function toFinding(data: unknown, error: ErrorObject): Finding {
  const path = pathOf(data, error.instancePath)
  const { message, hint, code, key } = describeSchemaError(error, path)
  return {
    severity: 'error',
    code: `manifest/${code}`,
    message,
    path: key === undefined ? path : [...path, key],
    ...((code === 'unknown-key' || code === 'bad-name') && { at: 'key' as const }),
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
