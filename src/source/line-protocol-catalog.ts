/** What ready line protocol files hold: the databases and retention policies their context lines name. */
import { Failure } from '../core/failure.ts'
import { ALL_TIME } from '../core/time.ts'
import type { LineProtocolSource } from '../manifest/migration.ts'
import type { Catalog, CatalogDatabase, CatalogFile } from './catalog.ts'
import { expandFiles, readContexts } from './line-protocol-files.ts'
import { catalogFile } from './shard-files.ts'

/**
 * Reads every file through, since a context line may stand anywhere. Each policy has one shard group, all of time,
 * with the files that hold lines of it. Lines of no context are those of database '' and policy ''.
 *
 * @throws Failure `source/not-found`, `source/empty`, and those of `readLineProtocolFiles`
 */
export async function readLineProtocolCatalog(
  source: LineProtocolSource,
  signal: AbortSignal,
): Promise<Catalog> {
  const paths = await expandFiles(source)
  const databases = new Map<string, Map<string, CatalogFile[]>>()
  for (const path of paths) {
    const file = await catalogFile(path)
    for await (const { context, hasData } of readContexts(path, signal)) {
      if (!hasData) continue
      const policies = getOrAdd(databases, context.database, () => new Map<string, CatalogFile[]>())
      const files = getOrAdd(policies, context.retentionPolicy, () => [])
      if (files.at(-1) !== file) files.push(file)
    }
  }
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

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
