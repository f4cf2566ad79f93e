import {
  cp,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALL_TIME, type TimeWindow } from '../../src/core/time.ts'
import type { DataDirSource } from '../../src/manifest/migration.ts'
import { slicesOf } from '../../src/plan/slices.ts'
import type { Slice } from '../../src/plan/plan.ts'
import type { Catalog, CatalogFile } from '../../src/source/catalog.ts'
import {
  exportWithInfluxInspect,
  probeInfluxInspect,
  type InfluxInspectAbilities,
} from '../../src/source/influx-inspect.ts'
import { readCatalog } from '../../src/source/read-catalog.ts'
import { readTsmTimes } from '../../src/source/tsm-times.ts'
import { FIRST_TIME, fillWithHardData, LAST_TIME, type HardDatabase } from '../rig/hard-data.ts'
import { exportText, influxInspect } from '../rig/influx-inspect.ts'
import { startInfluxd, type Influxd } from '../rig/influxd.ts'

const { signal } = new AbortController()

describe.skipIf(influxInspect === undefined)('a real data directory and the real influx_inspect', () => {
  const command = [influxInspect ?? '']
  let influxd: Influxd
  let databases: HardDatabase[]
  let abilities: InfluxInspectAbilities
  let folder: string

  beforeAll(async () => {
    influxd = await startInfluxd()
    databases = await fillWithHardData(influxd, { walDeletes: true, series: 500 })
    await influxd.stop()
    abilities = await probeInfluxInspect(command, signal)
    folder = await mkdtemp(join(tmpdir(), 'influx-ferry-test-'))
  })
  afterAll(async () => {
    await influxd.remove()
    await rm(folder, { recursive: true, force: true })
  })

  const sourceIn = (dir: string, changes: Partial<DataDirSource> = {}): DataDirSource => ({
    kind: 'data-dir',
    name: 'plant-1',
    reader: 'influx_inspect',
    dataDir: join(dir, 'data'),
    walDir: join(dir, 'wal'),
    metaDir: join(dir, 'meta'),
    snapshotDir: undefined,
    onCorruption: 'fail',
    command,
    ...changes,
  })

  /** A copy to damage. */
  async function copy(name: string): Promise<DataDirSource> {
    const to = join(folder, name)
    for (const part of ['data', 'wal', 'meta'] as const)
      await cp(influxd.dirs[part], join(to, part), {
        recursive: true,
        filter: (path) => !path.endsWith('_series'),
      })
    return sourceIn(to)
  }

  function slices(catalog: Catalog, database: string, retentionPolicy: string): Slice[] {
    const policy = catalog.databases
      .find(({ name }) => name === database)
      ?.retentionPolicies.find(({ name }) => name === retentionPolicy)
    if (policy === undefined) throw new Error(`no ${database}.${retentionPolicy} in the catalog`)
    return slicesOf({ id: 'p', source: 'plant-1', database, retentionPolicy, target: 't' }, policy, ALL_TIME)
  }

  async function exported(
    source: DataDirSource,
    database: string,
    retentionPolicy: string,
    { window, files }: { window: TimeWindow; files: CatalogFile[] },
  ): Promise<string> {
    const chunks: Uint8Array[] = []
    const options = { command: source.command, abilities, source, database, retentionPolicy, window, files }
    const workDir = join(folder, 'work')
    for await (const chunk of exportWithInfluxInspect({ ...options, workDir, signal }).chunks)
      chunks.push(chunk)
    expect(await readdir(workDir)).toEqual([])
    return Buffer.concat(chunks).toString()
  }

  const dataLines = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# ') && !line.startsWith('CREATE DATABASE '))
      .sort()

  it('are the 1.6 that Debian has: no -lponly, no standard output', () => {
    expect(abilities).toEqual({ lponly: false, standardOutput: false })
  })

  it('have in the catalog what influxd shows', async () => {
    const catalog = await readCatalog(sourceIn(influxd.dir), signal)
    expect(catalog.notes).toEqual([])
    for (const { database, retentionPolicy, duration } of databases) {
      const policy = catalog.databases
        .find(({ name }) => name === database)
        ?.retentionPolicies.find(({ name }) => name === retentionPolicy)
      expect(policy?.duration, `${database}.${retentionPolicy}`).toBe(duration)
      for (const { start, end, shards } of policy?.shardGroups ?? []) {
        expect(start).toBeLessThan(end)
        for (const { path } of shards.flatMap(({ tsmFiles }) => tsmFiles)) {
          const times = await readTsmTimes(path)
          expect(times.start).toBeGreaterThanOrEqual(start)
          expect(times.end).toBeLessThanOrEqual(end)
        }
      }
    }
  })

  it('reach to both ends of time', async () => {
    const catalog = await readCatalog(sourceIn(influxd.dir), signal)
    const found = slices(catalog, 'extremes', 'autogen')
    expect(found[0]?.window.start).toBeLessThanOrEqual(FIRST_TIME)
    expect(found.at(-1)?.window.end).toBeGreaterThan(LAST_TIME)
    expect(found.length).toBeGreaterThan(1)
  })

  it.each([
    ['a plain command', (program: string) => [program]],
    ['a wrapped one', (program: string) => ['env', program]],
  ])(
    'give all slices together the lines that one export of everything gives, through %s',
    async (_, wrap) => {
      const source = sourceIn(influxd.dir, { command: wrap(influxInspect ?? '') })
      const catalog = await readCatalog(source, signal)
      for (const { database, retentionPolicy, kind } of databases) {
        if (kind === 'wal-deletes') continue
        let text = ''
        for (const slice of slices(catalog, database, retentionPolicy))
          text += await exported(source, database, retentionPolicy, slice)
        const whole = exportText(influxd.dirs, '-database', database, '-retention', retentionPolicy)
        expect(dataLines(whole).length, database).toBeGreaterThan(5)
        expect(dataLines(text), `${database}.${retentionPolicy}`).toEqual(dataLines(whole))
      }
    },
  )

  it('fail for deletes in the WAL', async () => {
    const source = sourceIn(influxd.dir)
    const [slice] = slices(await readCatalog(source, signal), 'deletes', 'autogen')
    await expect(exported(source, 'deletes', 'autogen', slice as Slice)).rejects.toMatchObject({
      code: 'export/deletes-in-wal',
    })
  })

  it('fail for a damaged TSM file and a damaged block, by name', async () => {
    const source = await copy('damaged')
    const [slice] = slices(await readCatalog(source, signal), 'plant', 'autogen')
    const path = slice?.files.find((file) => file.path.endsWith('.tsm'))?.path ?? ''
    const whole = await readFile(path)

    const noBlock = Buffer.from(whole)
    noBlock.fill(0xff, 5 + 4, 5 + 30) // behind the header and the CRC: type and length of the first block
    await writeFile(path, noBlock)
    const noBlockSlice = slices(await readCatalog(source, signal), 'plant', 'autogen')[0] as Slice
    await expect(exported(source, 'plant', 'autogen', noBlockSlice)).rejects.toMatchObject({
      code: 'export/unreadable-block',
    })

    await writeFile(path, whole.fill(0, 0, 4))
    const noMagic = slices(await readCatalog(source, signal), 'plant', 'autogen')[0] as Slice
    await expect(exported(source, 'plant', 'autogen', noMagic)).rejects.toMatchObject({
      code: 'export/unreadable-file',
      where: path,
    })
  })

  it('fail for a torn WAL segment, by name and position', async () => {
    const source = await copy('torn')
    const before = slices(await readCatalog(source, signal), 'plant', 'autogen')
    const path = before.flatMap(({ files }) => files).find((file) => file.path.endsWith('.wal'))?.path ?? ''
    const { size } = await stat(path)
    await truncate(path, size - 3)
    const slice = slices(await readCatalog(source, signal), 'plant', 'autogen').find(({ files }) =>
      files.some((file) => file.path === path),
    ) as Slice
    await expect(exported(source, 'plant', 'autogen', slice)).rejects.toMatchObject({
      code: 'export/corrupt-wal',
      where: path,
      message: expect.stringMatching(/at byte \d+: unexpected EOF/) as string,
    })
  })

  it('fail for a database that is not there, and for folders that the program does not see', async () => {
    const source = sourceIn(influxd.dir)
    const [slice] = slices(await readCatalog(source, signal), 'plant', 'autogen')
    await expect(exported(source, 'plnt', 'autogen', slice as Slice)).rejects.toMatchObject({
      code: 'export/files-not-seen',
    })
    const wrapped = { ...source, command: ['env', ...command] }
    await expect(exported(wrapped, 'plant', 'aut', slice as Slice)).rejects.toMatchObject({
      code: 'export/files-not-seen',
    })
  })

  it('are read through linked folders, which influx_inspect alone passes over', async () => {
    const source = await copy('linked')
    const linked = join(source.dataDir, 'plant')
    const elsewhere = join(dirname(source.dataDir), 'elsewhere')
    const [slice] = slices(await readCatalog(source, signal), 'plant', 'autogen')
    const expected = dataLines(await exported(source, 'plant', 'autogen', slice as Slice))
    await rename(linked, elsewhere)
    await symlink(elsewhere, linked)
    const [same] = slices(await readCatalog(source, signal), 'plant', 'autogen')
    expect(dataLines(await exported(source, 'plant', 'autogen', same as Slice))).toEqual(expected)
    await expect(
      exported({ ...source, command: ['env', ...command] }, 'plant', 'autogen', same as Slice),
    ).rejects.toMatchObject({ code: 'export/linked-folder' })
  })
})
