/** What ready line protocol files hold: the databases and retention policies their context lines name. */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hashOf } from '../core/canonical-json.ts'
import { getOrAdd } from '../core/get-or-add.ts'
import { Failure } from '../core/failure.ts'
import { ALL_TIME } from '../core/time.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { LineProtocolSource } from '../manifest/migration.ts'
import type { Catalog, CatalogDatabase, CatalogFile } from './catalog.ts'
import type { Context } from './line-protocol-contexts.ts'
import { expandFiles, readContexts } from './line-protocol-files.ts'
import { catalogFile } from './shard-files.ts'

/**
 * Reads every file through, since a context line may stand anywhere; what was found is kept in `cache`, and files
 * that did not change since (path, bytes, modification time) are not read again. Each policy has one shard group, all of time,
 * with the files that hold lines of it. Lines of no context are those of database '' and policy ''.
 *
 * @throws Failure `source/not-found`, `source/empty`, and those of `readLineProtocolFiles`
 */
export async function readLineProtocolCatalog(
  source: LineProtocolSource,
  signal: AbortSignal,
  cache?: string,
): Promise<Catalog> {
  const paths = await expandFiles(source)
  const known = await readKnownContexts(cache)
  const found: KnownFile[] = []
  const databases = new Map<string, Map<string, CatalogFile[]>>()
  for (const path of paths) {
    const file = await catalogFile(path)
    const contexts = known.get(fingerprintOf(file)) ?? (await contextsOf(path, signal))
    found.push({ fingerprint: fingerprintOf(file), contexts })
    for (const { database, retentionPolicy } of contexts) {
      const policies = getOrAdd(databases, database, () => new Map<string, CatalogFile[]>())
      getOrAdd(policies, retentionPolicy, () => []).push(file)
    }
  }
  await keepContexts(cache, found, known)
  if (databases.size === 0) {
    throw new Failure('source/empty', 'the line protocol files hold no line', {
      where: paths.join(', '),
      remedy: 'Name the files that hold the exported points.',
    })
  }
  return {
    source: source.name,
    origin: 'line-protocol',
    databases: [...databases].map(([name, policies]) => databaseOf(name, policies)),
    notes: [],
  }
}

/** Contexts with data in one file, each once. */
async function contextsOf(path: string, signal: AbortSignal): Promise<Context[]> {
  const contexts = new Map<string, Context>()
  for await (const { context, hasData } of readContexts(path, signal)) {
    if (hasData) contexts.set(JSON.stringify([context.database, context.retentionPolicy]), context)
  }
  return [...contexts.values()]
}

interface KnownFile {
  fingerprint: string
  contexts: Context[]
}

function fingerprintOf({ path, bytes, modified }: CatalogFile): string {
  return hashOf([path, bytes, modified])
}

/** A cache that is missing or damaged is none: everything is read again. */
async function readKnownContexts(cache: string | undefined): Promise<Map<string, Context[]>> {
  try {
    const files = JSON.parse(await readFile(cache ?? '', 'utf8')) as KnownFile[]
    return new Map(files.map(({ fingerprint, contexts }) => [fingerprint, contexts]))
  } catch {
    return new Map()
  }
}

async function keepContexts(
  cache: string | undefined,
  found: readonly KnownFile[],
  known: ReadonlyMap<string, Context[]>,
): Promise<void> {
  if (cache === undefined || found.every(({ fingerprint }) => known.has(fingerprint))) return
  try {
    await mkdir(dirname(cache), { recursive: true })
    await writeFileAtomically(cache, JSON.stringify(found))
  } catch {
    // Where nothing can be kept, files are read again: a run tells what is wrong with its work folder, a plan needs none.
  }
}

function databaseOf(name: string, policies: ReadonlyMap<string, CatalogFile[]>): CatalogDatabase {
  return {
    name,
    defaultRetentionPolicy: undefined,
    retentionPolicies: [...policies].map(([policy, files]) => ({
      name: policy,
      duration: undefined,
      shardGroupDuration: undefined,
      shardGroups: [
        {
          ...ALL_TIME,
          id: 0,
          shards: [{ id: 0, orphan: false, tsmFiles: files, tombstoneFiles: [], walFiles: [] }],
        },
      ],
    })),
  }
}
