/** Names of databases in the cluster: what is allowed, and what a mapping's template makes of the source's names. */
import type { Mapping } from './manifest.generated.ts'

const MAX_BYTES = 64

/**
 * Why `name` cannot be a database of InfluxDB Clustered, as the end of "the name ...": `undefined` when it can.
 * Limits: 1 to 64 bytes of `A-Z a-z 0-9 _ / -`, a letter or digit first (InfluxData's documentation of database names;
 * the server takes Unicode letters too, the documentation does not).
 */
export function checkTargetName(name: string): string | undefined {
  if (name === '') return 'is empty'
  const wrong = wrongCharacter(name)
  if (wrong !== undefined) return wrong
  if (!/^[A-Za-z0-9]/.test(name)) return `starts with "${name.charAt(0)}": a letter or digit must be first`
  const bytes = Buffer.byteLength(name)
  return bytes > MAX_BYTES ? `is ${bytes} bytes long: ${MAX_BYTES} are the most` : undefined
}

/** As {@link checkTargetName}, for the fixed parts of a template whose names are not known yet. */
export function checkTemplateText(parts: string[]): string | undefined {
  const text = parts.join('')
  return (
    wrongCharacter(text) ?? (Buffer.byteLength(text) >= MAX_BYTES ? 'leaves no room for names' : undefined)
  )
}

/** The name nearest to `name` that is allowed, as a suggestion. */
export function nearestTargetName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_/-]/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_BYTES)
}

function wrongCharacter(text: string): string | undefined {
  const wrong = /[^A-Za-z0-9_/-]/u.exec(text)?.[0]
  return wrong === undefined
    ? undefined
    : `has the character "${wrong}": only letters, digits, "_", "/" and "-" are allowed`
}

const PLACEHOLDER = /\{(\w*)\}/g

/** The placeholders of a template that are none. */
export function unknownPlaceholders(target: string): string[] {
  return [...target.matchAll(PLACEHOLDER)]
    .filter(([, name]) => name !== 'database' && name !== 'retentionPolicy')
    .map(([all]) => all)
}

/** A mapping's target as text, and between its parts the places whose names only the source knows. */
export function targetParts({
  target,
  database,
  retentionPolicy,
}: Pick<Mapping, 'target' | 'database' | 'retentionPolicy'>): string[] {
  const unknown = '\0'
  const nameOr = (name: string | undefined) => (name === undefined || name.includes('*') ? unknown : name)
  return target
    .replace(PLACEHOLDER, (_, placeholder) => nameOr(placeholder === 'database' ? database : retentionPolicy))
    .split(unknown)
}

/** The one target of a mapping; `undefined` when it depends on what the source holds. */
export function exactTarget(
  mapping: Pick<Mapping, 'target' | 'database' | 'retentionPolicy'>,
): string | undefined {
  const [name, ...rest] = targetParts(mapping)
  return rest.length === 0 ? name : undefined
}

/** Whether a name could be one of a mapping's targets. */
export function couldBeTarget(name: string, mapping: Mapping): boolean {
  return matchesPattern(targetParts(mapping).join('*'), name)
}

/** Whether `name` fits a pattern in which `*` stands for any characters. */
export function matchesPattern(pattern: string, name: string): boolean {
  return wildcard(pattern).test(name)
}

/** A pattern in which `*` stands for any characters, made once and asked often. */
export function wildcard(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

/** Whether some name could fit two patterns; where both have a `*` in them, it is taken for granted. */
export function couldBothFit(one: string, other: string): boolean {
  if (one.includes('*') && other.includes('*')) return true
  return matchesPattern(one, other) || matchesPattern(other, one)
}
