/** Is the folder that the manifest names really the data (or WAL) directory, or one above or below it? */
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure, systemCodeOf } from '../core/failure.ts'
import { foldersIn, namesIn, unreadable } from './shard-files.ts'

/** Folders between a data directory and its files: database, retention policy, shard. */
const DEPTH = 3

/**
 * @throws Failure `source/not-found`, `source/not-a-folder`, `source/unreadable`, `source/data-dir-too-high`,
 * `source/data-dir-too-low`
 */
export async function checkDataDir(dataDir: string): Promise<void> {
  await expectFolder(dataDir, 'dataDir', `dataDir is "dir" under [data] in influxdb.conf.`)
  const depth = await depthOf(dataDir, isDataFile)
  if (depth === undefined && (await isServerFolder(dataDir))) throw tooHigh(join(dataDir, 'data'), dataDir)
  if (depth !== undefined && depth > DEPTH) {
    const inner = join(dataDir, 'data')
    throw tooHigh((await depthOf(inner, isDataFile)) === DEPTH ? inner : undefined, dataDir)
  }
  if (depth !== undefined && depth < DEPTH) {
    throw new Failure(
      'source/data-dir-too-low',
      `${dataDir} is inside of a data directory: ${['a shard', 'a retention policy', 'a database'][depth]}`,
      { where: dataDir, remedy: `Did you mean ${above(dataDir, DEPTH - depth)}?` },
    )
  }
}

/**
 * Without the right WAL folder, points that influxd had not yet put into TSM files are not seen.
 * @throws Failure `source/not-found`, `source/not-a-folder`, `source/unreadable`, `source/wal-dir-level`
 */
export async function checkWalDir(walDir: string): Promise<void> {
  await expectFolder(
    walDir,
    'walDir',
    'walDir is "wal-dir" under [data] in influxdb.conf. If there is no WAL (a restored backup), make an empty folder and name it.',
  )
  const depth = await depthOf(walDir, isWalFile)
  if (depth === undefined || depth === DEPTH) return
  const right = depth > DEPTH ? join(walDir, 'wal') : above(walDir, DEPTH - depth)
  throw new Failure(
    'source/wal-dir-level',
    `${walDir} is ${depth > DEPTH ? 'above' : 'inside of'} a WAL directory: its points would not be seen`,
    { where: walDir, remedy: `Did you mean ${right}?` },
  )
}

function isDataFile(name: string): boolean {
  return name.endsWith('.tsm') || name === 'fields.idx'
}

function isWalFile(name: string): boolean {
  return name.startsWith('_') && name.endsWith('.wal')
}

/** How many folders lie above the first such file in a folder with a number for a name; the right depth first. */
async function depthOf(root: string, isMatch: (name: string) => boolean): Promise<number | undefined> {
  let level = [root]
  let shallow: number | undefined
  for (let depth = 0; depth <= DEPTH + 1; depth += 1) {
    const below: string[] = []
    for (const folder of level) {
      const names = await namesIn(folder).catch(() => [])
      if (/^\d+$/.test(basename(folder)) && names.some(isMatch)) {
        if (depth >= DEPTH) return depth
        shallow ??= depth
      }
      if (depth <= DEPTH) {
        const folders = await foldersIn(folder).catch(() => [])
        below.push(...folders.map((name) => join(folder, name)))
      }
    }
    level = below
  }
  return shallow
}

async function isServerFolder(folder: string): Promise<boolean> {
  const names = await namesIn(folder)
  return names.includes('data') && (names.includes('meta') || names.includes('wal'))
}

async function expectFolder(path: string, key: string, remedy: string): Promise<void> {
  let isDirectory: boolean
  try {
    isDirectory = (await stat(path)).isDirectory()
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw unreadable(path, error)
    throw new Failure('source/not-found', `${key} does not exist: ${path}`, { where: path, remedy })
  }
  if (!isDirectory) {
    throw new Failure('source/not-a-folder', `${key} is a file, not a folder: ${path}`, {
      where: path,
      remedy,
    })
  }
  await namesIn(path) // may it be read?
}

function tooHigh(right: string | undefined, dataDir: string): Failure {
  return new Failure(
    'source/data-dir-too-high',
    `${dataDir} is above the data directory: no TSM file of any database is found there`,
    {
      where: dataDir,
      remedy:
        right === undefined
          ? 'Name the folder that holds one folder for each database.'
          : `Did you mean ${right}?`,
    },
  )
}

function above(path: string, levels: number): string {
  return levels === 0 ? path : above(dirname(path), levels - 1)
}
