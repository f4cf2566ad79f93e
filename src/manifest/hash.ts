/** The fingerprint of what a manifest moves where. */
import { createHash } from 'node:crypto'
import type { Migration } from './migration.ts'

/**
 * SHA-256 (hex). In it: sources and their paths, time ranges, the target's address, mappings with their settings.
 * Not in it: names of the migration and its file, secrets, tokens, how fast and by which API data is sent, what may be refused,
 * work folders.
 */
export function hashOf({
  sources,
  timeRange,
  target,
  mappings,
}: Pick<Migration, 'sources' | 'timeRange' | 'target' | 'mappings'>): string {
  const what = {
    sources: sources.map((source) =>
      source.kind === 'data-dir'
        ? {
            kind: source.kind,
            name: source.name,
            dataDir: source.dataDir,
            walDir: source.walDir,
            metaDir: source.metaDir,
          }
        : { kind: source.kind, name: source.name, files: source.files },
    ),
    timeRange,
    url: target.url,
    mappings: mappings.map(
      ({
        index: _index,
        position: _position,
        onInexpressible: _,
        maxRejected: _max,
        transforms,
        ...mapping
      }) =>
        // A manifest without any keeps the hash that it had before there were transforms.
        transforms.length === 0 ? mapping : { ...mapping, transforms },
    ),
  }
  return createHash('sha256').update(canonicalJson(what)).digest('hex')
}

/** JSON with sorted keys, no spaces, and `bigint` as text; what is `undefined` is left out. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner)
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
