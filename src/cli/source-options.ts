/** The options by which init and inspect are told where the data is. */
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { ExitCode, Failure } from '../core/failure.ts'
import type { Source } from '../manifest/migration.ts'

export interface SourceOptions {
  dataDir?: string
  walDir?: string
  metaDir?: string
  lineProtocol?: string[]
}

export function sourceOptions(command: Command): Command {
  return command
    .option('--data-dir <dir>', "influxd's data directory, as in /var/lib/influxdb/data")
    .option('--wal-dir <dir>', 'its WAL directory (default: wal beside data)')
    .option('--meta-dir <dir>', 'its meta directory (default: meta beside data)')
    .option('--line-protocol <files...>', 'line protocol files instead (*.lp, *.lp.gz)')
}

/** @throws Failure `options/source` when neither a data directory nor files are named, or both */
export function sourceOf({ dataDir, walDir, metaDir, lineProtocol }: SourceOptions): Source {
  if ((dataDir === undefined) === (lineProtocol === undefined)) {
    throw new Failure('options/source', 'name one source: --data-dir <dir> or --line-protocol <files...>', {
      exit: ExitCode.manifest,
    })
  }
  if (lineProtocol !== undefined) {
    return { kind: 'line-protocol', name: 'files', files: lineProtocol.map((file) => resolve(file)) }
  }
  const data = resolve(dataDir ?? '')
  return {
    kind: 'data-dir',
    name: 'source-1',
    reader: 'tsm',
    dataDir: data,
    walDir: resolve(walDir ?? join(dirname(data), 'wal')),
    metaDir: resolve(metaDir ?? join(dirname(data), 'meta')),
    snapshotDir: undefined,
    onCorruption: 'fail',
    command: ['influx_inspect'],
  }
}

/** A name for the migration: the folder that holds `data`, or the first file's. */
export function nameOf(source: Source): string {
  const path = source.kind === 'data-dir' ? dirname(source.dataDir) : (source.files[0] ?? '')
  return (
    basename(path)
      .replace(/\..*$/, '')
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '') || 'migration'
  )
}
