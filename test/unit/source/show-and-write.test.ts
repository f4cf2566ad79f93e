import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ALL_TIME, parseRfc3339 } from '../../../src/core/time.ts'
import { checkTargetName } from '../../../src/manifest/target-name.ts'
import type { Catalog, CatalogRetentionPolicy } from '../../../src/source/catalog.ts'
import type { DataDirSource } from '../../../src/manifest/migration.ts'
import { catalogJson, catalogTable } from '../../../src/source/show-catalog.ts'
import { manifestFor } from '../../../src/source/write-manifest.ts'

const DAY = 86_400_000_000_000n

const policy = (name: string, changes: Partial<CatalogRetentionPolicy> = {}): CatalogRetentionPolicy => ({
  name,
  duration: 0n,
  shardGroupDuration: 7n * DAY,
  shardGroups: [
    {
      id: 3,
      start: parseRfc3339('2021-01-04T00:00:00Z') ?? 0n,
      end: parseRfc3339('2021-01-11T00:00:00Z') ?? 0n,
      shards: [
        {
          id: 4,
          orphan: false,
          tsmFiles: [{ path: '/d/1.tsm', bytes: 1_500_000, modified: 1_600_000_000_000_000_001n }],
          tombstoneFiles: [],
          walFiles: [{ path: '/w/_1.wal', bytes: 20, modified: 0n }],
        },
      ],
    },
  ],
  ...changes,
})

const catalog: Catalog = {
  source: 'plant-1',
  origin: 'meta.db',
  notes: ['a note\nof two lines'],
  databases: [
    { name: '_internal', defaultRetentionPolicy: 'monitor', retentionPolicies: [policy('monitor')] },
    {
      name: 'plant',
      defaultRetentionPolicy: 'autogen',
      retentionPolicies: [policy('autogen'), policy('thirty', { duration: 30n * DAY, shardGroups: [] })],
    },
    {
      name: 'Werk Süd: "1"\n# ${HOME} *',
      defaultRetentionPolicy: undefined,
      retentionPolicies: [
        policy('a.b', { duration: undefined }),
        policy('a_b', { shardGroups: [{ id: 1, ...ALL_TIME, shards: [] }] }),
      ],
    },
    {
      name: 'yes',
      defaultRetentionPolicy: 'x'.repeat(80),
      retentionPolicies: [policy('x'.repeat(80)), policy('x'.repeat(81))],
    },
  ],
}

const source: DataDirSource = {
  kind: 'data-dir',
  name: 'plant-1',
  reader: 'influx_inspect',
  dataDir: '/var/lib/influxdb/data',
  walDir: '/var/lib/influxdb/a b, c',
  metaDir: '/var/lib/influxdb/meta',
  snapshotDir: undefined,
  onCorruption: 'fail',
  command: ['docker', 'exec', 'db', 'influx_inspect'],
}

describe('a catalog as a table', () => {
  it('has a row a policy', () => {
    const { header, rows, rightAligned } = catalogTable(catalog)
    expect(rows.every((row) => row.length === header.length)).toBe(true)
    expect(rows[1]).toEqual([
      ...[
        'plant',
        'autogen (default)',
        'infinite',
        '1',
        '2021-01-04T00:00:00Z',
        '2021-01-11T00:00:00Z',
        '1',
        '1.5 MB',
        '20 B',
      ],
    ])
    expect(rows[2]?.slice(1)).toEqual(['thirty', '30d', '0', '-', '-', '0', '0 B', '0 B'])
    expect(rows[3]?.slice(1, 3)).toEqual(['a.b', '?'])
    expect(rows[4]?.slice(4, 6)).toEqual(['beginning', 'end of time'])
    expect(rightAligned.map((column) => header[column])).toEqual([
      'SHARD GROUPS',
      'TSM FILES',
      'BYTES',
      'WAL',
    ])
  })

  it('as JSON keeps every nanosecond', () => {
    const json = JSON.parse(catalogJson(catalog)) as Catalog
    const [plant, werk] = json.databases.slice(1)
    expect(plant?.retentionPolicies[1]?.duration).toBe('2592000000000000')
    expect(plant?.retentionPolicies[0]?.shardGroups[0]).toMatchObject({
      start: '2021-01-04T00:00:00Z',
      end: '2021-01-11T00:00:00Z',
    })
    expect(plant?.retentionPolicies[0]?.shardGroups[0]?.shards[0]?.tsmFiles[0]?.modified).toBe(
      '2020-09-13T12:26:40.000000001Z',
    )
    expect(werk?.retentionPolicies[0]?.duration).toBeNull()
    expect(werk?.retentionPolicies[1]?.shardGroups[0]).toMatchObject({ start: null, end: null })
  })
})

describe('the first manifest', () => {
  const text = manifestFor(source, catalog, { name: 'plant', schema: '../manifest.schema.json' })
  const manifest = parse(text) as {
    apiVersion: string
    sources: Record<string, unknown>[]
    mappings: {
      source: string
      database: string
      retentionPolicy: string
      target: string
      retentionPeriod: string
    }[]
  }

  it('is YAML that names every policy exactly, but influxd’s own', () => {
    expect(manifest.apiVersion).toBe('influx-ferry/v1')
    expect(manifest.sources).toEqual([
      {
        name: 'plant-1',
        kind: 'data-dir',
        dataDir: source.dataDir,
        walDir: source.walDir,
        metaDir: source.metaDir,
        reader: 'influx_inspect',
        command: source.command,
      },
    ])
    const withVariablesEscaped = (name: string) => name.replaceAll('${', () => '$${')
    expect(manifest.mappings.map(({ database, retentionPolicy }) => [database, retentionPolicy])).toEqual(
      catalog.databases
        .slice(1)
        .flatMap(({ name, retentionPolicies }) =>
          retentionPolicies.map((one) => [withVariablesEscaped(name), one.name]),
        ),
    )
    expect(text).toContain("# _internal holds influxd's own monitoring and is left out.")
    expect(text).toContain('# Note: a note of two lines')
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../manifest.schema.json')
  })

  it('is what the schema asks for', async () => {
    const path = new URL('../../../schemas/manifest.schema.json', import.meta.url)
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(
      JSON.parse(await readFile(path, 'utf8')) as object,
    )
    validate(manifest)
    expect(validate.errors).toBeNull()
  })

  it('proposes targets that the cluster takes, each once, and says where they differ', () => {
    const targets = manifest.mappings.map(({ target }) => target)
    expect(targets.map(checkTargetName)).toEqual(targets.map(() => undefined))
    expect(new Set(targets).size).toBe(targets.length)
    expect(targets.slice(0, 2)).toEqual(['plant/autogen', 'plant/thirty'])
    expect(targets[2]).toMatch(/^Werk_Sud/)
    expect(text).toMatch(/# "Werk Süd: "1" # \$\{HOME\} \*\/a\.b" has the character .* This is a proposal:/)
    expect(text).toContain('# Caution: * stands for any characters here')
    expect(text).toContain('# "plant" of the cluster. Make that the target')
    expect(manifest.mappings.map(({ retentionPeriod }) => retentionPeriod).slice(0, 3)).toEqual([
      'source',
      'source',
      'infinite',
    ])
  })
})
