/** A slice's files by shard, in the order in which later ones win. */
import { basename, dirname } from 'node:path'
import { Failure } from '../../core/failure.ts'

export interface SliceShard {
  /** The last folder's name: the shard's id. */
  shard: string
  tsm: string[]
  tombstones: ReadonlySet<string>
  wal: string[]
}

/**
 * Shards by id (a number; the one made later wins where two have the same point). A shard's TSM files by name, as influxd
 * compares them (tsmReaders.Less: text; generation and sequence are padded with zeros); WAL segments by name.
 *
 * @throws Failure `export/tsm-name` for a TSM file that is not `<generation>-<sequence>.tsm`: influxd refuses the shard
 */
export function shardsOf(paths: readonly string[]): SliceShard[] {
  const shards = new Map<string, { tsm: string[]; tombstones: Set<string>; wal: string[] }>()
  for (const path of paths) {
    const name = basename(dirname(path))
    const shard = shards.get(name) ?? { tsm: [], tombstones: new Set(), wal: [] }
    shards.set(name, shard)
    if (path.endsWith('.tsm')) shard.tsm.push(path)
    else if (path.endsWith('.tombstone')) shard.tombstones.add(path)
    else if (path.endsWith('.wal')) shard.wal.push(path)
  }
  for (const { tsm, wal } of shards.values()) {
    const stranger = tsm.find((path) => !/^\d+-\d+\.tsm$/.test(basename(path)))
    if (stranger !== undefined)
      throw new Failure('export/tsm-name', 'a TSM file whose name gives no generation and sequence', {
        where: stranger,
        remedy:
          'influxd does not open a shard with such a file. Move it out of the folder, or give it its name back.',
      })
    tsm.sort(byName)
    wal.sort(byName)
  }
  return [...shards]
    .map(([shard, files]) => ({ shard, ...files }))
    .sort((a, b) => Number(a.shard) - Number(b.shard) || byText(a.shard, b.shard))
}

function byName(a: string, b: string): number {
  return byText(basename(a), basename(b)) || byText(a, b)
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
