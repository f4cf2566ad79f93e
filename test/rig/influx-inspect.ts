/** The real influx_inspect that scripts/install-test-servers.sh builds. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const BUILT = join(import.meta.dirname, '../../.cache/test-servers/bin')

/**
 * Where influx_inspect is: the built one, else the one on PATH. `undefined` when there is none, for
 * `describe.skipIf(!influxInspect)`; in CI that throws, since a skipped test proves nothing.
 */
export const influxInspect: string | undefined = find()

/** The binary's path. @throws when there is none. */
export function requireInfluxInspect(): string {
  if (influxInspect === undefined)
    throw new Error('there is no influx_inspect: run scripts/install-test-servers.sh')
  return influxInspect
}

/** What `influx_inspect export` writes to its output, progress text left out. */
export function exportText(dirs: { data: string; wal: string }, ...args: string[]): string {
  // /dev/stdout would have the progress text in it as well, so a file it is.
  const out = join(dirs.data, `../export-${process.pid}.lp`)
  const text = `"$1" export -datadir "$2" -waldir "$3" -out "$4" "\${@:5}" >&2 && cat "$4"; code=$?; rm -f "$4"; exit $code`
  return execFileSync(
    'bash',
    ['-c', text, 'bash', requireInfluxInspect(), dirs.data, dirs.wal, out, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
}

function find(): string | undefined {
  const folders = [BUILT, ...(process.env.PATH ?? '').split(delimiter)]
  const found = folders.map((folder) => join(folder, 'influx_inspect')).find(isExecutable)
  if (found === undefined && process.env.CI === 'true')
    throw new Error('there is no influx_inspect in CI: run scripts/install-test-servers.sh')
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
