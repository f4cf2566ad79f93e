import { parse } from 'yaml'
import { expect, test } from 'vitest'
import type { MappingRef, PreflightFinding, Remedy } from '../../../src/preflight/finding.ts'
import { suggestionOf } from '../../../src/preflight/suggestion.ts'
import { mappingYaml, suggestedSections } from '../../../src/preflight/suggestion-yaml.ts'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

const mapping = (index: number, database: string): MappingRef => ({
  index,
  planned: { id: `s/${database}/r`, source: 's', database, retentionPolicy: 'r', target: `${database}/r` },
})
const [first, second] = [mapping(0, 'd'), mapping(0, 'e')]
const finding = (...remedies: Remedy[]): PreflightFinding => ({
  ...{ severity: 'error', code: 'preflight/x', what: 'x', where: 'x', details: [], remedies },
})
const rule = (of: MappingRef, more: object): Remedy => ({
  kind: 'rule',
  mapping: of,
  rule: { measurement: 'm', ...more },
})

const findings = [
  finding(rule(first, { renameFields: { b: 'b_field' } })),
  finding(rule(first, { splitByType: { a: { string: 'a_str' } } })),
  finding(rule(first, { renameFields: { 'x\ty': 'x_${y}' }, rename: 'n' })),
  finding({ kind: 'keys', mapping: first, keys: { maxColumns: 300 } }),
  finding({ kind: 'keys', mapping: first, keys: { maxColumns: 250 } }),
  finding({ kind: 'manifest', keys: { transfer: 'direct' } }),
  finding({ kind: 'words', text: 'do this' }, { kind: 'words', text: 'do this' }),
  { ...finding(rule(second, { rename: 'never' })), severity: 'warning' as const },
]

test('remedies of one measurement become one rule, its keys in their order; warnings need nothing', () => {
  const { mappings, manifest, words } = suggestionOf(findings)
  expect(mappings).toEqual([
    {
      ...first,
      transforms: [
        {
          measurement: 'm',
          splitByType: { a: { string: 'a_str' } },
          renameFields: { b: 'b_field', 'x\ty': 'x_${y}' },
          rename: 'n',
        },
      ],
      keys: { maxColumns: 300 },
    },
  ])
  expect(Object.keys(mappings[0]?.transforms[0] ?? {})).toEqual([
    'measurement',
    'splitByType',
    'renameFields',
    'rename',
  ])
  expect({ manifest, words }).toEqual({ manifest: { transfer: 'direct' }, words: ['do this'] })
  const [one] = mappings
  expect(one && mappingYaml(one)).toBe(`transforms:
  - measurement: m
    splitByType: { a: { string: a_str } }
    renameFields: { b: b_field, "x\\ty": "x_$\${y}" }
    rename: n
maxColumns: 300
`)
})

test('sections hold the mappings as they were, own rules in front, and are a valid manifest', async () => {
  const text = manifestText({
    mappings: `mappings:
  # kept
  - { source: s, database: d, retentionPolicy: r, target: d/r, transforms: [{ dropFields: [x] }] }
  - source: s
    database: e
    retentionPolicy: r
    target: e/r`,
  })
  const plan = { mappings: [first.planned, mapping(1, 'e').planned] }
  const indexOf = ({ database }: { database: string }) => (database === 'd' ? 0 : 1)
  const sections = suggestedSections(text, undefined, suggestionOf(findings), plan, indexOf)
  expect(sections).toContain('# kept')
  const { mappings, transfer } = parse(sections) as {
    mappings: { transforms?: object[] }[]
    transfer: string
  }
  expect(transfer).toBe('direct')
  expect(mappings).toHaveLength(2)
  expect(mappings[0]?.transforms).toHaveLength(2)
  expect(mappings[0]?.transforms?.[0]).toEqual({ dropFields: ['x'] })
  const loaded = await loadText(text.replace(/^mappings:.*/ms, () => sections))
  expect(loaded.lines.filter((line) => line.includes('error'))).toEqual([])
  expect(loaded.migration?.mappings[0]?.transforms[1]?.renameFields).toEqual({
    b: 'b_field',
    'x\ty': 'x_${y}',
  })
})

test('what a wildcard found gets a mapping of its own before it', () => {
  const text = manifestText({
    mappings: `mappings:
  - { source: s, database: '*', retentionPolicy: r, target: '{database}/{retentionPolicy}', maxTables: 9 }`,
  })
  const plan = { mappings: [first.planned, second.planned] }
  const sections = suggestedSections(text, undefined, suggestionOf(findings), plan, () => 0)
  const { mappings } = parse(sections) as { mappings: Record<string, unknown>[] }
  expect(
    mappings.map(({ database, target, maxTables, maxColumns }) => [database, target, maxTables, maxColumns]),
  ).toEqual([
    ['d', 'd/r', 9, 300],
    ['*', '{database}/{retentionPolicy}', 9, undefined],
  ])
})
