/** One error of the JSON Schema validator, in words. */
import type { ErrorObject } from 'ajv/dist/2020.js'
import { didYouMean } from './did-you-mean.ts'
import { showPath, type Path } from './finding.ts'
import { tagsOf, type SchemaNode } from './schema.ts'
import { isSecret } from './variables.ts'

export interface SchemaMessage {
  code: string
  message: string
  hint?: string
  /** A key in the value the error is about, which is what the squiggle belongs under. */
  key?: string
}

const TYPE_NAMES: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a section with keys',
  array: 'a list',
}

export function describeSchemaError(error: ErrorObject, path: Path): SchemaMessage {
  const schema = (error.parentSchema ?? {}) as SchemaNode
  const params = error.params as Record<string, unknown>
  const name = path.length === 0 ? 'the manifest' : `"${showPath(path)}"`
  const limit = String(params['limit'])
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(String(params['additionalProperty']), schema)
    case 'required':
      return missingKey(name, String(params['missingProperty']), schema)
    case 'discriminator':
      return wrongTag(name, params, schema)
    case 'type':
      return wrongType(name, error, schema, path)
    case 'const':
      return { code: 'wrong-value', message: `${name} must be ${String(schema.const)}` }
    case 'enum':
      return wrongChoice(name, error.data, (params['allowedValues'] as unknown[]).map(String))
    case 'propertyNames': {
      const key = String(params['propertyName'])
      const hint = 'letters, digits, ".", "_" and "-", a letter or digit first'
      return { code: 'bad-name', message: `"${key}" cannot be the name of an environment`, hint, key }
    }
    case 'minimum':
      return { code: 'wrong-value', message: `${name} must be at least ${limit}` }
    case 'maximum':
      return { code: 'wrong-value', message: `${name} must be at most ${limit}` }
    case 'minItems':
    case 'minLength':
      return { code: 'wrong-value', message: `${name} is empty`, ...example(schema) }
    case 'maxItems':
      return { code: 'wrong-value', message: `${name} may have at most ${limit} entries` }
    case 'minProperties':
      return {
        code: 'missing-key',
        message: `${name} needs ${list(Object.keys(schema.properties ?? {}), 'or')}`,
      }
    case 'maxProperties':
      return {
        code: 'wrong-value',
        message: `${name} takes only one of ${list(Object.keys(schema.properties ?? {}), 'and')}`,
      }
    default:
      return { code: 'wrong-value', message: `${name} ${error.message ?? 'is not valid'}` }
  }
}

function unknownKey(key: string, { properties = {} }: SchemaNode): SchemaMessage {
  const known = Object.keys(properties)
  const meant = didYouMean(key, known)
  const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
  return { code: 'unknown-key', message: `unknown key "${key}"`, hint, key }
}

function missingKey(name: string, key: string, { properties = {} }: SchemaNode): SchemaMessage {
  const property = properties[key]
  const { hint } = property === undefined ? {} : example(property, key)
  const said = [property?.description, hint].filter((part) => part !== undefined).join(' ')
  return {
    code: 'missing-key',
    message: `${name} needs the key "${key}"`,
    ...(said !== '' && { hint: said }),
  }
}

/** A `kind` or `type` that is missing or names none of the variants. */
function wrongTag(name: string, params: Record<string, unknown>, schema: SchemaNode): SchemaMessage {
  const tag = String(params['tag'])
  const value = params['tagValue']
  const choices = tagsOf(schema)
  if (value === undefined)
    return { code: 'missing-key', message: `${name} needs the key "${tag}": ${list(choices, 'or')}` }
  return { ...wrongChoice(`"${tag}"`, value, choices), key: tag }
}

function wrongChoice(name: string, value: unknown, choices: string[]): SchemaMessage {
  const meant = typeof value === 'string' ? didYouMean(value, choices) : undefined
  const message = `${name} must be ${list(choices, 'or')}, not ${show(value)}`
  return { code: 'wrong-value', message, ...(meant !== undefined && { hint: `did you mean "${meant}"?` }) }
}

function wrongType(
  name: string,
  { data, params }: ErrorObject,
  schema: SchemaNode,
  path: Path,
): SchemaMessage {
  const expected = [(params as { type: string | string[] }).type].flat()
  const names = list(
    expected.map((type) => TYPE_NAMES[type] ?? type),
    'or',
  )
  const isBare = isSecret(path) || path.includes('token')
  const message =
    data === null ? `${name} has no value` : `${name} must be ${names}${isBare ? '' : `, not ${show(data)}`}`
  return { code: 'wrong-type', message, ...typeHint(data, expected, schema) }
}

function typeHint(data: unknown, expected: string[], schema: SchemaNode): { hint?: string } {
  if (typeof data === 'string' && data.includes('${') && expected.includes('integer'))
    return { hint: 'variables stand for text only; change numbers with an environment (--env)' }
  if (expected.includes('string') && typeof data === 'object' && data !== null) {
    const [key, value] = Object.entries(data)[0] ?? []
    if (value === null && key !== undefined)
      return { hint: `write "{${key}}" in quotes: braces belong to YAML` }
  }
  if (expected.includes('string') && ['number', 'boolean'].includes(typeof data))
    return { hint: [`write "${String(data)}" in quotes`, example(schema).hint].filter(Boolean).join('. ') }
  if (expected.includes('array') && typeof data === 'string' && !expected.includes('string'))
    return { hint: `write [${JSON.stringify(data)}]` }
  return example(schema)
}

function example({ examples = [], default: standard }: SchemaNode, key?: string): { hint?: string } {
  const value = examples[0] ?? standard
  if (value === undefined) return {}
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { hint: `Example: ${key === undefined ? '' : `${key}: `}${text}` }
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.length > 40 ? `${value.slice(0, 40)}...` : value}"`
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a section' : JSON.stringify(value)
}

function list(words: string[], joint: 'or' | 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`
}
