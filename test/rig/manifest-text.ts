/** Manifests as text, loaded from a real file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadManifest, type Loaded, type LoadOptions } from '../../src/manifest/load.ts'

export interface LoadedText extends Loaded {
  /** The folder the manifest was in. */
  folder: string
  /** `3:7+5 error manifest/unknown-key: message | hint`, one a diagnostic. */
  lines: string[]
}

export async function loadText(text: string, options: Partial<LoadOptions> = {}): Promise<LoadedText> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-manifest-'))
  try {
    const file = join(folder, 'manifest.yaml')
    await writeFile(file, text)
    const loaded = await loadManifest(file, { env: {}, ...options })
    const lines = loaded.diagnostics.map(
      ({ severity, code, message, position: at, hint }) =>
        `${at?.line}:${at?.column}+${at?.length} ${severity} ${code}: ${message}${hint === undefined ? '' : ` | ${hint}`}`,
    )
    return { ...loaded, folder, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A manifest without mistakes, its parts replaced by those given (YAML text; empty leaves a part out). */
export function manifestText(parts: Partial<Record<keyof typeof PARTS, string>> = {}): string {
  return Object.values({ ...PARTS, ...parts })
    .filter((part) => part !== '')
    .map((part) => `${part.trimEnd()}\n`)
    .join('')
}

const PARTS = {
  head: 'apiVersion: influx-ferry/v1\nname: plant',
  timeRange: '',
  sources: 'sources:\n  - { name: s, kind: data-dir, dataDir: /data }',
  target: 'target:\n  url: https://c.example.com',
  mappings: 'mappings:\n  - { source: s, database: d, retentionPolicy: r, target: d/r }',
  tokens: '',
  spool: '',
  environments: '',
}
