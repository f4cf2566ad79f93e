import { cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALL_TIME, parseRfc3339 } from '../../../src/core/time.ts'
import type { DataDirSource } from '../../../src/manifest/migration.ts'
import { checkUnchanged } from '../../../src/source/check-unchanged.ts'
import { readCatalog } from '../../../src/source/read-catalog.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const SAMPLE = join(import.meta.dirname, '../../../examples/demo')
const { signal } = new AbortController()

/** A copy of the sample's folders. */
async function sample(): Promise<string> {
  const folder = await temporaryFolder()
  for (const name of ['data', 'wal', 'meta'])
    await cp(join(SAMPLE, name), join(folder, name), { recursive: true })
  return folder
}

function sourceOf(folder: string, changes: Partial<DataDirSource> = {}): DataDirSource {
  return {
    kind: 'data-dir',
    name: 'plant-1',
    reader: 'influx_inspect',
    dataDir: join(folder, 'data'),
    walDir: join(folder, 'wal'),
    metaDir: join(folder, 'meta'),
    snapshotDir: undefined,
    onCorruption: 'fail',
    command: ['influx_inspect'],
    ...changes,
  }
}

const failureOf = (source: DataDirSource) =>
  readCatalog(source, signal).then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the catalog of a data directory', () => {
  it('has names and windows from meta.db, and the files of every shard', async () => {
    const catalog = await readCatalog(sourceOf(await sample()), signal)
    expect(catalog.origin).toBe('meta.db')
    expect(catalog.notes).toEqual([])
    expect(
      catalog.databases.map(({ name, retentionPolicies }) => [name, retentionPolicies.map((p) => p.name)]),
    ).toEqual([
      ['energy', ['autogen', 'hourly']],
      ['plant', ['autogen', 'hourly']],
    ])
    const autogen = catalog.databases[1]?.retentionPolicies[0]
    const [group] = autogen?.shardGroups ?? []
    expect(group?.start).toBe(parseRfc3339('2024-03-04T00:00:00Z'))
    const [shard] = group?.shards ?? []
    expect(shard?.orphan).toBe(false)
    expect(shard?.tsmFiles.length).toBeGreaterThan(0)
    expect(shard?.tsmFiles.every(({ bytes, path }) => bytes > 100 && path.endsWith('.tsm'))).toBe(true)
    expect(shard?.walFiles.length).toBeGreaterThan(0)
    expect(shard?.walFiles.every(({ path }) => path.endsWith('.wal'))).toBe(true)
  })

  it('without meta.db has windows from the TSM files, and says so', async () => {
    const folder = await sample()
    await rm(join(folder, 'meta'), { recursive: true })
    await rm(join(folder, 'wal', 'plant'), { recursive: true })
    const catalog = await readCatalog(sourceOf(folder), signal)
    expect(catalog.origin).toBe('directories')
    expect(catalog.notes[0]).toContain('there is no meta.db in')
    const autogen = catalog.databases.find(({ name }) => name === 'plant')?.retentionPolicies[0]
    expect(autogen?.duration).toBeUndefined()
    expect(autogen?.shardGroups[0]?.start).toBe(parseRfc3339('2024-03-04T00:00:00Z'))
    expect(autogen?.shardGroups[0]?.end).toBeLessThan(parseRfc3339('2024-03-11T00:00:00Z') ?? 0n)
  })

  it('without meta.db takes a shard with a WAL for all of time: only the WAL could tell', async () => {
    const folder = await sample()
    await rm(join(folder, 'meta'), { recursive: true })
    const catalog = await readCatalog(sourceOf(folder), signal)
    const autogen = catalog.databases.find(({ name }) => name === 'plant')?.retentionPolicies[0]
    expect(autogen?.shardGroups[0]).toMatchObject(ALL_TIME)
    expect(catalog.notes.join('\n')).toMatch(/"plant"."autogen": shard \d+ has a WAL/)
  })

  it('flags shards that meta.db does not know, and tells of shards that are not there', async () => {
    const folder = await sample()
    const policy = join(folder, 'data/energy/autogen')
    await rename(join(policy, '3'), join(policy, '99'))
    await rm(join(folder, 'wal/energy/autogen'), { recursive: true, force: true })
    const catalog = await readCatalog(sourceOf(folder), signal)
    const groups = catalog.databases[0]?.retentionPolicies[0]?.shardGroups ?? []
    expect(groups.flatMap(({ shards }) => shards.map(({ id, orphan }) => ({ id, orphan })))).toEqual([
      { id: 99, orphan: true },
    ])
    expect(catalog.notes.join('\n')).toContain('"energy"."autogen": shard 3 of meta.db is not on disk')
    expect(catalog.notes.join('\n')).toContain('shard 99 is on disk, but meta.db does not know it')
  })

  it('passes over what is no shard, and tells of files that influxd set aside', async () => {
    const folder = await sample()
    const shard = join(folder, 'data/energy/autogen/3')
    await mkdir(join(folder, 'data/lost+found'))
    await mkdir(join(folder, 'data/energy/_series/00'), { recursive: true })
    await writeFile(join(shard, '000000009-000000001.tsm.tmp'), 'half a compaction')
    await writeFile(join(shard, '000000002-000000001.tsm.bad'), 'x')
    await writeFile(join(shard, '000000001-000000001.tombstone'), 'x')
    const catalog = await readCatalog(sourceOf(folder), signal)
    expect(catalog.databases.map(({ name }) => name)).toEqual(['energy', 'plant'])
    const [energy] = catalog.databases
    expect(energy?.retentionPolicies.map(({ name }) => name)).toEqual(['autogen', 'hourly'])
    const found = energy?.retentionPolicies[0]?.shardGroups[0]?.shards[0]
    expect(found?.tsmFiles).toHaveLength(1)
    expect(found?.tombstoneFiles).toHaveLength(1)
    expect(catalog.notes).toEqual([expect.stringContaining('000000002-000000001.tsm.bad aside as damaged')])
  })

  it('follows symbolic links', async () => {
    const folder = await sample()
    const elsewhere = await temporaryFolder()
    await rename(join(folder, 'data/plant'), join(elsewhere, 'plant'))
    await symlink(join(elsewhere, 'plant'), join(folder, 'data/plant'))
    const catalog = await readCatalog(sourceOf(folder), signal)
    const shard = catalog.databases[1]?.retentionPolicies[0]?.shardGroups[0]?.shards[0]
    expect(shard?.tsmFiles.length).toBeGreaterThan(0)
  })

  it('names the right folder when dataDir is a level off', async () => {
    const folder = await sample()
    const data = join(folder, 'data')
    const tooHigh = await failureOf(sourceOf(folder, { dataDir: folder }))
    expect(tooHigh).toMatchObject({ code: 'source/data-dir-too-high', remedy: `Did you mean ${data}?` })
    for (const below of ['plant', 'plant/autogen', 'energy/autogen/3']) {
      const tooLow = await failureOf(sourceOf(folder, { dataDir: join(data, below) }))
      expect(tooLow, below).toMatchObject({
        code: 'source/data-dir-too-low',
        remedy: `Did you mean ${data}?`,
      })
    }
    await rm(data, { recursive: true })
    await mkdir(data)
    const emptyServer = await failureOf(sourceOf(folder, { dataDir: folder }))
    expect(emptyServer).toMatchObject({ code: 'source/data-dir-too-high', remedy: `Did you mean ${data}?` })
  })

  it('names the right folder when walDir is a level off, since its points would be lost silently', async () => {
    const folder = await sample()
    const wal = join(folder, 'wal')
    for (const walDir of [folder, join(wal, 'plant'), join(wal, 'plant/autogen')]) {
      const failure = await failureOf(sourceOf(folder, { walDir }))
      expect(failure, walDir).toMatchObject({ code: 'source/wal-dir-level', remedy: `Did you mean ${wal}?` })
    }
  })

  it('fails by name for folders that are missing, files, or empty', async () => {
    const folder = await sample()
    const file = join(folder, 'meta/meta.db')
    const empty = join(folder, 'empty')
    await mkdir(empty)
    expect(await failureOf(sourceOf(folder, { dataDir: join(folder, 'nope') }))).toMatchObject({
      code: 'source/not-found',
      message: `dataDir does not exist: ${join(folder, 'nope')}`,
    })
    expect(await failureOf(sourceOf(folder, { walDir: join(folder, 'nope') }))).toMatchObject({
      code: 'source/not-found',
      remedy: expect.stringContaining('make an empty folder') as string,
    })
    expect(await failureOf(sourceOf(folder, { dataDir: file }))).toMatchObject({
      code: 'source/not-a-folder',
    })
    expect(await failureOf(sourceOf(folder, { dataDir: empty, walDir: empty }))).toMatchObject({
      code: 'source/shards-missing',
    })
    expect(
      await failureOf(sourceOf(folder, { dataDir: empty, walDir: empty, metaDir: empty })),
    ).toMatchObject({
      code: 'source/empty',
      where: empty,
    })
  })

  it('refuses a meta.db that knows none of the shards', async () => {
    const folder = await sample()
    for (const [policy, id] of [
      ['plant/autogen', 1],
      ['plant/hourly', 2],
      ['energy/autogen', 3],
      ['energy/hourly', 4],
    ] as const) {
      await rename(join(folder, 'data', policy, `${id}`), join(folder, 'data', policy, `${id}00`))
    }
    await rm(join(folder, 'wal'), { recursive: true })
    await mkdir(join(folder, 'wal'))
    expect(await failureOf(sourceOf(folder))).toMatchObject({ code: 'source/foreign-meta-db' })
  })

  it('tells when there is no WAL at all', async () => {
    const folder = await sample()
    await rm(join(folder, 'wal'), { recursive: true })
    await mkdir(join(folder, 'wal'))
    const { notes } = await readCatalog(sourceOf(folder), signal)
    expect(notes).toEqual([expect.stringContaining('holds no WAL of any database')])
  })

  it('notices a file that changed or vanished since', async () => {
    const folder = await sample()
    const catalog = await readCatalog(sourceOf(folder), signal)
    const files = catalog.databases.flatMap(({ retentionPolicies }) =>
      retentionPolicies.flatMap(({ shardGroups }) =>
        shardGroups.flatMap(({ shards }) => shards.flatMap((s) => [...s.tsmFiles, ...s.walFiles])),
      ),
    )
    expect(files.length).toBeGreaterThan(4)
    expect(await checkUnchanged(files)).toBeUndefined()
    const [first, second] = files
    await writeFile(second?.path ?? '', 'x', { flag: 'a' })
    expect(await checkUnchanged(files)).toBe(second)
    await rm(first?.path ?? '')
    expect(await checkUnchanged(files)).toBe(first)
  })
})
