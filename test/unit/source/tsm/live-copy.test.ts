import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Clock } from '../../../../src/io/clock.ts'
import { copyLive, type LiveCopyOptions } from '../../../../src/source/tsm/live-copy.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'

const signal = new AbortController().signal
const SHARD = 'db/a policy/7'
/** No time passes; `between` happens instead. */
const clock = (between = () => {}): Clock => ({
  now: () => 0,
  sleep: async () => between(),
})

async function source(): Promise<LiveCopyOptions & { data: string; wal: string }> {
  const root = await temporaryFolder()
  const dirs = { dataDir: join(root, 'data'), walDir: join(root, 'wal') }
  const [data, wal] = [join(dirs.dataDir, SHARD), join(dirs.walDir, SHARD)]
  mkdirSync(data, { recursive: true })
  mkdirSync(wal, { recursive: true })
  writeFileSync(join(data, '000000001-000000001.tsm'), 'one')
  writeFileSync(join(data, '000000001-000000001.tombstone'), 'deletes')
  writeFileSync(join(data, '000000002-000000001.tsm.tmp'), 'half')
  writeFileSync(join(data, 'fields.idx'), 'fields')
  writeFileSync(join(wal, '_00002.wal'), 'wal')
  return {
    ...dirs,
    data,
    wal,
    shards: [{ relative: SHARD }],
    folder: join(root, 'copy'),
    clock: clock(),
    signal,
  }
}

test('links what holds still, copies the WAL, and outlives both', async () => {
  const { data, wal, ...options } = await source()
  const copy = await copyLive(options)
  const name = '000000001-000000001.tsm'
  expect(readdirSync(join(copy.dataDir, SHARD)).sort()).toEqual(['000000001-000000001.tombstone', name])
  expect(statSync(join(copy.dataDir, SHARD, name)).ino).toBe(statSync(join(data, name)).ino)
  writeFileSync(join(wal, '_00002.wal'), 'written to later')
  rmSync(join(data, name))
  expect(readFileSync(join(copy.dataDir, SHARD, name), 'utf8')).toBe('one')
  expect(readFileSync(join(copy.walDir, SHARD, '_00002.wal'), 'utf8')).toBe('wal')
  await copy.remove()
  expect(existsSync(options.folder)).toBe(false)
  expect(readFileSync(join(data, 'fields.idx'), 'utf8')).toBe('fields')
})

test('of the same files, every copy has the same names, sizes and times', async () => {
  const { data: _, wal, ...options } = await source()
  utimesSync(join(wal, '_00002.wal'), 1_700_000_000.123, 1_700_000_000.456)
  const listing = async () => {
    const { dataDir, walDir } = await copyLive(options)
    const names = [join(dataDir, SHARD), join(walDir, SHARD)].flatMap((folder) =>
      readdirSync(folder)
        .sort()
        .map((name) => join(folder, name)),
    )
    return names.map((name) => [name, statSync(name).size, statSync(name, { bigint: true }).mtimeNs])
  }
  const first = await listing()
  expect(await listing()).toEqual(first)
  expect(first).toHaveLength(3)
})

test('a shard without a WAL folder, and what an ended run left behind', async () => {
  const { wal, ...options } = await source()
  rmSync(wal, { recursive: true })
  await copyLive(options)
  writeFileSync(join(options.folder, 'rest'), 'of an ended run')
  const copy = await copyLive(options)
  expect(readdirSync(options.folder).sort()).toEqual(['.influx-ferry-snapshot', 'data', 'wal'])
  expect(readdirSync(join(copy.walDir, SHARD))).toEqual([])
})

test('a folder with something else in it is left alone', async () => {
  const { data, wal: _wal, ...options } = await source()
  await expect(copyLive({ ...options, folder: data })).rejects.toMatchObject({
    code: 'snapshot/foreign-folder',
  })
  expect(readdirSync(data)).toHaveLength(4)
})

test('a compaction in between is noticed, and the copy made again', async () => {
  const { data, wal, ...options } = await source()
  // A FIFO-less way to be in between: the WAL "segment" that vanishes makes the first attempt fail.
  let attempts = 0
  symlinkSync(join(wal, 'nowhere'), join(wal, '_00001.wal'))
  const compacted = () => {
    attempts += 1
    rmSync(join(wal, '_00001.wal'))
    writeFileSync(join(data, 'new'), 'compacted')
    renameSync(join(data, 'new'), join(data, '000000002-000000002.tsm'))
    rmSync(join(data, '000000001-000000001.tsm'))
    rmSync(join(data, '000000001-000000001.tombstone'))
  }
  const copy = await copyLive({ ...options, clock: clock(compacted) })
  expect(attempts).toBe(1)
  expect(readdirSync(join(copy.dataDir, SHARD))).toEqual(['000000002-000000002.tsm'])
  expect(readdirSync(join(copy.walDir, SHARD))).toEqual(['_00002.wal'])
})

test('a shard that never holds still is given up, and the folder removed', async () => {
  const { wal, data: _data, ...options } = await source()
  symlinkSync(join(wal, 'nowhere'), join(wal, '_00001.wal'))
  await expect(copyLive({ ...options, attempts: 3 })).rejects.toMatchObject({ code: 'snapshot/unstable' })
  expect(existsSync(options.folder)).toBe(false)
})

test.skipIf(!otherFileSystem())('another file system is refused with advice', async () => {
  const { data: _data, wal: _wal, ...options } = await source()
  const folder = join('/dev/shm', `influx-ferry-test-${process.pid}`)
  await expect(copyLive({ ...options, folder })).rejects.toMatchObject({
    code: 'snapshot/other-file-system',
    remedy: expect.stringContaining('same file system') as string,
  })
  expect(existsSync(folder)).toBe(false)
})

test('a symbolic link cannot be linked', async () => {
  const { data, wal: _wal, ...options } = await source()
  linkSync(join(data, '000000001-000000001.tsm'), join(data, 'kept'))
  rmSync(join(data, '000000001-000000001.tsm'))
  symlinkSync(join(data, 'kept'), join(data, '000000001-000000001.tsm'))
  await expect(copyLive(options)).rejects.toMatchObject({ code: 'snapshot/other-file-system' })
})

function otherFileSystem(): boolean {
  return existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync('/tmp').dev
}
