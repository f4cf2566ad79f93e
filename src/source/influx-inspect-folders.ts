/**
 * The folders that `influx_inspect` is pointed at. Given the real ones, it opens every file of the policy for each
 * slice (and reads the whole index of each), passes over linked folders, takes in orphan shards, and warns of deletes
 * in other shards' WAL. So it gets a folder of links to just the slice's files: the same names, in real folders.
 */
import { mkdir, mkdtemp, realpath, symlink } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Failure } from '../core/failure.ts'
import { removeLeftBehind } from '../io/left-behind.ts'
import type { DataDirSource } from '../manifest/migration.ts'
import type { CatalogFile } from './catalog.ts'

export interface InspectFolders {
  dataDir: string
  walDir: string
  /** Puts the real paths back into a message. */
  showPath: (text: string) => string
}

const PREFIX = 'influx_inspect-'

/** A folder of this process in `workDir`, which is made if need be. Folders that a killed run left are removed. */
export async function makeWorkFolder(workDir: string): Promise<string> {
  await mkdir(workDir, { recursive: true })
  await removeLeftBehind(workDir, PREFIX, /^(\d+)-/)
  return mkdtemp(join(workDir, `${PREFIX}${process.pid}-`))
}

/** Links to `files` below `folder`. */
export async function linkFolders(
  source: DataDirSource,
  files: readonly CatalogFile[],
  folder: string,
): Promise<InspectFolders> {
  const linked = { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') }
  await mkdir(linked.dataDir)
  await mkdir(linked.walDir)
  const made = new Set<string>()
  for (const { path } of files) {
    const isWal = path.endsWith('.wal')
    const link = isWal
      ? join(linked.walDir, within(source.walDir, path))
      : join(linked.dataDir, within(source.dataDir, path))
    if (!made.has(dirname(link))) await mkdir(dirname(link), { recursive: true })
    made.add(dirname(link))
    await symlink(await realpath(path), link)
  }
  return {
    ...linked,
    showPath: (text) =>
      text.replaceAll(linked.dataDir, () => source.dataDir).replaceAll(linked.walDir, () => source.walDir),
  }
}

/**
 * The real folders, for a command that may run elsewhere (a container, another user) and not see links of ours.
 * @throws Failure `export/linked-folder` where influx_inspect would silently pass over a file
 */
export async function realFolders(
  source: DataDirSource,
  files: readonly CatalogFile[],
): Promise<InspectFolders> {
  // It does not follow a link, not even in the path it is given.
  const real = { dataDir: await realpath(source.dataDir), walDir: await realpath(source.walDir) }
  const checked = new Set<string>()
  for (const { path } of files) {
    const folder = dirname(path)
    if (checked.has(folder)) continue
    checked.add(folder)
    const expected = path.endsWith('.wal')
      ? join(real.walDir, within(source.walDir, folder))
      : join(real.dataDir, within(source.dataDir, folder))
    if ((await realpath(folder)) === expected) continue
    throw new Failure('export/linked-folder', 'influx_inspect passes over folders that are symbolic links', {
      where: folder,
      remedy:
        'Mount the folder in place of the link, or run influx_inspect without a wrapper (command: influx_inspect).',
    })
  }
  return { ...real, showPath: (text) => text }
}

function within(root: string, path: string): string {
  const inner = relative(root, path)
  if (inner !== '..' && !inner.startsWith(`..${sep}`)) return inner
  throw new Failure('export/foreign-file', `${path} is not in ${root}`, {
    where: path,
    remedy: 'The plan belongs to other directories. Make it again ("influx-ferry plan").',
  })
}
