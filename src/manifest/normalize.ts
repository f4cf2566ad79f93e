/** The last layer: a manifest without errors becomes the value that every later step works from. */
import { dirname, join } from 'node:path'
import { ALL_TIME, intersect, type TimeWindow } from '../core/time.ts'
import { parseBytes, parseDuration, parseRate } from '../core/units.ts'
import { hashOf } from './hash.ts'
import type * as written from './manifest.generated.ts'
import type { Mapping, Migration, Source, WriteOptions } from './migration.ts'
import { normalizeAdmin, normalizeTokens } from './normalize-secrets.ts'
import { normalizeTransform } from './normalize-transform.ts'
import { parseMaxRejected } from './max-rejected.ts'
import { resolveCommand, resolvePath, type Place } from './place.ts'
import { windowOf } from './time-range.ts'

export interface NormalizeContext extends Place {
  /** As the user named it. */
  file: string
  environment: string | undefined
  positionOfMapping: (index: number) => { line: number; column: number }
}

/** Expects a manifest that `rules.ts` found no error in. */
export function normalize(manifest: written.Manifest, context: NormalizeContext): Migration {
  const { name, target = {}, tokens, spool = {} } = manifest
  const { environment } = context
  const timeRange = windowOf(manifest.timeRange) ?? ALL_TIME
  const ca = target.tls?.ca
  const workFolder = resolvePath(
    spool.dir ?? join('.influx-ferry', environment === undefined ? name : `${name}.${environment}`),
    context,
  )
  const parts = {
    sources: manifest.sources.map((source) => normalizeSource(source, context, workFolder)),
    timeRange,
    target: {
      url: (target.url ?? '').replace(/\/+$/, ''),
      admin: normalizeAdmin(target.admin, context),
      write: normalizeWrite(target.write),
      tls: {
        ca: ca === undefined ? undefined : resolvePath(ca, context),
        insecure: target.tls?.insecure ?? false,
      },
    },
    mappings: manifest.mappings.map((mapping, index) =>
      normalizeMapping(mapping, index, context.positionOfMapping(index), timeRange),
    ),
  }
  return {
    name,
    file: context.file,
    environment,
    hash: hashOf(parts),
    ...parts,
    tokens: normalizeTokens(tokens ?? [], manifest, context),
    transfer: manifest.transfer ?? 'staged',
    verify: {
      level: manifest.verify?.level ?? 'basic',
      concurrency: manifest.verify?.concurrency ?? 2,
    },
    spool: {
      dir: workFolder,
      memory: parseBytes(String(spool.memory ?? '256MB')) ?? 0,
      workers: spool.workers,
      gzipLevel: spool.gzipLevel ?? 1,
    },
  }
}

function normalizeSource(source: written.Source, place: Place, workFolder: string): Source {
  if (source.kind === 'line-protocol')
    return {
      kind: source.kind,
      name: source.name,
      files: source.files.map((file) => resolvePath(file, place)),
    }
  const dataDir = resolvePath(source.dataDir, place)
  const beside = (folder: string) => join(dirname(dataDir), folder)
  return {
    kind: source.kind,
    name: source.name,
    reader: source.reader ?? 'tsm',
    dataDir,
    walDir: source.walDir === undefined ? beside('wal') : resolvePath(source.walDir, place),
    metaDir: source.metaDir === undefined ? beside('meta') : resolvePath(source.metaDir, place),
    snapshotDir:
      source.snapshot !== 'hardlink'
        ? undefined
        : source.snapshotDir === undefined
          ? join(workFolder, 'snapshot', encodeURIComponent(source.name))
          : resolvePath(source.snapshotDir, place),
    onCorruption: source.onCorruption ?? 'fail',
    command: resolveCommand(source.command ?? 'influx_inspect', place),
  }
}

function normalizeWrite(write: written.Write = {}): WriteOptions {
  const milliseconds = (text: string) => Number((parseDuration(text) ?? 0n) / 1_000_000n)
  return {
    api: write.api ?? 'v2',
    concurrency: write.concurrency ?? 4,
    batch: {
      lines: write.batch?.lines ?? 10_000,
      bytes: parseBytes(String(write.batch?.bytes ?? '10MB')) ?? 0,
    },
    limit: write.limit === undefined ? undefined : parseRate(write.limit),
    timeout: milliseconds(write.timeout ?? '60s'),
    tokenActivation: milliseconds(write.tokenActivation ?? '5m'),
    maxRetries: write.maxRetries ?? 10,
  }
}

function normalizeMapping(
  mapping: written.Mapping,
  index: number,
  { line, column }: { line: number; column: number },
  all: TimeWindow,
): Mapping {
  const { retentionPeriod = 'source' } = mapping
  return {
    index,
    position: { line, column },
    source: mapping.source,
    database: mapping.database,
    retentionPolicy: mapping.retentionPolicy,
    target: mapping.target,
    timeRange: intersect(all, windowOf(mapping.timeRange) ?? ALL_TIME) ?? all,
    retentionPeriod: retentionPeriod === 'source' ? 'source' : (parseDuration(retentionPeriod) ?? 0n),
    maxTables: mapping.maxTables,
    maxColumns: mapping.maxColumns,
    partitionTemplate: mapping.partitionTemplate,
    transforms: (mapping.transforms ?? []).map(normalizeTransform),
    onInexpressible: mapping.onInexpressible ?? 'fail',
    maxRejected: parseMaxRejected(mapping.maxRejected),
  }
}
