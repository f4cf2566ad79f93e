import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { MIN_TIME, parseRfc3339 } from '../../../src/core/time.ts'
import { decodeMetaDb, readMetaDb } from '../../../src/source/meta-db.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const SAMPLE = join(import.meta.dirname, '../../../examples/demo/meta')

/** The parts of influxd's own meta.proto that the tests write. */
const { root } = protobuf.parse(`
  syntax = "proto2";
  message Data { required uint64 Term = 1; required uint64 Index = 2; required uint64 ClusterID = 3;
    repeated Database Databases = 5; required uint64 MaxNodeID = 7; required uint64 MaxShardGroupID = 8;
    required uint64 MaxShardID = 9; }
  message Database { required string Name = 1; required string DefaultRetentionPolicy = 2; repeated Policy RetentionPolicies = 3; }
  message Policy { required string Name = 1; required int64 Duration = 2; required int64 ShardGroupDuration = 3;
    required uint32 ReplicaN = 4; repeated Group ShardGroups = 5; }
  message Group { required uint64 ID = 1; required int64 StartTime = 2; required int64 EndTime = 3;
    required int64 DeletedAt = 4; repeated Shard Shards = 5; optional int64 TruncatedAt = 6; }
  message Shard { required uint64 ID = 1; repeated Owner Owners = 3; }
  message Owner { required uint64 NodeID = 1; }`)

function encode(groups: object[]): Uint8Array {
  const Data = root.lookupType('Data')
  const message = Data.fromObject({
    Term: 1,
    Index: 2,
    ClusterID: 3,
    Databases: [
      {
        Name: 'Werk Süd',
        DefaultRetentionPolicy: '',
        RetentionPolicies: [
          {
            Name: 'p',
            Duration: '9223372036854775807',
            ShardGroupDuration: '604800000000000',
            ReplicaN: 1,
            ShardGroups: groups,
          },
        ],
      },
    ],
    MaxNodeID: 1,
    MaxShardGroupID: 9,
    MaxShardID: 9,
  })
  return Data.encode(message).finish()
}

describe('meta.db', () => {
  it('of a real influxd names databases, policies, durations and shard groups', async () => {
    const databases = await readMetaDb(SAMPLE)
    expect(databases?.map(({ name }) => name).sort()).toEqual(['energy', 'plant'])
    const plant = databases?.find(({ name }) => name === 'plant')
    expect(plant?.defaultRetentionPolicy).toBe('autogen')
    const autogen = plant?.retentionPolicies.find(({ name }) => name === 'autogen')
    expect(autogen?.duration).toBe(0n)
    const week = 604_800_000_000_000n
    expect(autogen?.shardGroupDuration).toBe(week)
    const [group] = autogen?.shardGroups ?? []
    expect(group?.start).toBe(parseRfc3339('2024-03-04T00:00:00Z'))
    expect(group?.end).toBe((group?.start ?? 0n) + week)
    expect(group?.deleted).toBe(false)
    expect(group?.shards).toHaveLength(1)
  })

  it('keeps 64-bit integers exact, and knows dropped and truncated shard groups', () => {
    const [database] = decodeMetaDb(
      encode([
        {
          ID: 7,
          StartTime: '-9007199254740993',
          EndTime: '9007199254740993',
          DeletedAt: 0,
          Shards: [{ ID: 4 }, { ID: 5 }],
        },
        { ID: 8, StartTime: 0, EndTime: 10, DeletedAt: '1600000000000000001' },
        { ID: 9, StartTime: 0, EndTime: 10, DeletedAt: 0, TruncatedAt: 4 },
      ]),
      'meta.db',
    )
    expect(database?.name).toBe('Werk Süd')
    expect(database?.defaultRetentionPolicy).toBeUndefined()
    const [policy] = database?.retentionPolicies ?? []
    expect(policy?.duration).toBe(2n ** 63n - 1n)
    expect(policy?.shardGroups).toEqual([
      {
        id: 7,
        start: -9007199254740993n,
        end: 9007199254740993n,
        deleted: false,
        truncatedAt: undefined,
        shards: [4, 5],
      },
      { id: 8, start: 0n, end: 10n, deleted: true, truncatedAt: undefined, shards: [] },
      { id: 9, start: 0n, end: 10n, deleted: false, truncatedAt: 4n, shards: [] },
    ])
  })

  it('takes a start that wrapped around below the first nanosecond for the beginning of time', () => {
    const [database] = decodeMetaDb(
      encode([{ ID: 1, StartTime: '9223000000000000000', EndTime: '-9223000000000000000', DeletedAt: 0 }]),
      'meta.db',
    )
    expect(database?.retentionPolicies[0]?.shardGroups[0]?.start).toBe(MIN_TIME)
  })

  it('that is not there is undefined', async () => {
    expect(await readMetaDb(join(await temporaryFolder(), 'nowhere'))).toBeUndefined()
  })

  it('that is damaged fails by name, wherever it is cut', async () => {
    const bytes = await readFile(join(SAMPLE, 'meta.db'))
    const folder = await temporaryFolder()
    for (const length of [0, 1, 40, bytes.length >> 1, bytes.length - 12]) {
      await writeFile(join(folder, 'meta.db'), bytes.subarray(0, length))
      await expect(readMetaDb(folder), `cut at ${length}`).rejects.toMatchObject({
        code: 'source/meta-damaged',
        where: join(folder, 'meta.db'),
        remedy: expect.stringContaining('Restore it from a backup') as string,
      })
    }
    await writeFile(join(folder, 'meta.db'), 'this is no protobuf')
    await expect(readMetaDb(folder)).rejects.toMatchObject({ code: 'source/meta-damaged' })
  })

  it('given as metaDir itself, and as a folder, says what metaDir is', async () => {
    await expect(readMetaDb(join(SAMPLE, 'meta.db'))).rejects.toMatchObject({
      code: 'source/unreadable',
      remedy: 'metaDir is the folder that holds meta.db, not the file.',
    })
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'meta.db'))
    await expect(readMetaDb(folder)).rejects.toMatchObject({ code: 'source/unreadable' })
  })
})
