/** Hard-linked copies of the sources that ask for one (`snapshot: hardlink`): made before the export, gone after it. */
import { dirname, join, relative } from 'node:path'
import { Failure } from '../core/failure.ts'
import type { DataDirSource } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import type { CatalogFile } from '../source/catalog.ts'
import { catalogFile, namesIn } from '../source/shard-files.ts'
import { copyLive, type LiveCopy } from '../source/tsm/live-copy.ts'
import { sourceOf, type RunContext } from './context.ts'

/** What a slice is read from. */
export interface SliceSource {
  source: DataDirSource
  files: readonly CatalogFile[]
}

export class Snapshots {
  readonly #copies = new Map<string, LiveCopy>()

  /** @throws Failure `snapshot/...`; what was made by then is gone again. */
  static async of(context: RunContext, slices: readonly Slice[]): Promise<Snapshots> {
    const snapshots = new Snapshots()
    try {
      for (const source of new Set(slices.map((slice) => sourceOf(context, slice))))
        if (source.kind === 'data-dir' && source.snapshotDir !== undefined)
          await snapshots.#make(context, source, source.snapshotDir, slices)
      return snapshots
    } catch (error) {
      await snapshots.remove()
      throw error
    }
  }

  /** The slice's files: as the plan saw them, or all of its shards in the snapshot, which is newer. */
  async filesOf(source: DataDirSource, slice: Slice): Promise<SliceSource> {
    const copy = this.#copies.get(source.name)
    if (copy === undefined) return { source, files: slice.files }
    const files: CatalogFile[] = []
    for (const shard of shardsOf(source, slice.files)) {
      for (const folder of [join(copy.dataDir, shard), join(copy.walDir, shard)])
        for (const name of await namesIn(folder)) files.push(await catalogFile(join(folder, name)))
    }
    if (files.every(({ bytes }) => bytes === 0) && slice.files.some(({ bytes }) => bytes > 0))
      throw new Failure('export/source-changed', 'its shards were dropped before the snapshot was made', {
        where: slice.files[0]?.path ?? slice.id,
        remedy: 'Run again: the plan is made anew from what is there.',
      })
    return { source: { ...source, dataDir: copy.dataDir, walDir: copy.walDir }, files }
  }

  async remove(): Promise<void> {
    for (const copy of this.#copies.values()) await copy.remove()
    this.#copies.clear()
  }

  async #make(
    { clock, signal, observe }: RunContext,
    source: DataDirSource,
    folder: string,
    slices: readonly Slice[],
  ): Promise<void> {
    const own = slices.filter(({ mapping }) => mapping.source === source.name)
    const shards = shardsOf(
      source,
      own.flatMap(({ files }) => files),
    )
    const { dataDir, walDir } = source
    const copy = await copyLive({
      dataDir,
      walDir,
      shards: shards.map((shard) => ({ relative: shard })),
      folder,
      clock,
      signal,
    })
    this.#copies.set(source.name, copy)
    observe({ type: 'note', message: `${source.name}: reading from a snapshot in ${folder}` })
  }
}

/** `<database>/<retention policy>/<shard id>` of each file, once. */
function shardsOf({ dataDir, walDir }: DataDirSource, files: readonly CatalogFile[]): string[] {
  const folders = files.map(({ path }) => dirname(relative(path.endsWith('.wal') ? walDir : dataDir, path)))
  return [...new Set(folders)]
}
