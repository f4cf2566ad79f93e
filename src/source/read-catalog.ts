/** What a source holds. The source is only read. */
import type { DataDirSource, Source } from '../manifest/migration.ts'
import type { Catalog } from './catalog.ts'
import { catalogOfFolders, catalogOfMeta } from './data-dir-catalog.ts'
import { checkDataDir, checkWalDir } from './check-folders.ts'
import { readLineProtocolCatalog } from './line-protocol-catalog.ts'
import { readMetaDb } from './meta-db.ts'
import { listShardFiles } from './shard-files.ts'

/**
 * `cache` is a file in the work folder where what was learnt by reading large files through is kept.
 *
 * @throws Failure `source/...` naming the folder or file and what to do about it
 */
export async function readCatalog(source: Source, signal: AbortSignal, cache?: string): Promise<Catalog> {
  switch (source.kind) {
    case 'line-protocol':
      return readLineProtocolCatalog(source, signal, cache)
    case 'data-dir':
      return readDataDirCatalog(source, signal)
  }
}

async function readDataDirCatalog(source: DataDirSource, signal: AbortSignal): Promise<Catalog> {
  await checkDataDir(source.dataDir)
  await checkWalDir(source.walDir)
  const meta = await readMetaDb(source.metaDir)
  signal.throwIfAborted()
  const known = new Set(
    meta?.flatMap((database) => [database.name, ...database.retentionPolicies.map(({ name }) => name)]),
  )
  const disk = {
    data: await listShardFiles(source.dataDir, ['.tsm', '.tombstone', '.bad'], known),
    wal: await listShardFiles(source.walDir, ['.wal'], known),
  }
  signal.throwIfAborted()
  return meta === undefined
    ? catalogOfFolders(source, disk, signal)
    : catalogOfMeta(source, meta, disk, signal)
}
