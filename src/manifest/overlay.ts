/** One environment's changes, laid over the manifest. */
import type { Finding, Path } from './finding.ts'
import { didYouMean } from './did-you-mean.ts'

type Data = Record<string, unknown>

export interface Overlaid {
  /** The manifest without `environments`. */
  data: Data
  /** Where in the file the value at a path of `data` comes from. */
  origin: (path: Path) => Path
  findings: Finding[]
}

/** Merges objects key by key, replaces everything else; an object that changes its `kind` is replaced as a whole. */
export function overlay(manifest: Data, environment: string | undefined): Overlaid {
  const { environments = {}, ...base } = manifest as Data & { environments?: Record<string, Data> }
  if (environment === undefined) return { data: base, origin: (path) => path, findings: [] }
  if (!Object.hasOwn(environments, environment)) {
    return {
      data: base,
      origin: (path) => path,
      findings: [unknownEnvironment(environment, Object.keys(environments))],
    }
  }
  const changes = environments[environment] ?? {}
  const prefix: Path = ['environments', environment]
  return {
    data: merge(base, changes) as Data,
    origin: (path) => (isThere(changes, path) ? [...prefix, ...path] : path),
    findings: [],
  }
}

function merge(base: unknown, change: unknown): unknown {
  if (!isData(base) || !isData(change)) return change
  if (change['kind'] !== undefined && base['kind'] !== undefined && change['kind'] !== base['kind'])
    return change
  const merged: Data = { ...base }
  for (const [key, value] of Object.entries(change)) merged[key] = merge(base[key], value)
  return merged
}

function isThere(data: unknown, path: Path): boolean {
  let here = data
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return false
    here = (here as Data)[step]
  }
  return path.length > 0
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownEnvironment(environment: string, known: string[]): Finding {
  const meant = didYouMean(environment, known)
  const list = known.length === 0 ? 'the manifest has no environments' : `there are: ${known.join(', ')}`
  return {
    severity: 'error',
    code: 'manifest/unknown-environment',
    message: `there is no environment "${environment}"`,
    path: ['environments'],
    at: 'key',
    hint: meant === undefined ? list : `did you mean --env ${meant}? (${list})`,
  }
}
