/**
 * `snapshot: hardlink`: a copy of a running influxd's files that holds still. TSM files and tombstones are never written
 * to (influxd replaces them by renaming), so a hard link is enough, costs nothing and outlives their removal; WAL segments
 * are written to, and are copied.
 *
 * What makes it one moment's state: influxd writes a tombstone before the WAL's entry of the same delete, and a TSM file
 * before it removes the WAL segments it came from. So the TSM side is linked first, then the WAL copied in order; if the
 * TSM side is the same afterwards as before, and no segment has gone, everything copied belongs together. If not, again.
 */
import { constants, type BigIntStats } from 'node:fs'
import { copyFile, link, lstat, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { Failure, messageOf, systemCodeOf } from '../../core/failure.ts'
import type { Clock } from '../../io/clock.ts'

/** The folder of one shard: below the data directory and, where it has one, below the WAL directory. */
export interface ShardFolders {
  /** `<database>/<retention policy>/<shard id>`, the same below both. */
  relative: string
}

export interface LiveCopyOptions {
  dataDir: string
  walDir: string
  shards: readonly ShardFolders[]
  /** A folder that is this copy's alone; on the same file system as the data. What an ended run left there is removed. */
  folder: string
  clock: Clock
  signal: AbortSignal
  /** How often a shard is tried that a compaction gets in the way of. Default 20. */
  attempts?: number
}

export interface LiveCopy {
  dataDir: string
  walDir: string
  /** Removes the copy; the source's files have other names of their own. */
  remove(): Promise<void>
}

/** What tells a folder of ours from one that somebody gave by mistake. */
const MARK = '.influx-ferry-snapshot'
const PAUSE = 250

/**
 * @throws Failure `snapshot/other-file-system`, `snapshot/not-permitted`, `snapshot/unstable`, `snapshot/foreign-folder`,
 * `snapshot/failed`
 */
export async function copyLive(options: LiveCopyOptions): Promise<LiveCopy> {
  const folder = resolve(options.folder)
  await takeFolder(folder)
  const copy = { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') }
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    for (const { relative } of options.shards) await copyShard(relative, copy, options)
    return { ...copy, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Removes a copy that an ended run left; a folder without our mark stays. */
export async function removeLiveCopy(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => [])
  if (names.includes(MARK)) await rm(folder, { recursive: true, force: true })
}

async function takeFolder(folder: string): Promise<void> {
  try {
    const names: string[] = await readdir(folder).catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return []
      throw error
    })
    if (names.length > 0 && !names.includes(MARK))
      throw new Failure('snapshot/foreign-folder', 'the folder for the snapshot holds something else', {
        where: folder,
        remedy: 'Empty it, or give another one. It is removed when the run is over.',
      })
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, MARK), '')
  } catch (error) {
    throw error instanceof Failure ? error : failed(folder, error)
  }
}

async function copyShard(
  relative: string,
  copy: { dataDir: string; walDir: string },
  { dataDir, walDir, clock, signal, attempts = 20 }: LiveCopyOptions,
): Promise<void> {
  if (relative.split(sep).includes('..')) throw new RangeError(`${relative} is no shard's folder`)
  const from = { data: join(dataDir, relative), wal: join(walDir, relative) }
  const to = { data: join(copy.dataDir, relative), wal: join(copy.walDir, relative) }
  for (let attempt = 1; attempt <= attempts; attempt++) {
    signal.throwIfAborted()
    await emptied(to.data)
    await emptied(to.wal)
    if (await copyOnce(from, to)) return
    await clock.sleep(PAUSE, signal)
  }
  throw new Failure(
    'snapshot/unstable',
    `a shard's files changed during each of ${attempts} attempts to copy it`,
    {
      where: from.data,
      remedy:
        'Try again when influxd compacts and deletes less, or stop it for the moment of the copy. A file system snapshot (LVM, ZFS) is copied from as well.',
    },
  )
}

/** False when something changed in between. */
async function copyOnce(
  from: { data: string; wal: string },
  to: { data: string; wal: string },
): Promise<boolean> {
  const before = await listing(from.data, /\.(tsm|tombstone)$/)
  for (const name of before.keys())
    if (!(await linked(join(from.data, name), join(to.data, name)))) return false
  const segments = await listing(from.wal, /\.wal$/)
  for (const name of [...segments.keys()].sort()) {
    try {
      // Shares the blocks where the file system can.
      const { atimeMs, mtimeMs } = await stat(join(from.wal, name))
      await copyFile(join(from.wal, name), join(to.wal, name), constants.COPYFILE_FICLONE)
      // Two copies of the same are known for the same.
      await utimes(join(to.wal, name), atimeMs / 1000, mtimeMs / 1000)
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return false
      throw failed(join(from.wal, name), error)
    }
  }
  const after = await listing(from.data, /\.(tsm|tombstone)$/)
  const left = await listing(from.wal, /\.wal$/)
  return (
    after.size === before.size &&
    [...before].every(([name, seen]) => after.get(name) === seen) &&
    [...segments.keys()].every((name) => left.has(name))
  )
}

/** Names and what identifies each file's content. A missing folder is an empty one: a shard may have no WAL. */
async function listing(folder: string, wanted: RegExp): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw failed(folder, error)
  })
  for (const name of names.filter((one) => wanted.test(one))) {
    const stats: BigIntStats | undefined = await stat(join(folder, name), { bigint: true }).catch(
      () => undefined,
    )
    // Gone at once: the second listing will differ.
    found.set(name, stats === undefined ? 'gone' : `${stats.ino} ${stats.size} ${stats.mtimeNs}`)
  }
  return found
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    // A link to a symbolic link would be one, and not hold the content.
    if ((await lstat(from)).isSymbolicLink()) throw otherFileSystem(from, 'it is a symbolic link')
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Failure) throw error
    const code = systemCodeOf(error)
    if (code === 'ENOENT') return false
    if (code === 'EXDEV') throw otherFileSystem(from, 'the work folder is on another file system')
    if (code === 'EPERM' || code === 'EACCES' || code === 'ENOTSUP' || code === 'EOPNOTSUPP')
      throw new Failure('snapshot/not-permitted', `a hard link is not permitted: ${messageOf(error)}`, {
        where: from,
        remedy:
          'Linux lets a user link only files that are his own or that he may write ("fs.protected_hardlinks"). Run as the user of influxd or as root; ' +
          'or, where the file system has no hard links, read from a file system snapshot or from a copy.',
        cause: error,
      })
    throw failed(from, error)
  }
}

function otherFileSystem(path: string, why: string): Failure {
  return new Failure('snapshot/other-file-system', `no hard link can be made: ${why}`, {
    where: path,
    remedy:
      'Give a folder for the snapshot beside the data directory, on the same file system, or stop influxd and read without a snapshot.',
  })
}

async function emptied(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw failed(folder, error)
  }
}

function failed(path: string, error: unknown): Failure {
  return new Failure('snapshot/failed', `cannot make a snapshot: ${messageOf(error)}`, {
    where: path,
    remedy: 'Check the rights on the source and on the work folder, and the space for a copy of the WAL.',
    cause: error,
  })
}
