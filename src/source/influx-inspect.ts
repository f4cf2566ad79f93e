/**
 * `influx_inspect export`: its output as a stream, and every way in which it loses data with exit code 0 as a failure.
 * Behaviour from the source of 1.6 to 1.12 (cmd/influx_inspect/export).
 */
import { setTimeout } from 'node:timers/promises'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../core/failure.ts'
import { END_OF_TIME, formatRfc3339, formatWindow, MIN_TIME, type TimeWindow } from '../core/time.ts'
import { openNamedPipe, type NamedPipe } from '../io/named-pipe.ts'
import { runToEnd, spawnStreaming, type StreamingEnd } from '../io/process.ts'
import type { DataDirSource } from '../manifest/migration.ts'
import type { CatalogFile } from './catalog.ts'
import { checkUnchanged } from './check-unchanged.ts'
import { ExportOutput } from './export-output.ts'
import { linkFolders, makeWorkFolder, realFolders, type InspectFolders } from './influx-inspect-folders.ts'
import { InspectMessages } from './influx-inspect-messages.ts'
import { readTsmTimes } from './tsm-times.ts'

export interface InfluxInspectAbilities {
  /** `-lponly`: no comments and no DDL (1.8.3 and later). */
  lponly: boolean
  /** `-out -`: standard output (1.8.5 and later). */
  standardOutput: boolean
}

export interface InfluxInspectExport {
  command: readonly string[]
  abilities: InfluxInspectAbilities
  source: DataDirSource
  database: string
  retentionPolicy: string
  window: TimeWindow
  /** The slice's files: nothing else is exported where `command` is a plain program. */
  files: readonly CatalogFile[]
  /** A temporary folder (links, named pipe) is made in it, and removed in the end. */
  workDir: string
  signal: AbortSignal
}

/**
 * Asks the program what it can do.
 * @throws Failure `process/not-found`, `source/not-influx-inspect`
 */
export async function probeInfluxInspect(
  command: readonly string[],
  signal: AbortSignal,
): Promise<InfluxInspectAbilities> {
  const { stdout, stderr, exitCode } = await runToEnd(command, ['export', '-h'], { signal, timeout: 60_000 })
  const help = stdout + stderr
  if (!/^\s*-datadir\b/m.test(help) || !/^\s*-waldir\b/m.test(help)) {
    throw new Failure('source/not-influx-inspect', `${command.join(' ')} does not know "export"`, {
      where: help.trim().split('\n')[0] || `exit code ${exitCode}, no output`,
      remedy: 'Give the program of InfluxDB 1.x in the manifest ("command: [/usr/bin/influx_inspect]").',
    })
  }
  return {
    lponly: /^\s*-lponly\b/m.test(help),
    standardOutput: /'-' for standard out/.test(help),
  }
}

/**
 * The points of one policy and window as 1.x line protocol, one field value a line, later lines winning.
 *
 * Without `-lponly` the stream holds comment lines beginning with `# ` and `CREATE DATABASE ` and
 * `CREATE RETENTION POLICY ` lines, outside of strings; the parser, which knows where a string ends, skips them. Up to
 * 1.9 it may also hold `skipped missing file: ` and a path, glued to a line: the parser fails there.
 *
 * The iteration itself throws at its end when anything is missing, so that nobody can forget to ask:
 * Failure `process/not-found`, `export/...` naming the file and the reason. Ending it early ends the program.
 */
export function exportWithInfluxInspect(options: InfluxInspectExport): { chunks: AsyncIterable<Uint8Array> } {
  return { chunks: run(options) }
}

/** Milliseconds until a signal that ended influx_inspect has reached this process too, if it was meant for both. */
const INTERRUPT_GRACE = 200

async function* run(options: InfluxInspectExport): AsyncGenerator<Uint8Array, void> {
  const { command, abilities, source, files, signal } = options
  signal.throwIfAborted()
  const workFolder = await makeWorkFolder(options.workDir)
  const cleanUps: (() => void | Promise<unknown>)[] = [() => rm(workFolder, { recursive: true, force: true })]
  try {
    const folders =
      command.length === 1 ? await linkFolders(source, files, workFolder) : await realFolders(source, files)
    let pipe: NamedPipe | undefined
    if (!abilities.standardOutput) {
      pipe = await openNamedPipe(join(workFolder, 'out'))
      cleanUps.push(pipe.close)
    }
    const child = await spawnStreaming(command, argumentsOf(options, folders, pipe?.path ?? '-'), {
      signal,
      // It opens the pipe for reading too, and so would wait for ever, unnoticed, if this process were killed.
      ...(pipe !== undefined && { pidFile: join(workFolder, 'pid') }),
    })
    cleanUps.push(async () => {
      child.kill()
      await child.ended
    })
    const messages = new InspectMessages()
    const reading = [messages.readFrom(child.stderr)]
    if (pipe !== undefined) {
      reading.push(messages.readFrom(child.stdout))
      void child.exited.then(pipe.finish)
    }
    const output = new ExportOutput()
    try {
      for await (const chunk of (pipe?.stream ?? child.stdout) as AsyncIterable<Uint8Array>) {
        // A wrapper may be gone and the program it started write on.
        signal.throwIfAborted()
        output.see(chunk)
        yield chunk
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
    const end = await child.ended
    await Promise.all(reading)
    // Ctrl-C reaches every process of the terminal, and may reach influx_inspect first.
    if (end.signal === 'SIGINT' || end.signal === 'SIGTERM') await setTimeout(INTERRUPT_GRACE)
    signal.throwIfAborted()
    await expectAll(options, end, messages, output, folders)
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  }
}

function argumentsOf(options: InfluxInspectExport, folders: InspectFolders, out: string): string[] {
  const { abilities, database, retentionPolicy, window } = options
  return [
    'export',
    ...(abilities.lponly ? ['-lponly'] : []),
    ...['-datadir', folders.dataDir, '-waldir', folders.walDir, '-out', out],
    ...['-database', database, '-retention', retentionPolicy],
    ...(window.start > MIN_TIME ? ['-start', formatRfc3339(window.start)] : []),
    // Both are inclusive.
    ...(window.end < END_OF_TIME ? ['-end', formatRfc3339(window.end - 1n)] : []),
  ]
}

/** Everything arrived, or this throws. */
async function expectAll(
  options: InfluxInspectExport,
  end: StreamingEnd,
  messages: InspectMessages,
  output: ExportOutput,
  folders: InspectFolders,
): Promise<void> {
  const { database, retentionPolicy, window, files } = options
  const where = `"${database}"."${retentionPolicy}" ${formatWindow(window)}`
  if (end.failure !== undefined) throw end.failure
  const loss = messages.failure(where, folders.showPath)
  if (loss !== undefined) throw loss
  if (end.exitCode !== 0) {
    const how = end.signal === undefined ? `with exit code ${end.exitCode}` : `by ${end.signal}`
    const reason = folders.showPath(messages.tail).trim().split('\n').at(-1) ?? ''
    throw new Failure(
      'export/influx-inspect-failed',
      `influx_inspect ended ${how}${reason === '' ? '' : `: ${reason}`}`,
      {
        where,
        remedy: `${reason === '' ? 'It gave no reason.' : folders.showPath(messages.tail)}\nMend that, and run again.`,
      },
    )
  }
  if (output.isCut) {
    throw new Failure('export/cut-output', "influx_inspect's output ends in the middle of a line", {
      where,
      remedy: 'Run again. If it stays, look at the system log: influx_inspect could not write all of it.',
    })
  }
  const tsmFiles = files.filter(({ path, bytes }) => path.endsWith('.tsm') && bytes > 0)
  const hasWal = files.some(({ path, bytes }) => path.endsWith('.wal') && bytes > 0)
  const { sawTsm, sawWal } = messages
  if (tsmFiles.length > 0 && sawWal && !sawTsm) throw notSeen(options, where, 'TSM file')
  if (hasWal && sawTsm && !sawWal) throw notSeen(options, where, 'WAL file')
  if ((hasWal || tsmFiles.length > 0) && !sawTsm && !sawWal && !output.hasData)
    throw notSeen(options, where, 'file')
  const changed = await checkUnchanged(files)
  if (changed !== undefined) {
    throw new Failure('export/source-changed', 'a file changed while it was exported', {
      where: changed.path,
      remedy: 'Stop influxd, or export from a copy of the data directory, and run again.',
    })
  }
  if (!output.hasData) await expectEmpty(options, tsmFiles, where)
}

/** No line came. That is right only where no file can hold a point of the window. */
async function expectEmpty(
  { window, files, source, command }: InfluxInspectExport,
  tsmFiles: readonly CatalogFile[],
  where: string,
): Promise<void> {
  const tombstones = new Set(files.map(({ path }) => path).filter((path) => path.endsWith('.tombstone')))
  for (const { path } of tsmFiles) {
    if (tombstones.has(path.replace(/\.tsm$/, '.tombstone'))) continue
    const { start, end } = await readTsmTimes(path)
    if (![start, end - 1n].some((time) => time >= window.start && time < window.end)) continue
    throw new Failure('export/empty-output', 'influx_inspect exported nothing, though a file has points', {
      where: `${where}, ${path}`,
      remedy: sameFolders(source, command),
    })
  }
}

function notSeen({ source, command }: InfluxInspectExport, where: string, what: string): Failure {
  return new Failure('export/files-not-seen', `influx_inspect exported no ${what}, though there are some`, {
    where,
    remedy: sameFolders(source, command),
  })
}

function sameFolders({ dataDir, walDir }: DataDirSource, command: readonly string[]): string {
  return `It must see the same folders: are ${dataDir} and ${walDir} there where "${command.join(' ')}" runs?`
}
