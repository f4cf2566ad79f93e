/** What lies in a data or WAL directory: `<database>/<retention policy>/<shard id>/<file>`. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import type { CatalogFile } from './catalog.ts'

/** By database, retention policy, shard id. */
export type ShardFiles = Map<string, Map<string, Map<number, CatalogFile[]>>>

/** The series file (influxd's index, no retention policy), and what mkfs leaves in the root of a disk. */
const PASSED_OVER = ['_series', 'lost+found']

/**
 * The files of every shard whose name ends in one of `suffixes`, in name order. Symbolic links are followed.
 * Everything that is not in a shard's folder (a number) is passed over, and hidden folders unless `known` has them.
 *
 * @throws Failure `source/unreadable`
 */
export async function listShardFiles(
  root: string,
  suffixes: readonly string[],
  known: ReadonlySet<string> = new Set(),
): Promise<ShardFiles> {
  const databases: ShardFiles = new Map()
  for (const database of await foldersIn(root, known)) {
    const policies = new Map<string, Map<number, CatalogFile[]>>()
    for (const policy of await foldersIn(join(root, database), known)) {
      const shards = new Map<number, CatalogFile[]>()
      for (const shard of await foldersIn(join(root, database, policy))) {
        if (!/^\d+$/.test(shard)) continue
        const folder = join(root, database, policy, shard)
        const names = (await namesIn(folder)).filter((name) =>
          suffixes.some((suffix) => name.endsWith(suffix)),
        )
        shards.set(Number(shard), await Promise.all(names.map((name) => catalogFile(join(folder, name)))))
      }
      if (shards.size > 0) policies.set(policy, shards)
    }
    databases.set(database, policies)
  }
  return databases
}

/** @throws Failure `source/unreadable` */
export async function catalogFile(path: string): Promise<CatalogFile> {
  try {
    const { size, mtimeNs } = await stat(path, { bigint: true })
    return { path, bytes: Number(size), modified: mtimeNs }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Names of the folders (or links to folders) in `folder`, sorted; hidden ones only if `known`. */
export async function foldersIn(folder: string, known: ReadonlySet<string> = new Set()): Promise<string[]> {
  const names: string[] = []
  for (const name of await namesIn(folder)) {
    if (PASSED_OVER.includes(name) || (name.startsWith('.') && !known.has(name))) continue
    if (await isFolder(join(folder, name))) names.push(name)
  }
  return names
}

/** Sorted names of everything in a folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    throw unreadable(folder, error)
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    // A link to nowhere, or gone since: influxd passes over it too.
    if (systemCodeOf(error) === 'ENOENT') return false
    throw unreadable(path, error)
  }
}

export function unreadable(path: string, error: unknown): Failure {
  const gone = systemCodeOf(error) === 'ENOENT'
  return new Failure('source/unreadable', `cannot read ${path}: ${reasonOf(error)}`, {
    where: path,
    remedy: gone
      ? 'It vanished while the directory was read, or is a link to nowhere. Stop influxd, or read from a copy.'
      : 'Run as a user who may read it (often influxdb), or read from a copy that is yours.',
    cause: error,
  })
}
