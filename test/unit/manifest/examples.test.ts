import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadManifest } from '../../../src/manifest/load.ts'
import { matchesPattern } from '../../../src/manifest/target-name.ts'

const root = join(import.meta.dirname, '../../..')
const schemaFile = join(root, 'schemas/manifest.schema.json')
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as object
const env = { INFLUX_HOST: 'cluster.example.com', INFLUX_MANAGEMENT_TOKEN: 'm', INFLUX_TOKEN: 't' }
const examples = readExamples()

describe.each(examples)('$name', ({ file, text }) => {
  it('starts with the schema that editors read', () => {
    const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? []
    expect(resolve(dirname(file), path)).toBe(schemaFile)
  })

  it('fits the schema as editors understand it, without extensions', () => {
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema)
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true)
  })

  it('loads without errors or warnings, in each environment', async () => {
    const { environments } = parse(text) as { environments?: object }
    const options =
      environments === undefined
        ? [{ env }]
        : Object.keys(environments).map((environment) => ({ env, environment }))
    for (const option of options) {
      const { migration, diagnostics } = await loadManifest(file, option)
      expect(diagnostics.filter(({ severity }) => severity !== 'note')).toEqual([])
      expect(migration?.sources.length).toBeGreaterThan(0)
      for (const source of migration?.sources ?? []) {
        if (source.kind === 'line-protocol')
          for (const pattern of source.files) expect(filesOf(pattern), pattern).not.toEqual([])
      }
    }
  })
})

it('has an example of each case', () => {
  expect(examples.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['environments', 'line-protocol', 'many-policies', 'one-database']),
  )
})

it('needs an environment where there is no address without one', async () => {
  const { diagnostics } = await loadManifest(join(root, 'examples/environments/manifest.yaml'), { env })
  expect(diagnostics).toMatchObject([
    { code: 'target/no-url', hint: 'choose an environment: --env staging or --env production' },
  ])
})

it('has a schema that is right by its own standard', () => {
  const strict = new Ajv2020({ discriminator: true, allowUnionTypes: true })
  expect(strict.validateSchema(schema), JSON.stringify(strict.errors)).toBe(true)
  expect(() => strict.compile(schema)).not.toThrow()
})

it('keeps the schema described: every property says what it is, and no other is allowed', () => {
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties, additionalProperties } = node as Record<string, object | undefined>
    if (properties !== undefined && typeof properties === 'object' && !path.endsWith('/properties')) {
      expect(additionalProperties, path).toBe(false)
      for (const [key, property] of Object.entries(properties))
        expect(property, `${path}/${key}`).toHaveProperty('description')
    }
    for (const [key, inner] of Object.entries(node)) if (key !== 'examples') visit(inner, `${path}/${key}`)
  }
  visit(schema, '')
})

it('keeps generated files current', () => {
  execFileSync(process.execPath, [join(root, 'scripts/generate.mjs'), '--check'], { stdio: 'pipe' })
})

function readExamples(): { name: string; file: string; text: string }[] {
  const folder = join(root, 'examples')
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, file: join(folder, name, 'manifest.yaml') }))
    .map((example) => ({ ...example, text: readFileSync(example.file, 'utf8') }))
}

/** What a path with * in its last part names. */
function filesOf(pattern: string): string[] {
  return readdirSync(dirname(pattern)).filter((name) => matchesPattern(basename(pattern), name))
}
