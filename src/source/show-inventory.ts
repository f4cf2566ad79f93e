/** What TSM files hold, for people (one table a retention policy) and for programs (JSON). */
import { formatRfc3339 } from '../core/time.ts'
import { formatBytes, formatCount, countOf } from '../core/units.ts'
import type { Catalog } from './catalog.ts'
import { inventoryOf, type Inventory } from './tsm/shard-inventory.ts'

/** Of one retention policy. */
export interface PolicyInventory extends Inventory {
  database: string
  retentionPolicy: string
  /** Bytes of WAL, whose points are not in the inventory. */
  walBytes: number
}

/**
 * From the indexes of the TSM files of every retention policy, and their tombstones; the WAL is not read.
 *
 * @param memory bytes for indexes and tombstones
 * @throws Failure `export/...`: a file that cannot be read, or is damaged
 */
export async function inventoriesOf(
  { databases }: Catalog,
  memory: number,
  signal: AbortSignal,
): Promise<PolicyInventory[]> {
  const inventories: PolicyInventory[] = []
  for (const { name: database, retentionPolicies } of databases) {
    for (const { name: retentionPolicy, shardGroups } of retentionPolicies) {
      const shards = shardGroups.flatMap((group) => group.shards).filter(({ orphan }) => !orphan)
      const files = shards.flatMap(({ tsmFiles, tombstoneFiles }) => [...tsmFiles, ...tombstoneFiles])
      const paths = files.map(({ path }) => path)
      const walBytes = shards.flatMap(({ walFiles }) => walFiles).reduce((sum, { bytes }) => sum + bytes, 0)
      const found = await inventoryOf(paths, { memory, temporaryFolder: '/nowhere', signal })
      inventories.push({ database, retentionPolicy, walBytes, ...found })
    }
  }
  return inventories
}

/** The table of a policy's measurements, and what is to be said below it. */
export function inventoryTable(inventory: PolicyInventory): {
  header: string[]
  rows: string[][]
  rightAligned: number[]
  remarks: string[]
} {
  const { measurements, files, overlaps, walBytes } = inventory
  const deletes = files.filter(({ deleted, partlyDeleted }) => deleted + partlyDeleted > 0).length
  const changing = measurements.flatMap(({ name, fields }) =>
    fields
      .filter(({ types }) => types.length > 1)
      .map((field) => `${name}.${field.name} (${field.types.join(', ')})`),
  )
  return {
    header: ['MEASUREMENT', 'SERIES', 'FIELDS', 'POINTS', 'BYTES', 'FROM', 'TO'],
    rows: measurements.map(({ name, series, fields, points, exact, bytes, first, last }) => [
      name,
      formatCount(series),
      formatCount(fields.length),
      exact ? formatCount(points) : `~${formatCount(points)}`,
      formatBytes(bytes),
      dayOf(first),
      dayOf(last),
    ]),
    rightAligned: [1, 2, 3, 4],
    remarks: [
      ...(changing.length === 0 ? [] : [`more than one type: ${changing.join('; ')}`]),
      ...(overlaps === 0
        ? []
        : [`${countOf(overlaps, 'field')} of series in files that overlap in time: merged when exported`]),
      ...(deletes === 0
        ? []
        : [`deletes in ${countOf(deletes, 'file')}: points counts what is stored, deleted or not`]),
      ...(walBytes === 0 ? [] : [`${formatBytes(walBytes)} of WAL are not in these figures`]),
    ],
  }
}

/** As a value for JSON: times are RFC 3339. */
export function inventoryValue({ measurements, files, ...rest }: PolicyInventory) {
  const times = ({ first, last }: { first: bigint; last: bigint }) => ({
    first: first > last ? null : formatRfc3339(first),
    last: first > last ? null : formatRfc3339(last),
  })
  return {
    ...rest,
    measurements: measurements.map((one) => ({ ...one, ...times(one) })),
    files: files.map((one) => ({ ...one, ...times(one) })),
  }
}

function dayOf(time: bigint): string {
  return formatRfc3339(time).replace(/T.*/, '')
}
