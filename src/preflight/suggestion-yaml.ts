/** Suggestions as lines of YAML that can be pasted into the manifest. */
import {
  Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Plan } from '../plan/plan.ts'
import type { MappingSuggestion, Suggestion } from './suggestion.ts'

const WIDTH = 100

/** The keys that a mapping gets: `transforms`, `maxColumns`, ... */
export function mappingYaml({ transforms, keys }: Pick<MappingSuggestion, 'transforms' | 'keys'>): string {
  const document = new Document()
  const map = document.createNode({}) as YAMLMap
  addTo(document, map, { transforms, keys })
  document.contents = map
  return document.toString({ lineWidth: WIDTH })
}

export function manifestYaml(keys: Suggestion['manifest']): string {
  return new Document(keys).toString({ lineWidth: WIDTH })
}

/**
 * The sections of the manifest with the suggestions in them, to be put in the place of those that are there: `mappings`
 * as a whole, a mapping's own rules in front. What a wildcard's mapping is a suggestion for gets a mapping of its own
 * before it; a rule is good for one database, and need not be for another.
 *
 * @param text the manifest
 */
export function suggestedSections(
  text: string,
  environment: string | undefined,
  { mappings, manifest }: Suggestion,
  plan: Pick<Plan, 'mappings'>,
  indexOf: (mapping: Plan['mappings'][number]) => number,
): string {
  const source = parseDocument(text)
  const overlay = ['environments', environment ?? '', 'mappings']
  const seq = (environment !== undefined && source.getIn(overlay)) || source.get('mappings')
  const sections = new Document({})
  const root = sections.contents as unknown as YAMLMap
  if (mappings.length > 0 && isSeq(seq))
    root.set('mappings', withSuggestions(sections, seq, mappings, plan, indexOf))
  for (const [key, value] of Object.entries(manifest)) root.set(key, value)
  if (root.items.length === 0) return ''
  root.flow = false
  return sections.toString({ lineWidth: WIDTH })
}

function withSuggestions(
  document: Document,
  seq: YAMLSeq,
  suggestions: readonly MappingSuggestion[],
  plan: Pick<Plan, 'mappings'>,
  indexOf: (mapping: Plan['mappings'][number]) => number,
): Node {
  const items = seq.items.flatMap((item, index) => {
    const own = suggestions.filter((one) => one.index === index)
    if (own.length === 0 || !isMap(item)) return [item]
    const isOne = new Set(plan.mappings.filter((one) => indexOf(one) === index).map(({ id }) => id)).size < 2
    const changed = own.map((suggestion) => {
      const map = item.clone() as YAMLMap
      map.flow = false
      const { database, retentionPolicy, target } = suggestion.planned
      if (!isOne) {
        const set = (key: string, value: string) => map.set(key, document.createNode(literal(value)))
        if (database !== '') set('database', database)
        if (retentionPolicy !== '') set('retentionPolicy', retentionPolicy)
        set('target', target)
      }
      addTo(document, map, suggestion)
      return map
    })
    return isOne ? changed : [...changed, item]
  })
  const clone = seq.clone() as YAMLSeq
  clone.items = items
  clone.flow = false
  return clone
}

function addTo(
  document: Document,
  map: YAMLMap,
  { transforms, keys }: Pick<MappingSuggestion, 'transforms' | 'keys'>,
): void {
  if (transforms.length > 0) {
    const known = map.get('transforms')
    const rules = isSeq(known) ? known : (document.createNode([]) as YAMLSeq)
    rules.flow = false
    for (const rule of transforms) rules.add(ruleNode(document, rule))
    map.set('transforms', rules)
  }
  for (const [key, value] of Object.entries(keys)) map.set(key, inFlow(document.createNode(escaped(value))))
}

/** A rule with a line for each of its keys. */
function ruleNode(document: Document, rule: object): Node {
  const node = document.createNode(escaped(rule)) as YAMLMap
  for (const item of node.items) {
    if (!isPair(item)) continue
    const isWide = isScalar(item.key) && item.key.value === 'splitFields' && isMap(item.value)
    if (!isWide) inFlow(item.value)
    else for (const group of (item.value as YAMLMap).items) inFlow(group.value)
  }
  // A tab may stand in a plain text, and nobody would see it.
  visit(node, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && /\p{Cc}/u.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return node
}

function inFlow<T>(node: T): T {
  if (isCollection(node)) node.flow = true
  return node
}

/** `$${` keeps a name's `${` from being taken for a variable; keys are never one. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return literal(value)
  if (Array.isArray(value)) return value.map(escaped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]))
}

function literal(text: string): string {
  return text.replaceAll('${', () => '$${')
}
