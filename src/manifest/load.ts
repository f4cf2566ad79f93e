/** read, locate, validate, rules, normalize: from a file to a migration, or to everything that is wrong with it. */
import { dirname, resolve } from 'node:path'
import type { Diagnostic } from '../core/diagnostic.ts'
import type { Finding, Path } from './finding.ts'
import { locate, type ManifestTree } from './locate.ts'
import type { Manifest } from './manifest.generated.ts'
import type { Migration } from './migration.ts'
import { normalize } from './normalize.ts'
import { overlay } from './overlay.ts'
import { parseManifest, readManifestFile } from './read.ts'
import { checkRules } from './rules.ts'
import { validateAgainstSchema } from './validate.ts'
import { substitute, type Env } from './variables.ts'

export interface LoadOptions {
  /** Overlay in force, one of the manifest's `environments`. */
  environment?: string
  /** Where variables come from; `process.env` at the command line. */
  env: Env
}

export interface Loaded {
  /** There when no diagnostic is an error. */
  migration?: Migration
  /** In the order of the file. Warnings and notes too. */
  diagnostics: Diagnostic[]
  /** What the file holds, for `showDiagnostics`. */
  text: string
}

/**
 * A manifest's meaning, or all errors of the first layer that has any: syntax, schema, then rules and variables.
 *
 * @throws Failure `manifest/not-found`, `manifest/is-a-folder`, `manifest/unreadable`, `manifest/not-text` (exit code 2)
 */
export async function loadManifest(file: string, { environment, env }: LoadOptions): Promise<Loaded> {
  const text = await readManifestFile(file)
  const { tree, diagnostics } = parseManifest(text, file)
  if (tree === undefined) return { diagnostics, text }
  const show = (findings: Finding[], origin = (path: Path) => path) =>
    toDiagnostics(findings, tree, file, origin)

  const raw: unknown = tree.document.toJS()
  const misfits = validateAgainstSchema(raw)
  if (misfits.length > 0) return { diagnostics: show(misfits), text }

  const { data, origin, findings } = overlay(raw as Record<string, unknown>, environment)
  if (findings.length > 0) return { diagnostics: show(findings), text }
  // Each half fits the schema; an overlay may still have put keys of one kind beside those of another.
  const mixed = environment === undefined ? [] : validateAgainstSchema(data)
  if (mixed.length > 0) return { diagnostics: show(mixed, origin), text }

  const { data: manifest, findings: missing } = substitute(data as unknown as Manifest, env)
  const environments = Object.keys((raw as Manifest).environments ?? {})
  const broken = checkRules(manifest, environments).filter(
    ({ path }) => !missing.some((other) => isSame(path, other.path)),
  )
  const all = show([...missing, ...broken], origin)
  // Notes are about what happens afterwards: not yet, while there is something to mend.
  if (all.some(({ severity }) => severity === 'error'))
    return { diagnostics: all.filter(({ severity }) => severity !== 'note'), text }

  const migration = normalize(manifest, {
    folder: dirname(resolve(file)),
    env,
    file,
    environment,
    positionOfMapping: (index) => locate(tree, origin(['mappings', index])),
  })
  return { migration, diagnostics: all, text }
}

/** A rule about a text whose variable is missing says nothing new. */
function isSame(path: Path, other: Path): boolean {
  return JSON.stringify(path) === JSON.stringify(other)
}

function toDiagnostics(
  findings: Finding[],
  tree: ManifestTree,
  file: string,
  origin: (path: Path) => Path,
): Diagnostic[] {
  return findings
    .map(({ path, at, within, ...finding }): Diagnostic => ({
      ...finding,
      file,
      position: locate(tree, origin(path), at, within),
    }))
    .sort(
      (a, b) =>
        (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
        (a.position?.column ?? 0) - (b.position?.column ?? 0),
    )
}
