/** meta.db: the protobuf file in which influxd 1.x keeps databases, retention policies and shard groups. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs/light.js'
import { Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import { MIN_TIME, type TimeWindow } from '../core/time.ts'

export interface MetaDatabase {
  name: string
  defaultRetentionPolicy: string | undefined
  retentionPolicies: MetaRetentionPolicy[]
}

export interface MetaRetentionPolicy {
  name: string
  /** Nanoseconds; `0n` is infinite. */
  duration: bigint
  shardGroupDuration: bigint
  shardGroups: MetaShardGroup[]
}

export interface MetaShardGroup extends TimeWindow {
  id: number
  /** Dropped or expired: influxd no longer answers from it, though its folders may still be there. */
  deleted: boolean
  /**
   * No point at or after this time was written to it once it was truncated. Earlier writes may lie behind it,
   * and queries still look there (`ShardGroupInfo.Overlaps` knows only start and end), so `end` stays as it is.
   */
  truncatedAt: bigint | undefined
  shards: number[]
}

/** Of the fields of services/meta/internal/meta.proto those that are needed; users and their hashes are not read. */
const descriptor = {
  nested: {
    Data: {
      fields: {
        Term: { rule: 'required', type: 'uint64', id: 1 },
        Databases: { rule: 'repeated', type: 'DatabaseInfo', id: 5 },
        // Written after the databases: a file that was cut lacks it.
        MaxShardID: { rule: 'required', type: 'uint64', id: 9 },
      },
    },
    DatabaseInfo: {
      fields: {
        Name: { rule: 'required', type: 'string', id: 1 },
        DefaultRetentionPolicy: { rule: 'required', type: 'string', id: 2 },
        RetentionPolicies: { rule: 'repeated', type: 'RetentionPolicyInfo', id: 3 },
      },
    },
    RetentionPolicyInfo: {
      fields: {
        Name: { rule: 'required', type: 'string', id: 1 },
        Duration: { rule: 'required', type: 'int64', id: 2 },
        ShardGroupDuration: { rule: 'required', type: 'int64', id: 3 },
        ShardGroups: { rule: 'repeated', type: 'ShardGroupInfo', id: 5 },
      },
    },
    ShardGroupInfo: {
      fields: {
        ID: { rule: 'required', type: 'uint64', id: 1 },
        StartTime: { rule: 'required', type: 'int64', id: 2 },
        EndTime: { rule: 'required', type: 'int64', id: 3 },
        DeletedAt: { rule: 'required', type: 'int64', id: 4 },
        Shards: { rule: 'repeated', type: 'ShardInfo', id: 5 },
        TruncatedAt: { type: 'int64', id: 6 },
      },
    },
    ShardInfo: { fields: { ID: { rule: 'required', type: 'uint64', id: 1 } } },
  },
}

interface Decoded {
  Databases: {
    Name: string
    DefaultRetentionPolicy: string
    RetentionPolicies: {
      Name: string
      Duration: string
      ShardGroupDuration: string
      ShardGroups: {
        ID: string
        StartTime: string
        EndTime: string
        DeletedAt: string
        TruncatedAt?: string
        Shards: { ID: string }[]
      }[]
    }[]
  }[]
}

const Data = protobuf.Root.fromJSON(descriptor).lookupType('Data')

/**
 * What `<metaDir>/meta.db` says; `undefined` when there is no such file.
 * @throws Failure `source/unreadable`, `source/meta-damaged`
 */
export async function readMetaDb(metaDir: string): Promise<MetaDatabase[] | undefined> {
  const path = join(metaDir, 'meta.db')
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT') return undefined
    throw new Failure('source/unreadable', `cannot read meta.db: ${messageOf(error)}`, {
      where: path,
      remedy:
        code === 'ENOTDIR'
          ? 'metaDir is the folder that holds meta.db, not the file.'
          : 'Run as a user who may read it (often influxdb), or give the file to yours.',
      cause: error,
    })
  }
  return decodeMetaDb(bytes, path)
}

/** @throws Failure `source/meta-damaged` naming `path` */
export function decodeMetaDb(bytes: Uint8Array, path: string): MetaDatabase[] {
  let data: Decoded
  try {
    // 64-bit integers as decimal text: a number would round them.
    data = Data.toObject(Data.decode(bytes), { longs: String, arrays: true }) as Decoded
  } catch (error) {
    throw new Failure('source/meta-damaged', `meta.db cannot be decoded: ${messageOf(error)}`, {
      where: path,
      remedy:
        'Restore it from a backup. Or point metaDir at a folder without a meta.db: names and windows then come ' +
        'from the directories and the TSM files, and retention periods have to be given in the manifest.',
      cause: error,
    })
  }
  return data.Databases.map((database) => ({
    name: database.Name,
    defaultRetentionPolicy: database.DefaultRetentionPolicy || undefined,
    retentionPolicies: database.RetentionPolicies.map((policy) => ({
      name: policy.Name,
      duration: BigInt(policy.Duration),
      shardGroupDuration: BigInt(policy.ShardGroupDuration),
      shardGroups: policy.ShardGroups.map((group) => ({
        id: Number(group.ID),
        ...windowOf(BigInt(group.StartTime), BigInt(group.EndTime)),
        deleted: group.DeletedAt !== '0',
        truncatedAt: group.TruncatedAt === undefined ? undefined : BigInt(group.TruncatedAt),
        shards: group.Shards.map(({ ID }) => Number(ID)),
      })),
    })),
  }))
}

/** A group that begins before the first int64 nanosecond is stored with a start that wrapped around. */
function windowOf(start: bigint, end: bigint): TimeWindow {
  return { start: start >= end ? MIN_TIME : start, end }
}
