import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALL_TIME, parseRfc3339, type TimeWindow } from '../../../src/core/time.ts'
import type { DataDirSource } from '../../../src/manifest/migration.ts'
import type { CatalogFile } from '../../../src/source/catalog.ts'
import { exportWithInfluxInspect, probeInfluxInspect } from '../../../src/source/influx-inspect.ts'
import { catalogFile } from '../../../src/source/shard-files.ts'

const OLD = { lponly: false, standardOutput: false }
const NEW = { lponly: true, standardOutput: true }
const LINES = 'm,t=a f=1 1\nm,t=a s="x\n# DDL\n" 2\n'

let folder: string
let workDir: string
let files: CatalogFile[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'influx-ferry-test-'))
  workDir = join(folder, 'work')
  const shard = join(folder, 'data/db/rp/1')
  const wal = join(folder, 'wal/db/rp/1')
  await mkdir(shard, { recursive: true })
  await mkdir(wal, { recursive: true })
  await writeFile(join(shard, '1-1.tsm'), 'tsm')
  await writeFile(join(wal, '_00001.wal'), 'wal')
  files = await Promise.all([catalogFile(join(shard, '1-1.tsm')), catalogFile(join(wal, '_00001.wal'))])
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const sourceOf = (command: string[]): DataDirSource => ({
  kind: 'data-dir',
  name: 'plant-1',
  reader: 'influx_inspect',
  dataDir: join(folder, 'data'),
  walDir: join(folder, 'wal'),
  metaDir: join(folder, 'meta'),
  snapshotDir: undefined,
  onCorruption: 'fail',
  command,
})

/** A program in place of influx_inspect: `$data` and `$wal` are set, `output` writes to where it should, arguments are kept in `args`. */
async function program(body: string): Promise<string> {
  const path = join(folder, 'influx_inspect')
  const text = `#!/bin/bash
printf '%s\\n' "$@" > "${folder}/args"
while [ $# -gt 0 ]; do
  case "$1" in -out) out=$2 ;; -datadir) data=$2 ;; -waldir) wal=$2 ;; esac
  shift
done
output() { if [ "$out" = - ]; then cat; else cat > "$out"; fi; }
progress() { if [ "$out" = - ]; then echo "$1" >&2; else echo "$1"; fi; }
tsm() { progress 'writing out tsm file data for db/rp...complete.'; }
wal() { progress 'writing out wal file data for db/rp...complete.'; }
${body}
`
  await writeFile(path, text)
  await chmod(path, 0o755)
  return path
}

interface Setup {
  abilities?: { lponly: boolean; standardOutput: boolean }
  window?: TimeWindow
  command?: string[]
  signal?: AbortSignal
}

async function start(body: string, { abilities = OLD, window = ALL_TIME, ...setup }: Setup = {}) {
  const command = setup.command ?? [await program(body)]
  return exportWithInfluxInspect({
    command,
    abilities,
    source: sourceOf(command),
    database: 'db',
    retentionPolicy: 'rp',
    window,
    files,
    workDir,
    signal: setup.signal ?? new AbortController().signal,
  }).chunks
}

async function read(body: string, setup?: Setup): Promise<string> {
  let text = ''
  for await (const chunk of await start(body, setup)) text += Buffer.from(chunk).toString()
  return text
}

/** What the iteration throws, after how much output. Also: the temporary folder is gone whatever happens. */
async function failure(body: string, setup?: Setup) {
  let bytes = 0
  try {
    for await (const chunk of await start(body, setup)) bytes += chunk.length
  } catch (error) {
    expect(await readdir(workDir)).toEqual([])
    return { error, bytes }
  }
  throw new Error('it did not fail')
}

const lines = `printf '%s' '${LINES}' | output`

describe.each([
  ['a named pipe', OLD],
  ['standard output', NEW],
])('an export through %s', (_, abilities) => {
  it('gives the bytes, and leaves nothing behind', async () => {
    expect(await read(`tsm; ${lines}; wal`, { abilities })).toBe(LINES)
    expect(await readdir(workDir)).toEqual([])
  })

  it('is not held up by much output and many messages', async () => {
    const body = `tsm; wal; for i in $(seq 3000); do echo "${'message '.repeat(20)} $i" >&2; done
      yes 'm f=1 1' | head -n 1000000 | output`
    let bytes = 0
    for await (const chunk of await start(body, { abilities })) bytes += chunk.length
    expect(bytes).toBe(8_000_000)
  })

  const losses: [string, string, object][] = [
    [
      'a TSM file that it could not read',
      `echo "unable to read $data/db/rp/1/1-1.tsm, skipping: init: incorrect magic number 0" >&2`,
      {
        code: 'export/unreadable-file',
        message: 'influx_inspect left out a TSM file: init: incorrect magic number 0',
      },
    ],
    [
      'a key that it could not read',
      `echo "unable to read key \\"m,t=a#!~#f\\" in $data/db/rp/1/1-1.tsm, skipping: block too short" >&2`,
      { code: 'export/unreadable-block', message: 'influx_inspect left out "m,t=a#!~#f": block too short' },
    ],
    [
      'a file that vanished',
      `printf '%s' "skipped missing file: $data/db/rp/1/1-1.tsm" >&2`,
      { code: 'export/missing-file' },
    ],
  ]
  it.each(losses)('fails for %s, though it exits with 0', async (_what, body, expected) => {
    const { error, bytes } = await failure(`tsm; wal; ${body}; ${lines}`, { abilities })
    expect(error).toMatchObject({ ...expected, where: files[0]?.path, remedy: expect.any(String) as string })
    expect(bytes).toBe(LINES.length)
  })

  it('fails for a corrupt WAL file and counts further messages', async () => {
    const body = `tsm; wal; printf '%s' "file $wal/db/rp/1/_00001.wal corrupt at position 17: unexpected EOF" >&2
      echo >&2; echo "unable to read /x.tsm, skipping: y" >&2; ${lines}`
    expect((await failure(body, { abilities })).error).toMatchObject({
      code: 'export/corrupt-wal',
      where: files[1]?.path,
      message:
        'influx_inspect stopped reading a WAL file at byte 17: unexpected EOF (and 1 more message like it)',
    })
  })

  it('fails for deletes in the WAL, naming what was exported', async () => {
    const body = `tsm; wal; echo 'WARNING: detected deletes in wal file.
Some series for "db/rp" may be brought back by replaying this data.' >&2; ${lines}`
    const window = { start: 0n, end: 10n }
    expect((await failure(body, { abilities, window })).error).toMatchObject({
      code: 'export/deletes-in-wal',
      where: '"db"."rp" 1970-01-01T00:00:00Z .. 1970-01-01T00:00:00.000000010Z',
      remedy: expect.stringContaining('cache-snapshot-write-cold-duration') as string,
    })
  })

  it('fails for output that ends in the middle of a line', async () => {
    expect((await failure(`tsm; wal; printf 'm f=1 1\\nm f=2' | output`, { abilities })).error).toMatchObject(
      {
        code: 'export/cut-output',
      },
    )
  })

  it('fails when only the WAL, only TSM files, or nothing at all was found', async () => {
    for (const body of [
      `wal; ${lines}`,
      `tsm; ${lines}`,
      `printf '# INFLUXDB EXPORT\\n# DDL\\n# DML\\n' | output`,
    ]) {
      expect((await failure(body, { abilities })).error, body).toMatchObject({
        code: 'export/files-not-seen',
        remedy: expect.stringContaining(join(folder, 'data')) as string,
      })
    }
  })

  it('fails for a file that changed meanwhile', async () => {
    const body = `tsm; wal; ${lines}; echo more >> "${files[1]?.path}"`
    expect((await failure(body, { abilities })).error).toMatchObject({
      code: 'export/source-changed',
      where: files[1]?.path,
    })
  })

  it('fails with the exit code and the last words', async () => {
    const body = `tsm; echo "open $data/db/rp/1/1-1.tsm: permission denied" >&2; exit 3`
    expect((await failure(body, { abilities })).error).toMatchObject({
      code: 'export/influx-inspect-failed',
      message: `influx_inspect ended with exit code 3: open ${files[0]?.path}: permission denied`,
      remedy: `open ${files[0]?.path}: permission denied\nMend that, and run again.`,
    })
  })

  it('fails when the program is killed before it opened its output', async () => {
    expect((await failure('kill -9 $$', { abilities })).error).toMatchObject({
      code: 'export/influx-inspect-failed',
      message: 'influx_inspect ended by SIGKILL',
    })
  })

  it('fails when there is no such program', async () => {
    const command = [join(folder, 'nowhere')]
    expect((await failure('', { abilities, command })).error).toMatchObject({ code: 'process/not-found' })
  })

  it('ends the program when it is aborted, also one that never opens its output', async () => {
    for (const body of ['yes "m f=1 1" | output', 'exec sleep 60']) {
      const controller = new AbortController()
      const reason = new Error('interrupted')
      setTimeout(() => controller.abort(reason), 300)
      const started = Date.now()
      const { error } = await failure(`echo $$ > "${folder}/pid"; ${body}`, {
        abilities,
        signal: controller.signal,
      })
      expect(error).toBe(reason)
      expect(Date.now() - started).toBeLessThan(4000)
      await expectGone(Number(await readFile(join(folder, 'pid'), 'utf8')))
    }
  })

  it('ends the program when nobody reads on', async () => {
    for await (const _chunk of await start(`echo $$ > "${folder}/pid"; yes 'm f=1 1' | output`, {
      abilities,
    }))
      break
    await expectGone(Number(await readFile(join(folder, 'pid'), 'utf8')))
    expect(await readdir(workDir)).toEqual([])
  })
})

async function expectGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1)
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await sleep(20)
  }
  throw new Error(`process ${pid} is still there`)
}

describe('the arguments of an export', () => {
  const args = async () => (await readFile(join(folder, 'args'), 'utf8')).trimEnd().split('\n')

  it('have the window with both ends included, and links to the files of the slice', async () => {
    const window = {
      start: parseRfc3339('1969-12-31T23:59:59.5Z') ?? 0n,
      end: parseRfc3339('2021-01-08T00:00:00Z') ?? 0n,
    }
    await read(`tsm; wal; cat "$data"/db/rp/1/*.tsm "$wal"/db/rp/1/*.wal > "${folder}/seen"; ${lines}`, {
      window,
    })
    expect(await readFile(join(folder, 'seen'), 'utf8')).toBe('tsmwal')
    const given = await args()
    const ending = (text: string) => expect.stringMatching(`${text}$`) as string
    expect(given).toEqual([
      ...['export', '-datadir', ending('/data'), '-waldir', ending('/wal')],
      ...['-out', ending('/out'), '-database', 'db', '-retention', 'rp'],
      ...['-start', '1969-12-31T23:59:59.500Z', '-end', '2021-01-07T23:59:59.999999999Z'],
    ])
  })

  it('leave out an open side, and name the real folders for a wrapped command', async () => {
    const path = await program(`tsm; wal; ${lines}`)
    await read('', { command: ['env', path], abilities: NEW })
    expect(await args()).toEqual([
      ...['export', '-lponly', '-datadir', join(folder, 'data'), '-waldir', join(folder, 'wal')],
      ...['-out', '-', '-database', 'db', '-retention', 'rp'],
    ])
  })

  it('are refused where a wrapped command would pass over a linked folder', async () => {
    const path = await program(`tsm; wal; ${lines}`)
    await rm(join(folder, 'data/db/rp/1'), { recursive: true })
    await mkdir(join(folder, 'other'))
    await writeFile(join(folder, 'other/1-1.tsm'), 'tsm')
    const { symlink } = await import('node:fs/promises')
    await symlink(join(folder, 'other'), join(folder, 'data/db/rp/1'))
    files = [await catalogFile(join(folder, 'data/db/rp/1/1-1.tsm'))]
    expect((await failure('', { command: ['env', path] })).error).toMatchObject({
      code: 'export/linked-folder',
      where: join(folder, 'data/db/rp/1'),
    })
    expect(await read(`tsm; ${lines}`)).toBe(LINES)
  })

  it('stay within a folder that a killed run left behind and this one removes', async () => {
    await mkdir(join(workDir, 'influx_inspect-4194305-abc'), { recursive: true })
    await read(`tsm; wal; ${lines}`)
    expect(await readdir(workDir)).toEqual([])
  })
})

describe('asking influx_inspect what it can do', () => {
  const { signal } = new AbortController()
  const help = (out: string, more = '') => `cat <<'END'
Usage: influx_inspect export [flags]

  -datadir string
    	Data storage path (default "/root/.influxdb/data")
  -out string
    	${out}
  -waldir string
    	WAL storage path
${more}
END`

  it('tells old and new ones apart, whatever the exit code and the stream', async () => {
    const old = await program(help('Destination file to export to (default "/root/.influxdb/export")'))
    expect(await probeInfluxInspect([old], signal)).toEqual(OLD)
    const text = help(
      "'-' for standard out or the destination file to export to",
      '  -lponly\n    	Only export line protocol',
    )
    const fresh = await program(`{ ${text}\n} >&2; exit 2`)
    expect(await probeInfluxInspect([fresh], signal)).toEqual(NEW)
  })

  it('fails for a program that is not there, and for one that is not it', async () => {
    await expect(probeInfluxInspect([join(folder, 'nope')], signal)).rejects.toMatchObject({
      code: 'process/not-found',
    })
    const other = await program('echo "unknown command"; exit 1')
    await expect(probeInfluxInspect([other], signal)).rejects.toMatchObject({
      code: 'source/not-influx-inspect',
      where: 'unknown command',
    })
  })
})
