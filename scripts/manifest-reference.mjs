// The manifest reference in README.md: one table a section of the manifest, from schemas/manifest.schema.json.
import prettier from 'prettier'

/** @returns Markdown, formatted as `prettier` leaves it. */
export async function manifestReference(schema) {
  const sections = []
  describeObject(schema, '', 'The manifest', schema, sections)
  const text = sections.map(({ title, note, rows }) => `#### ${title}\n\n${note}${table(rows)}`).join('\n\n')
  return prettier.format(text, { parser: 'markdown', printWidth: 110 })
}

/** Adds the section of one object, then the sections of the objects in it. */
function describeObject(node, path, title, schema, sections) {
  const rows = []
  const inner = []
  for (const [key, reference] of Object.entries(node.properties)) {
    const property = resolve(reference, schema)
    const isRequired = (node.required ?? []).includes(key)
    rows.push([
      `\`${key}\`${isRequired ? ' (needed)' : ''}`,
      typeOf(property, schema),
      defaultOf(property),
      meaningOf(property),
    ])
    if (key !== 'environments') inner.push([key, property])
  }
  sections.push({ title, note: path === '' || !node.description ? '' : `${node.description}\n\n`, rows })
  for (const [key, property] of inner) {
    const isList = property.type === 'array' && property.items
    const element = isList ? resolve(property.items, schema) : property
    const here = `${path}${path && '.'}${key}${isList ? '[]' : ''}`
    for (const branch of element.oneOf ?? [element]) {
      const object = resolve(branch, schema)
      if (object.type !== 'object' || !object.properties) continue
      const kind = (object.properties.kind ?? object.properties.type)?.const
      describeObject(
        { ...object, description: element.oneOf ? object.description : '' },
        here,
        `\`${here}\`${kind ? ` of kind \`${kind}\`` : ''}`,
        schema,
        sections,
      )
    }
  }
}

/** A reference with what is written beside it put over what it refers to. */
function resolve(node, schema) {
  if (!node.$ref) return node
  const { $ref, ...own } = node
  return { ...resolve(schema.$defs[$ref.replace('#/$defs/', '')], schema), ...own }
}

function typeOf(property, schema) {
  if (property.title === 'Secret') return 'secret'
  if (property.const !== undefined) return `\`${property.const}\``
  if (property.enum) return property.enum.map((value) => `\`${value}\``).join(', ')
  const names = { integer: 'whole number', string: 'text', boolean: '`true`, `false`', object: 'section' }
  const range = property.maximum === undefined ? '' : `, ${property.minimum} to ${property.maximum}`
  return [property.type]
    .flat()
    .map((type) => {
      if (type !== 'array') return names[type] + (type === 'integer' ? range : '')
      const { type: element } = resolve(property.items, schema)
      return `list of ${element === 'object' ? 'sections' : 'text'}`
    })
    .join(' or ')
}

function defaultOf(property) {
  return property.default === undefined ? '' : `\`${property.default}\``
}

function meaningOf({ description = '', examples }) {
  const [example] = examples ?? []
  const shown =
    example !== undefined && (typeof example === 'string' || Array.isArray(example))
      ? ` Example: \`${typeof example === 'string' ? example : JSON.stringify(example)}\``
      : ''
  return (description + shown).replaceAll('|', '\\|')
}

function table(rows) {
  return [
    '| Key | Value | Default | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n')
}
