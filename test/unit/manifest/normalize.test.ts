import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALL_TIME, parseRfc3339 } from '../../../src/core/time.ts'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

const env = { T: 'hunter2', HOME: '/home/me' }
const load = async (parts: Parameters<typeof manifestText>[0]) => {
  const { migration, lines, folder } = await loadText(manifestText(parts), { env })
  if (migration === undefined) throw new Error(lines.join('\n'))
  return { migration, folder }
}

describe('a migration', () => {
  it('has every default filled in', async () => {
    const { migration, folder } = await load({})
    expect(migration).toEqual({
      name: 'plant',
      file: join(folder, 'manifest.yaml'),
      environment: undefined,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      sources: [
        {
          kind: 'data-dir',
          name: 's',
          reader: 'tsm',
          dataDir: '/data',
          walDir: '/wal',
          metaDir: '/meta',
          snapshotDir: undefined,
          onCorruption: 'fail',
          command: ['influx_inspect'],
        },
      ],
      timeRange: ALL_TIME,
      target: {
        url: 'https://c.example.com',
        admin: {
          kind: 'influxctl',
          command: ['influxctl'],
          profile: undefined,
          config: undefined,
          token: undefined,
        },
        write: {
          api: 'v2',
          concurrency: 4,
          batch: { lines: 10_000, bytes: 10_000_000 },
          limit: undefined,
          timeout: 60_000,
          tokenActivation: 300_000,
          maxRetries: 10,
        },
        tls: { ca: undefined, insecure: false },
      },
      mappings: [
        {
          index: 0,
          position: { line: 8, column: 5 },
          source: 's',
          database: 'd',
          retentionPolicy: 'r',
          target: 'd/r',
          timeRange: ALL_TIME,
          retentionPeriod: 'source',
          maxTables: undefined,
          maxColumns: undefined,
          partitionTemplate: undefined,
          transforms: [],
          onInexpressible: 'fail',
          maxRejected: undefined,
        },
      ],
      tokens: [],
      transfer: 'staged',
      verify: { level: 'basic', concurrency: 2 },
      spool: { dir: join(folder, '.influx-ferry/plant'), memory: 256_000_000, gzipLevel: 1 },
    })
  })

  it('has times, sizes and durations as numbers', async () => {
    const { migration } = await load({
      timeRange: 'timeRange: { start: 2020-01-01T00:00:00Z, end: 9999-01-01T00:00:00Z }',
      target:
        'target:\n  url: https://c/x//\n  write: { limit: 1.5MB/s, timeout: 2m, tokenActivation: 0s, batch: { lines: 5, bytes: 1MiB } }',
      mappings:
        'mappings:\n  - { source: s, database: d, retentionPolicy: r, target: x, retentionPeriod: 168h0m0s, timeRange: { start: 2019-01-01T00:00:00Z, end: 2021-01-01T00:00:00+01:00 } }\n' +
        '  - { source: s, database: e, retentionPolicy: r, target: y, retentionPeriod: infinite }',
      spool: 'spool: { dir: ~/spool, memory: 64MiB }',
    })
    expect(migration.timeRange).toEqual({ start: parseRfc3339('2020-01-01T00:00:00Z'), end: 2n ** 63n })
    expect(migration.target.url).toBe('https://c/x')
    expect(migration.target.write).toMatchObject({
      limit: 1_500_000,
      timeout: 120_000,
      tokenActivation: 0,
      batch: { lines: 5, bytes: 2 ** 20 },
    })
    expect(migration.mappings.map(({ retentionPeriod }) => retentionPeriod)).toEqual([
      604_800_000_000_000n,
      0n,
    ])
    expect(migration.mappings[0]?.timeRange).toEqual({
      start: parseRfc3339('2020-01-01T00:00:00Z'),
      end: parseRfc3339('2020-12-31T23:00:00Z'),
    })
    expect(migration.spool).toMatchObject({ dir: '/home/me/spool', memory: 2 ** 26 })
  })

  it('has paths from the folder of the manifest', async () => {
    const { migration, folder } = await load({
      sources:
        'sources:\n  - { name: s, kind: data-dir, dataDir: old/data, metaDir: ../m, reader: influx_inspect, command: ["./wrap.sh", docker, ./x] }\n' +
        '  - { name: l, kind: line-protocol, files: [a.lp, "/b/*.gz"] }',
      mappings:
        'mappings:\n  - { source: s, database: d, retentionPolicy: r, target: d }\n  - { source: l, target: l }',
      target:
        'target:\n  url: https://c\n  admin: { kind: influxctl, command: influxctl, config: c.toml }\n  tls: { ca: ca.pem }',
    })
    expect(migration.sources).toEqual([
      {
        kind: 'data-dir',
        name: 's',
        reader: 'influx_inspect',
        dataDir: join(folder, 'old/data'),
        walDir: join(folder, 'old/wal'),
        metaDir: join(folder, '../m'),
        snapshotDir: undefined,
        onCorruption: 'fail',
        command: [join(folder, 'wrap.sh'), 'docker', './x'],
      },
      { kind: 'line-protocol', name: 'l', files: [join(folder, 'a.lp'), '/b/*.gz'] },
    ])
    expect(migration.target.admin).toMatchObject({ command: ['influxctl'], config: join(folder, 'c.toml') })
    expect(migration.target.tls.ca).toBe(join(folder, 'ca.pem'))
  })

  it('has secrets as where they come from', async () => {
    const admin = async (text: string) =>
      (await load({ target: `target:\n  url: https://c\n  admin: { kind: api, token: ${text} }` })).migration
        .target.admin
    expect(await admin('"${T}"')).toEqual({
      kind: 'api',
      token: { kind: 'value', value: 'hunter2', variable: 'T' },
    })
    expect(await admin('{ file: /run/t }')).toEqual({ kind: 'api', token: { kind: 'file', path: '/run/t' } })
    expect(await admin('{ command: [vault, read, "${HOME}"] }')).toEqual({
      kind: 'api',
      token: { kind: 'command', command: ['vault', 'read', '/home/me'] },
    })
  })

  it('has tokens that reach the targets, and given ones that may reach all', async () => {
    const { migration, folder } = await load({
      tokens:
        'tokens:\n  - { expiresAt: 2030-01-01T00:00:00Z, keep: { file: t } }\n  - { env: T }\n  - { description: x, read: [], write: ["*"], keep: { command: [vault, write] } }',
    })
    expect(migration.tokens).toEqual([
      {
        description: 'influx-ferry plant',
        read: ['d/r'],
        write: ['d/r'],
        expiresAt: '2030-01-01T00:00:00Z',
        given: undefined,
        keep: { kind: 'file', path: join(folder, 't') },
      },
      {
        description: 'given by the variable T',
        read: ['*'],
        write: ['*'],
        expiresAt: undefined,
        given: { kind: 'value', value: 'hunter2', variable: 'T' },
        keep: undefined,
      },
      {
        description: 'x',
        read: [],
        write: ['*'],
        expiresAt: undefined,
        given: undefined,
        keep: { kind: 'command', command: ['vault', 'write'] },
      },
    ])
  })
})
