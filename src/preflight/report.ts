/** Findings and what would resolve them, as a value: for the table, for JSON and for the events of a run. */
import type { PreflightFinding } from './finding.ts'
import { suggestionOf } from './suggestion.ts'
import { manifestYaml, mappingYaml } from './suggestion-yaml.ts'

export interface PreflightReport {
  /** Errors first. */
  findings: (Pick<PreflightFinding, 'severity' | 'code' | 'what' | 'where' | 'details'> & {
    points?: number
  })[]
  /** Lines of YAML that resolve the errors, and where they belong. */
  suggestions: { place: string; yaml: string }[]
  /** What no YAML resolves. */
  advice: string[]
}

export interface ReportOptions {
  /** The manifest's path, as the user named it. */
  file: string
  mappings: readonly { position: { line: number } }[]
}

export function reportOf(
  findings: readonly PreflightFinding[],
  { file, mappings }: ReportOptions,
): PreflightReport {
  const { manifest, mappings: own, words } = suggestionOf(findings)
  const suggestions = own.map((suggestion) => {
    const { database, retentionPolicy, source } = suggestion.planned
    const name = database === '' ? source : `${source} ${database}.${retentionPolicy}`
    const { line = 1 } = mappings[suggestion.index]?.position ?? {}
    return { place: `the mapping of ${name} (${file}:${line})`, yaml: mappingYaml(suggestion) }
  })
  if (Object.keys(manifest).length > 0) suggestions.unshift({ place: file, yaml: manifestYaml(manifest) })
  return {
    findings: findings.map(({ severity, code, what, where, points, details }) => ({
      ...{ severity, code, what, where, details },
      ...(points !== undefined && { points }),
    })),
    suggestions,
    advice: words,
  }
}
