/** meta.db and the directories, met with each other. */
import { join } from 'node:path'
import { Failure } from '../core/failure.ts'
import { ALL_TIME, formatRfc3339, type TimeWindow } from '../core/time.ts'
import { countOf } from '../core/units.ts'
import type { DataDirSource } from '../manifest/migration.ts'
import type { Catalog, CatalogDatabase, CatalogFile, Shard, ShardGroup } from './catalog.ts'
import type { MetaDatabase, MetaShardGroup } from './meta-db.ts'
import type { ShardFiles } from './shard-files.ts'
import { readTsmTimes } from './tsm-times.ts'

export interface Disk {
  data: ShardFiles
  wal: ShardFiles
}

/** Names, durations and windows from meta.db, files from the directories. */
export async function catalogOfMeta(
  source: DataDirSource,
  meta: readonly MetaDatabase[],
  disk: Disk,
  signal: AbortSignal,
): Promise<Catalog> {
  const notes: string[] = []
  const databases: CatalogDatabase[] = []
  let missing = 0
  let known = 0
  let orphans = 0
  for (const name of union(
    meta.map((database) => database.name),
    foldersWithFiles(disk),
  )) {
    const database = meta.find((one) => one.name === name)
    const policies = database?.retentionPolicies ?? []
    const retentionPolicies: CatalogDatabase['retentionPolicies'] = []
    for (const policyName of union(
      policies.map((one) => one.name),
      policiesWithFiles(disk, name),
    )) {
      signal.throwIfAborted()
      const where = `"${name}"."${policyName}"`
      const policy = policies.find((one) => one.name === policyName)
      const onDisk = shardsOnDisk(disk, name, policyName, where, notes)
      const live = (policy?.shardGroups ?? []).filter((group) => !group.deleted)
      const shardGroups: ShardGroup[] = []
      for (const { id, start, end, shards: ids, truncatedAt } of live) {
        const shards = ids.flatMap((shard) => onDisk.get(shard) ?? [])
        known += shards.length
        const absent = ids.filter((shard) => !onDisk.has(shard))
        missing += absent.length
        if (absent.length > 0)
          notes.push(
            `${where}: shard ${absent.join(', ')} of meta.db is not on disk (another node's, or lost): it adds nothing`,
          )
        if (truncatedAt !== undefined)
          notes.push(
            `${where}: shard group ${id} was truncated at ${formatRfc3339(truncatedAt)}; it is still read to its end`,
          )
        shardGroups.push({ id, start, end, shards })
        for (const shard of ids) onDisk.delete(shard)
      }
      for (const shard of onDisk.values()) {
        if (isEmpty(shard)) continue
        orphans += 1
        const group = policy?.shardGroups.find(({ shards }) => shards.includes(shard.id))
        shardGroups.push(await orphanGroup(shard, group))
        notes.push(
          `${where}: shard ${shard.id} is on disk, but ${group ? 'its shard group was dropped' : 'meta.db does not know it'}: influxd does not answer from it`,
        )
      }
      retentionPolicies.push({
        name: policyName,
        duration: policy?.duration,
        shardGroupDuration: policy?.shardGroupDuration,
        shardGroups: sorted(shardGroups),
      })
    }
    databases.push({ name, defaultRetentionPolicy: database?.defaultRetentionPolicy, retentionPolicies })
  }
  if (databases.length === 0) throw empty(source)
  if (known === 0 && missing > 0 && orphans === 0)
    throw new Failure(
      'source/shards-missing',
      `meta.db knows ${countOf(missing, 'shard')}, and none is on disk`,
      {
        where: source.dataDir,
        remedy: `Name the dataDir and the walDir that belong to ${join(source.metaDir, 'meta.db')}.`,
      },
    )
  if (known === 0 && orphans > 0)
    throw new Failure(
      'source/foreign-meta-db',
      `meta.db knows none of the ${countOf(orphans, 'shard')} in ${source.dataDir}`,
      {
        where: join(source.metaDir, 'meta.db'),
        remedy:
          'It is another server’s. Name the right metaDir, or a folder without meta.db: windows then come from the TSM files.',
      },
    )
  return { source: source.name, origin: 'meta.db', databases, notes: [...notes, ...walNotes(source, disk)] }
}

/** Without meta.db: each shard's window is that of its TSM files, and all of time where only a WAL can tell. */
export async function catalogOfFolders(
  source: DataDirSource,
  disk: Disk,
  signal: AbortSignal,
): Promise<Catalog> {
  const notes = [
    `there is no meta.db in ${source.metaDir}: names come from the directories, windows from the TSM files; ` +
      'retention periods, the default policies and dropped shards are unknown',
  ]
  const databases: CatalogDatabase[] = []
  for (const name of foldersWithFiles(disk)) {
    const retentionPolicies: CatalogDatabase['retentionPolicies'] = []
    for (const policy of policiesWithFiles(disk, name)) {
      const where = `"${name}"."${policy}"`
      const shardGroups: ShardGroup[] = []
      for (const shard of shardsOnDisk(disk, name, policy, where, notes).values()) {
        signal.throwIfAborted()
        if (isEmpty(shard)) continue
        if (shard.walFiles.some(({ bytes }) => bytes > 0))
          notes.push(
            `${where}: shard ${shard.id} has a WAL, whose times are unknown without meta.db: its window is all of time`,
          )
        shardGroups.push({ id: shard.id, ...(await windowOfFiles(shard)), shards: [shard] })
      }
      const unknown = { duration: undefined, shardGroupDuration: undefined }
      retentionPolicies.push({ name: policy, ...unknown, shardGroups: sorted(shardGroups) })
    }
    databases.push({ name, defaultRetentionPolicy: undefined, retentionPolicies })
  }
  if (databases.length === 0) throw empty(source)
  return {
    source: source.name,
    origin: 'directories',
    databases,
    notes: [...notes, ...walNotes(source, disk)],
  }
}

function shardsOnDisk(
  disk: Disk,
  database: string,
  policy: string,
  where: string,
  notes: string[],
): Map<number, Shard> {
  const data = disk.data.get(database)?.get(policy) ?? new Map<number, CatalogFile[]>()
  const wal = disk.wal.get(database)?.get(policy) ?? new Map<number, CatalogFile[]>()
  const shards = new Map<number, Shard>()
  for (const id of [...new Set([...data.keys(), ...wal.keys()])].sort((a, b) => a - b)) {
    const files = data.get(id) ?? []
    const having = (suffix: string) => files.filter(({ path }) => path.endsWith(suffix))
    for (const { path } of having('.bad'))
      notes.push(`${where}: influxd set ${path} aside as damaged; its points are not part of what it answers`)
    shards.set(id, {
      id,
      orphan: false,
      tsmFiles: having('.tsm'),
      tombstoneFiles: having('.tombstone'),
      walFiles: (wal.get(id) ?? []).filter(({ path }) => /\/_[^/]*$/.test(path)),
    })
  }
  return shards
}

async function orphanGroup(shard: Shard, dropped: MetaShardGroup | undefined): Promise<ShardGroup> {
  const { id, start, end } = dropped ?? { id: 0, ...(await windowOfFiles(shard)) }
  return { id, start, end, shards: [{ ...shard, orphan: true }] }
}

async function windowOfFiles(shard: Shard): Promise<TimeWindow> {
  if (shard.walFiles.some(({ bytes }) => bytes > 0)) return ALL_TIME
  let whole: TimeWindow | undefined
  for (const { path } of shard.tsmFiles) {
    const { start, end } = await readTsmTimes(path)
    whole = {
      start: whole && whole.start < start ? whole.start : start,
      end: whole && whole.end > end ? whole.end : end,
    }
  }
  return whole ?? ALL_TIME
}

function walNotes({ walDir }: DataDirSource, disk: Disk): string[] {
  if (disk.wal.size > 0 || disk.data.size === 0) return []
  return [
    `${walDir} holds no WAL of any database: points that influxd had not yet put into TSM files are not seen`,
  ]
}

function empty({ dataDir }: DataDirSource): Failure {
  return new Failure('source/empty', `there is no database in ${dataDir}`, {
    where: dataDir,
    remedy: 'Name the data directory of an InfluxDB 1.x server: it holds one folder for each database.',
  })
}

function isEmpty({ tsmFiles, walFiles }: Shard): boolean {
  return [...tsmFiles, ...walFiles].every(({ bytes }) => bytes === 0)
}

/** Databases that have at least one shard's folder; `lost+found` and the like have none. */
function foldersWithFiles({ data, wal }: Disk): string[] {
  return union(
    [...data].flatMap(([name, policies]) => (policies.size > 0 ? [name] : [])),
    [...wal].flatMap(([name, policies]) => (policies.size > 0 ? [name] : [])),
  )
}

function policiesWithFiles({ data, wal }: Disk, database: string): string[] {
  return union([...(data.get(database)?.keys() ?? [])], [...(wal.get(database)?.keys() ?? [])])
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort()
}

function sorted(groups: ShardGroup[]): ShardGroup[] {
  return groups.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.id - b.id))
}
