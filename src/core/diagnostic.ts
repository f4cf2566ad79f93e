/** A place in a text file: 1-based line and column, and how many characters the squiggle covers. */
export interface Position {
  line: number
  column: number
  length: number
}

/** One finding about a manifest. An `error` stops the run (exit code 2); a `warning` and a `note` are shown. */
export interface Diagnostic {
  severity: 'error' | 'warning' | 'note'
  /** Stable, kebab-case: `manifest/unknown-key`, `mapping/target-collision`. */
  code: string
  message: string
  /** File the position is in, as the user named it. */
  file: string
  position?: Position
  /** What to write or do instead. */
  hint?: string
}
