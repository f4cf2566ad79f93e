// npm run generate: what follows from schemas/: types and validators in src/, and the manifest reference in README.md; and the kernel.
// With --check nothing is written, and a file that is not current fails the check.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standalone from 'ajv/dist/standalone/index.js'
import { compile } from 'json-schema-to-typescript'
import { kernelFiles } from './build-kernel.mjs'
import { manifestReference } from './manifest-reference.mjs'

const root = new URL('../', import.meta.url)
const types = {
  'schemas/manifest.schema.json': 'src/manifest/manifest.generated.ts',
  'schemas/state.schema.json': 'src/state/state.generated.ts',
  'schemas/plan.schema.json': 'src/plan/plan-file.generated.ts',
  'schemas/event.schema.json': 'src/run/event.generated.ts',
  'schemas/verification.schema.json': 'src/verify/verification.generated.ts',
  'schemas/report.schema.json': 'src/report/report.generated.ts',
}

/** Compiled here, not at each start: that took a fifth of the time of a run with nothing to do. */
const validators = {
  'schemas/manifest.schema.json': {
    file: 'src/manifest/manifest-validator.generated.ts',
    options: { allErrors: true, verbose: true, discriminator: true, allowUnionTypes: true },
  },
  'schemas/state.schema.json': {
    file: 'src/state/state-validator.generated.ts',
    options: { strict: false, validateFormats: false },
  },
  'schemas/verification.schema.json': {
    file: 'src/verify/verification-validator.generated.ts',
    options: { strict: false, validateFormats: false },
  },
}

const check = process.argv.includes('--check')
const stale = []

for (const [schemaFile, typesFile] of Object.entries(types)) {
  if (!existsSync(new URL(schemaFile, root))) continue
  write(typesFile, await typesOf(JSON.parse(read(schemaFile)), schemaFile))
}
if (existsSync(new URL('README.md', root))) {
  const schema = JSON.parse(read('schemas/manifest.schema.json'))
  write('README.md', withReference(read('README.md'), await manifestReference(schema)))
}
for (const [schemaFile, { file, options }] of Object.entries(validators))
  write(file, validatorOf(JSON.parse(read(schemaFile)), schemaFile, options))
for (const [file, text] of Object.entries(await kernelFiles())) write(file, text)
if (stale.length > 0) {
  console.error(`not current: ${stale.join(', ')}. Run: npm run generate`)
  process.exit(1)
}

/** @returns TypeScript with one exported type for each `title` in the schema. */
function typesOf(schema, schemaFile) {
  return compile(withoutNotes(schema), schema.title, {
    bannerComment: `// Made from ${schemaFile} by scripts/generate.mjs. Change the schema, not this file.`,
    additionalProperties: true,
    cwd: fileURLToPath(new URL('schemas/', root)),
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: false,
    format: true,
    style: { semi: false, singleQuote: true, printWidth: 110, trailingComma: 'all' },
  })
}

/** @returns a module whose default export is Ajv's function for the schema. */
function validatorOf(schema, schemaFile, options) {
  const ajv = new Ajv2020({ ...options, inlineRefs: false, code: { source: true, esm: true } })
  const text = standalone.default(ajv, ajv.compile(schema))
  // Ajv writes ES modules, but takes its own helpers in by require.
  const require = text.includes('require(')
    ? "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n"
    : ''
  return `// @ts-nocheck: made from ${schemaFile} by scripts/generate.mjs. Change the schema, not this file.\n${require}${text}\n`
}

/** Without examples and defaults, which the generator would repeat in comments, and without what only validators use. */
function withoutNotes(node) {
  if (Array.isArray(node)) return node.map(withoutNotes)
  if (typeof node !== 'object' || node === null) return node
  // A description beside a reference would make a second, numbered type of what is referred to.
  if (typeof node.$ref === 'string') return { $ref: node.$ref }
  const isSchema = !Object.hasOwn(node, 'examples') || Array.isArray(node.examples)
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => !isSchema || !['examples', 'discriminator', '$id'].includes(key))
      // Beside oneOf, a type of its own would make the generator write an intersection with an open object.
      .filter(([key]) => !(Array.isArray(node.oneOf) && ['type', 'required'].includes(key)))
      .map(([key, value]) => [key, withoutNotes(value)]),
  )
}

function withReference(text, table) {
  const [start, end] = ['<!-- manifest-reference:start -->', '<!-- manifest-reference:end -->']
  const from = text.indexOf(start)
  const to = text.indexOf(end)
  return from < 0 || to < from ? text : `${text.slice(0, from + start.length)}\n\n${table}\n${text.slice(to)}`
}

function read(file) {
  return readFileSync(new URL(file, root), 'utf8')
}

/** Leaves a file that is right as it is alone, so that builds that look at file times do nothing. */
function write(file, text) {
  const url = new URL(file, root)
  if (existsSync(url) && readFileSync(url, 'utf8') === text) return
  if (check) stale.push(file)
  else writeFileSync(url, text)
}
