/** What the layers find: a diagnostic whose place is still a path into the manifest's data. */
import type { Diagnostic } from '../core/diagnostic.ts'

/** `['mappings', 0, 'target']`. */
export type Path = (string | number)[]

export interface Finding extends Omit<Diagnostic, 'file' | 'position'> {
  path: Path
  /** Whether the squiggle goes under the key or (default) the value. */
  at?: 'key' | 'value'
  /** The part of the value that is meant, as it is written: `${NAME}`. */
  within?: string
}

/** `mappings[0].target`, as messages name a place. */
export function showPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}

export function error(code: string, path: Path, message: string, hint?: string): Finding {
  return { severity: 'error', code, message, path, ...(hint !== undefined && { hint }) }
}
